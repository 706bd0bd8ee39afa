"""Whether recordings of each format can be decoded."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tui.doctor.finding import Finding, State, Topic


def check_decoders() -> Iterator[Finding]:
    """Writes and decodes a tone in each format."""
    from workers.audio.decoder_trial import try_decoders  # loads the decoders

    with TemporaryDirectory() as folder:
        trials = list(try_decoders(Path(folder)))
    if readable := [trial.format for trial in trials if not trial.problem]:
        yield Finding(
            Topic.RECORDINGS,
            "decoders",
            State.OK,
            f"decoded a tone as {', '.join(readable)}",
            "",
            {"formats": list(readable)},
        )
    for trial in trials:
        if trial.problem:
            # WAV is what everybody has; the others are formats that some need.
            state = State.FAILED if trial.format == "wav" else State.WARNING
            text = f"{trial.format} cannot be decoded: {trial.problem}"
            remedy = "pip install --force-reinstall soundfile av"
            yield Finding(Topic.RECORDINGS, f"decoder {trial.format}", state, text, remedy)
