"""Prepares what every session inherits from the fork server, which imports this module last.

It imports what each session needs, and prepares the codec of every event. Then it keeps Python from
writing to shared memory, of which each session would get its own copy: it runs a session once (see
`rehearsal`), gathers the code that this executed (see `heap`), and hides all objects from the
garbage collector. It limits the memory of each session, and ignores the signals that are sent to
all processes of a program.
"""

import encodings.idna  # noqa: F401  (looking up a host encodes its name)
import gc
import multiprocessing.popen_forkserver
import multiprocessing.synchronize  # noqa: F401  (both: unpickling a process needs them)
import sys
from typing import get_args

import workers.audio.sndfile_reader  # noqa: F401  (most recordings are read with it)
from workers import processes
from workers.audio import limits
from workers.jobs import events
from workers.protocol import codec, messages
from workers.session import heap, rehearsal
from workers.traces.format import TraceHead

for wire_type in (
    *get_args(events.TraceEvent),
    *get_args(messages.ServerMessage),
    messages.Terminate,
    messages.ForceEndpoint,
    messages.UpdateConfiguration,
    TraceHead,
):
    codec.precompile(wire_type)
executed = rehearsal.rehearse()
gc.collect()
heap.fill_holes()  # so that the code is put in one place
heap.gather_code(executed)
sys._clear_type_cache()  # of what only imports have looked up
rehearsal.rehearse()  # with that code
del executed
gc.collect()
heap.fill_holes()
gc.freeze()
limits.limit_memory()
processes.ignore_group_signals()
