"""The last look at what is drawn, before it goes to the terminal."""

from collections.abc import Sequence

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tui.text.width import clean


class CleanFilter(LineFilter):
    """Cleans what no drawing function has cleaned, such as the text of an input.

    Most text is clean already, and is only looked at.
    """

    def apply(self, segments: Sequence[Segment], background: Color) -> list[Segment]:
        """Returns the segments of a line as the terminal may get them."""
        return [
            segment
            if segment.control or segment.text.isprintable()
            else Segment(clean(segment.text), segment.style)
            for segment in segments
        ]
