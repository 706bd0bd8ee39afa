"""Compresses the traces of a run that no program is working on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workers.errors import RunFolderProblem
from workers.runs import run_folder
from workers.traces.compressed import compress_trace
from workers.traces.files import COMPRESSED_SUFFIX, trace_files_by_job


@dataclass(frozen=True, slots=True)
class Compression:
    """What was compressed."""

    traces: int
    bytes_before: int
    bytes_after: int


def compress_run(path: Path, on_progress: Callable[[int, int], object]) -> Compression:
    """Compresses the traces of the run in folder ``path`` that are not compressed yet.

    ``on_progress`` is told how many are done, of how many. Interrupted at any time, it can be
    started again. Raises `RunFolderProblem`, also if a program is working on the run.
    """
    folder = run_folder.reopen(path)
    done = before = after = 0
    try:
        was_complete = folder.index is not None and folder.index.is_complete
        folder.refuse_earlier_programs()
        if (index := folder.take_unsaved(whole=True)) is not None:
            folder.save(index, final=was_complete)
        found = [trace for traces in trace_files_by_job(path).values() for _, trace in traces]
        found = [trace for trace in found if trace.suffix != COMPRESSED_SUFFIX]
        for trace in found:
            before += trace.lstat().st_size
            after += compress_trace(trace).lstat().st_size
            done += 1
            on_progress(done, len(found))
    except OSError as error:
        reason = f"the traces of {path} cannot be compressed ({error.strerror})"
        hint = f"{done} of them are; the others stay as they were. Free disk space, and go on."
        raise RunFolderProblem(reason, hint) from error
    finally:
        folder.close()
    return Compression(done, before, after)
