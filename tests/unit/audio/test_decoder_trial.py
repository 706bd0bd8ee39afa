"""The decoders are tried with a tone in each format."""

from pathlib import Path

from workers.audio.decoder_trial import WRITERS, DecoderTrial, try_decoders


def test_every_format_can_be_decoded(tmp_path: Path) -> None:
    """With the packages that Paceline requires."""
    assert [DecoderTrial(name) for name in WRITERS] == list(try_decoders(tmp_path))


def test_a_decoder_that_fails_is_named(tmp_path: Path) -> None:
    """The others are tried all the same."""
    (tmp_path / "tone.mp3").mkdir()
    trials = {trial.format: trial.problem for trial in try_decoders(tmp_path)}

    assert trials.pop("mp3")
    assert {*trials.values()} == {""}
