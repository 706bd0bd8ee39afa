"""Finds the lines of a job's traces that match a filter."""

from array import array
from bisect import bisect_left
from collections.abc import Callable
from time import monotonic

from workers.traces.tail import READ_SLICE_S, TraceEntry, TraceTail


class TraceFilter:
    """Finds lines that contain every word of a filter, but no word prefixed with ``!``.

    Only one thread may call `read`; others may read matches, because lines are only appended.
    """

    def __init__(
        self, trace: TraceTail, text: str, search_text: Callable[[TraceEntry], str]
    ) -> None:
        """``search_text`` returns the case-folded text of a line."""
        terms = text.casefold().split()
        self._trace = trace
        self._search_text = search_text
        self._wanted = [term for term in terms if not term.startswith("!")]
        self._unwanted = [term[1:] for term in terms if len(term) > 1 and term.startswith("!")]
        self.version = trace.version
        self.text = text
        self.line_numbers = array("L")
        """Numbers of the lines that match."""
        self.lines_checked = 0

    @property
    def count(self) -> int:
        """Counts the matching lines before the trace's time limit."""
        return bisect_left(self.line_numbers, len(self._trace))

    def read(self) -> bool:
        """Checks further lines for `READ_SLICE_S` seconds; True if more lines remain."""
        if self.lines_checked >= len(self._trace):
            return False
        end = monotonic() + READ_SLICE_S
        for entry in self._trace.entries(self.lines_checked):
            text = self._search_text(entry)
            if all(term in text for term in self._wanted) and not any(
                term in text for term in self._unwanted
            ):
                self.line_numbers.append(self.lines_checked)
            self.lines_checked += 1
            if monotonic() > end:
                return True
        return False
