"""What one writes after reading the vendor's quickstart: a file, a socket, a thread that sends.

``quickstart_client.py URL FILE clock`` sleeps until the next chunk is due on the wall clock, as the
quickstart does. ``quickstart_client.py URL FILE sleep`` sleeps the length of a chunk, which the
guide warns of. The file imports only what such a script imports, since its memory and its start are
compared too.
"""

import json
import sys
import threading
import time
import wave
from urllib.parse import urlencode

import websocket

CHUNK = 0.1
"""Seconds."""


def main(url: str, file: str, pacing: str) -> None:
    """Streams the file and returns when the server has closed."""

    def stream(app: websocket.WebSocketApp) -> None:
        with wave.open(file, "rb") as recording:
            frames = int(recording.getframerate() * CHUNK)
            start = time.monotonic()
            sent = 0
            while chunk := recording.readframes(frames):
                app.send(chunk, websocket.ABNF.OPCODE_BINARY)
                sent += 1
                if pacing == "sleep":
                    time.sleep(CHUNK)
                elif (left := start + sent * CHUNK - time.monotonic()) > 0:
                    time.sleep(left)
        app.send(json.dumps({"type": "Terminate"}))

    def opened(app: websocket.WebSocketApp) -> None:
        threading.Thread(target=stream, args=(app,), daemon=True).start()

    def heard(app: websocket.WebSocketApp, message: str) -> None:
        print(json.loads(message)["type"])

    parameters = urlencode({"speech_model": "u3-rt-pro", "sample_rate": 16000})
    app = websocket.WebSocketApp(f"{url}?{parameters}", on_open=opened, on_message=heard)
    receiver = threading.Thread(target=app.run_forever, daemon=True)
    receiver.start()
    while receiver.is_alive():  # as the quickstart waits, so that Ctrl-C is heard
        time.sleep(0.1)


if __name__ == "__main__":
    main(*sys.argv[1:])
