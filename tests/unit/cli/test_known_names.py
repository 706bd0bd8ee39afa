"""Names of models and parameters that Paceline does not know."""

import pytest

from tests.unit.cli.test_run_options import parse_command_line
from tui.cli.known_names import check_engine_settings, unknown_name_warnings
from tui.cli.run_setup import new_start_limiter
from workers.errors import UsageProblem
from workers.jobs.job import StreamSettings
from workers.localserver.param_types import KNOWN_MODELS, MODEL_ALIASES


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (StreamSettings(speech_model="u3-rt-prro"), "Did you mean u3-rt-pro"),
        (StreamSettings(speech_model="whisper"), "Did you mean whisper-rt?"),
        (StreamSettings(speech_model="qqq"), "Known models: universal-streaming-english, "),
        (StreamSettings(params=(("min_turn_silnce", "1"),)), "Did you mean min_turn_silence or"),
        (StreamSettings(params=(("qqq", "1"),)), "engine-parameters.md lists its parameters"),
        (StreamSettings(params=(("min_turn_silence", "x"),)), "must be a whole number"),
    ],
)
def test_the_embedded_engine_is_asked_before_any_start(
    settings: StreamSettings, problem: str
) -> None:
    """It would ignore what it does not know."""
    with pytest.raises(UsageProblem) as raised:
        check_engine_settings(settings)
    assert problem in str(raised.value)


@pytest.mark.parametrize("model", [*KNOWN_MODELS, *MODEL_ALIASES])
def test_every_model_of_the_service_is_known(model: str) -> None:
    """Also by the name that the vendor's SDK uses."""
    check_engine_settings(StreamSettings(speech_model=model))


def test_an_endpoint_gets_unknown_names_with_one_warning_each() -> None:
    """Also those of a matrix; and one session is tried before the others start."""
    options = parse_command_line(
        url="ws://127.0.0.1:1",
        speech_model="u3-rt-prro",
        params=["new_one=1"],
        matrix=["chunk_ms=50,100", "mode=balanced,max_accuracy"],
    )

    assert options.unknown_names == [
        "Paceline does not know the speech model “u3-rt-prro”. "
        "Did you mean u3-rt-pro or u3-rt-pro-beta-1?",
        "Paceline does not know the parameter “new_one”.",
    ]
    limiter = new_start_limiter(options)
    limiter.record_start(100.0)
    assert limiter.next_start_at(101.0) > 110.0


def test_known_names_get_no_warning() -> None:
    """Nor does the default."""
    usual = parse_command_line(url="ws://127.0.0.1:1", params=["mode=balanced"])

    assert usual.unknown_names == []
    assert list(unknown_name_warnings(StreamSettings(speech_model="u3-pro"))) == []
