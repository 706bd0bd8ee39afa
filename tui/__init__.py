import os

# Textual reads it when it is first imported. It paints at most so often, and a key that comes after
# a paint waits for the next: 4 ms instead of 17.
os.environ.setdefault("TEXTUAL_FPS", "250")
