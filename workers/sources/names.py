"""What a name stands for that is not just the path of a recording or a folder."""

import os
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from workers.audio.source import STDIN_NAME, Source
from workers.errors import UsageProblem
from workers.sources.addresses import is_url, remote_source
from workers.sources.manifest import SourceRules, is_manifest_name, read_manifest
from workers.sources.shard import normal_path


def named_sources(name: str, rules: SourceRules) -> list[Source] | None:
    """The sources of a manifest, a URL or a pipe; None for a path to search.

    Raises `UsageProblem`. A file that exists is a file, even if its name looks like a URL.
    """
    if name == STDIN_NAME:
        if not rules.allow_stdin:
            reason = "the desk cannot read “-”, because the standard input is its keyboard"
            raise UsageProblem(reason, "Stream it without a screen: paceline run -")
        return [Source(STDIN_NAME, rules.options)]
    if is_manifest_name(name) and os.path.isfile(name):
        return read_manifest(name, rules)
    if not is_url(name) or os.path.lexists(name):
        return None
    if name.startswith("file://"):
        path = unquote(urlsplit(name).path)
        relative_path = normal_path(os.path.basename(path))
        return [Source(path, rules.options, relative_path=relative_path)]
    return [replace(remote_source(name), options=rules.options)]
