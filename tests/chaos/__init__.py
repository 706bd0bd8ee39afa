"""Many sessions at once, servers that fail in every way, and processes killed from outside.

``python -m tests.chaos`` runs for minutes. After each round it checks that no word was lost or
doubled. ``python -m tests.chaos.kill_storm`` kills each kind of process of the real program, also
while it resumes or exports.
"""
