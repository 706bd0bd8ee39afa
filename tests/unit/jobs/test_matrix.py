"""A matrix: which conditions there are, in which order, and what is not one."""

import pytest

from workers.audio.source import Source
from workers.errors import UsageProblem
from workers.jobs.job import StreamSettings
from workers.jobs.matrix import Matrix, apply_condition, parse_matrix
from workers.pacing.schedule import Release


def parse(*texts: str, repeats: int = 1) -> Matrix:
    return parse_matrix(texts, repeats, lambda condition: None)


def test_every_recording_meets_every_condition_before_any_repeat() -> None:
    """The order of conditions changes from recording to recording, the same in every run."""
    matrix = parse("speech_model=a,b", "chunk_ms=50,100,200", repeats=2)
    sources = [Source("1.wav", metadata=(("speaker", "x"),)), Source("2.wav")]
    expanded = matrix.expand(sources)

    assert expanded == matrix.expand(sources)
    assert len(set(expanded)) == 24
    first, second = expanded[:12], expanded[12:]
    assert {dict(source.conditions)["repeat"] for source in first} == {"1"}
    assert {dict(source.conditions)["repeat"] for source in second} == {"2"}
    orders = [
        tuple(source.metadata[-3:-1] for source in six)
        for six in (expanded[:6], expanded[6:12], expanded[12:18])
    ]
    assert len(set(orders)) > 1
    assert all(sorted(order) == sorted(orders[0]) for order in orders)
    assert dict(expanded[0].metadata)["speaker"] == "x"
    assert dict(expanded[0].metadata)["chunk_ms"] in ("50", "100", "200")


def test_a_value_may_hold_commas() -> None:
    """A list in brackets is one value; the axis can be given again for more."""
    matrix = parse('keyterms_prompt=["a","b"]', 'keyterms_prompt=["c"]')
    assert matrix.conditions == (
        (("keyterms_prompt", '["a","b"]'),),
        (("keyterms_prompt", '["c"]'),),
    )


def test_a_condition_changes_settings_and_parameters() -> None:
    """Numbers of repeats are not sent."""
    condition = [
        ("speech_model", "m"), ("chunk_ms", "50"), ("release", "end"), ("sample_rate", "8000"),
        ("mode", "fast"), ("repeat", "2"),
    ]  # fmt: skip
    changed = apply_condition(StreamSettings(params=(("mode", "slow"),)), condition)
    assert changed == StreamSettings(
        50, Release.END, 8000, "m", params=(("mode", "slow"), ("mode", "fast"))
    )
    assert changed.query_params(8000)["mode"] == "fast"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["speech_model"], "is not an axis"),
        (["=a"], "is not an axis"),
        (["speech_model=a,,b"], "is not an axis"),
        (["speech_model=a,a"], "has a value of speech_model twice"),
        (["chunk_ms=49"], "“49” is not a valid chunk_ms"),
        (["chunk_ms=fast"], "“fast” is not a valid chunk_ms"),
        (["sample_rate=7999"], "is not a valid sample_rate"),
        (["release=middle"], "is not a release"),
        ([f"a={','.join(map(str, range(300)))}"], "300 conditions"),
    ],
)
def test_a_matrix_that_cannot_be_streamed(texts: list[str], message: str) -> None:
    """It is a usage error before anything starts."""
    with pytest.raises(UsageProblem, match=message):
        parse(*texts)
