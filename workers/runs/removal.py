"""Removes run folders, and says how large they are."""

import os
from pathlib import Path

from workers import files
from workers.errors import RunFolderProblem
from workers.runs import run_lock
from workers.runs.index import is_run


def folder_bytes(folder: Path) -> int:
    """The bytes of all files in a folder; those that are removed meanwhile do not count."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except OSError:
                continue
    return total


def remove_run(folder: Path) -> None:
    """Removes a run with all its transcripts and traces. Raises `RunFolderProblem` for one that is
    running, that is a link, or that cannot be removed."""
    if folder.is_symlink() or not is_run(folder):
        raise RunFolderProblem(f"{folder} is not a run folder", "Nothing was removed.")
    if run_lock.is_running(folder):
        raise RunFolderProblem(f"{folder} is running now", "End it, then remove it.")
    try:
        files.remove_folder(folder)
    except OSError as error:
        reason = f"{folder} could not be removed as a whole ({error.strerror})"
        raise RunFolderProblem(reason, "Remove the rest by hand.") from error
