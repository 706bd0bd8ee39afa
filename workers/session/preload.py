"""What every session inherits from the fork server, which loads this module last.

It imports what each session would otherwise import for itself, plans the reading and writing of
every event once for all, and hides the lot from the garbage collector: what a collection looks at
it also writes to, and a page that is written to is shared no longer. And it makes deaf to what all
processes of a program are sent.
"""

import encodings.idna  # noqa: F401  (looking up a host encodes its name)
import gc
import multiprocessing.popen_forkserver
import multiprocessing.synchronize  # noqa: F401  (both: unpickling a process needs them)
from typing import get_args

from workers import processes
from workers.jobs import events
from workers.protocol import codec, messages
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
gc.collect()
gc.freeze()
processes.ignore_group_signals()
