"""The registry of engines: every entry can be loaded, and chosen by its models."""

import pkgutil
from inspect import signature

import pytest

from workers.localserver.engine_registry import (
    DEFAULT_ENGINE,
    ENGINES,
    engine_name_for,
    is_engine_installed,
)
from workers.localserver.recognition.engines import Engine


@pytest.mark.parametrize("name", ENGINES)
def test_every_class_path_is_an_engine(name: str):
    """The class can be imported without its package and transcribes samples."""
    engine = pkgutil.resolve_name(ENGINES[name].class_path)

    assert signature(Engine.transcribe).parameters.keys() == (
        signature(engine.transcribe).parameters.keys()
    )


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_that_is_not_installed_is_replaced_by_the_default(name: str):
    """Models that no engine claims are also served by the default."""
    chosen = name if is_engine_installed(name) else DEFAULT_ENGINE

    assert {chosen} >= {engine_name_for(model) for model in ENGINES[name].speech_models}
    assert DEFAULT_ENGINE == engine_name_for("u3-rt-pro")
