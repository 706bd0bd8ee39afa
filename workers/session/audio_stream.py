"""The audio of one attempt in chunks, and what became of the recording while it was read."""

from collections.abc import Callable, Generator
from contextlib import closing, suppress
from os import nice
from typing import TYPE_CHECKING

from workers.audio.decode import pcm_blocks, sample_count
from workers.audio.recording import Damage, Recording, clock
from workers.errors import Unreadable
from workers.jobs.events import Ended, Outcome, RecordingRead, Warned
from workers.jobs.outcomes import ended_by_unreadable
from workers.log import Logger
from workers.pacing.certificate import AUDIO_TOLERANCE_S, ReadAudio
from workers.protocol.messages import MIN_CHUNK_MS
from workers.session.assignment import Assignment
from workers.session.control import Cancelled
from workers.session.recording_file import FileChange, RecordingFile

if TYPE_CHECKING:
    from workers.session.growth import Growth

MAX_FAULT_WARNINGS = 50
"""Places of damage that are reported one by one; the certificate has the sum of all."""

_log = Logger("paceline.session")


class AudioStream:
    """Decodes the recording from the resume point on, and judges whether it was read whole.

    ``check`` is called repeatedly while nothing else happens, and may raise.
    """

    def __init__(
        self,
        assignment: Assignment,
        rate: int,
        file: RecordingFile,
        check: Callable[[], object],
        warn: Callable[[Warned], object],
    ) -> None:
        self._recording, self._settings = assignment.job.recording, assignment.job.settings
        self._rate = rate
        self._file = file
        self._check = check
        self._warn = warn
        self._faults: list[str] = []
        """Texts about audio that is missing."""
        self._known_missing_s = self._recording.missing_seconds
        self._unmeasured: Damage | None = None
        """Damage at which the decoder gave up, while it is not known how much is missing."""
        start_s = self._recording.start_seconds
        self._is_first = assignment.resume_point.at_ms <= round(start_s * 1000)
        """Whether this attempt begins at the beginning of what is streamed."""
        # Rounded up, so that a chunk is never too short.
        self.chunk_frames = -(-rate * assignment.job.settings.chunk_ms // 1000)
        self.start_sample = round(assignment.resume_point.at_ms * rate / 1000)
        """The first sample of this attempt, at the rate that is sent."""
        self.decoded_samples = 0
        self.is_at_end = False
        """Whether the decoder has yielded all that it could."""
        self.growth = _growth_of(self._recording, rate, check)
        """None unless the recording is still being written."""

    def chunks(self) -> Generator[bytes]:
        """Yields PCM from the resume point on; fills up the last chunk. Raises `Unreadable`."""
        shortest = 2 * -(-self._rate * MIN_CHUNK_MS // 1000)
        blocks = pcm_blocks(
            self._recording,
            self._rate,
            self.chunk_frames,
            self.start_sample,
            on_skip=self._check,
            on_damage=self._report_damage,
            wait=self.growth.wait if self.growth else None,
        )
        with closing(blocks):
            for block in blocks:
                self.decoded_samples += len(block) // 2
                yield block.ljust(shortest, b"\0")
        if self._faults or self._unmeasured:
            total = max(1, self.decoded_samples, sample_count(self._recording, self._rate))
            self._file.check_readable((self.start_sample + self.decoded_samples) / total)
        self.is_at_end = not (self.growth and self.growth.is_stopped)
        if self.growth and self.is_at_end and not self.decoded_samples and self._is_first:
            part = " in the part that is streamed" if self.start_sample else ""
            raise Unreadable(f"the file contains no audio{part}", "Its writer has closed it.")

    def finish(self, file_seconds: float, *, is_done: bool) -> tuple[RecordingRead, Ended | None]:
        """Looks at the file again. Returns what was read, and how the attempt ends if a fault makes
        it fail. Publishes other faults as warnings.

        ``file_seconds``: the audio in the file from the resume point on, as the probe found it;
        ``is_done``: whether all audio was sent. Only then is the file compared.
        """
        recording, change, sha256 = self._recording, None, None
        read_failure: Ended | None = None
        if is_done:
            with suppress(OSError):
                nice(10)  # other sessions are still sending
            try:
                with suppress(Cancelled):
                    change, sha256 = self._file.change_after(self._check)
            except Unreadable as error:
                read_failure = ended_by_unreadable(error)
        announced_s = round(file_seconds + recording.missing_seconds, 3)
        audio = ReadAudio(
            decoded_seconds=round(self.decoded_samples / self._rate, 3),
            is_complete=is_done and self.is_at_end,
            file_seconds=announced_s if self._is_measured else None,
            is_unchanged=None if change is None else change is FileChange.NONE,
        )
        is_new_hash = change is FileChange.OVERWRITTEN or self._file.is_partial
        read = RecordingRead(audio, sha256 if is_new_hash else None)
        if read_failure is not None:
            return read, read_failure
        if change is FileChange.OVERWRITTEN:
            hint = "The transcript is kept; add the file again."
            return read, Ended(Outcome.UNREADABLE, change.value, hint)
        if change is not None and change.value and not self._file.was_noticed(change):
            self._warn(Warned(change.value, at_seconds=self._end_seconds))
        if audio.is_complete:
            self._warn_of_difference(audio)
        faults = [*self._faults]
        if recording.missing_seconds > AUDIO_TOLERANCE_S:
            faults += recording.warnings
        if change is FileChange.GROWN:
            faults.append(change.value)
        if faults and is_done and self._settings.strict:
            hint = "The transcript is kept. Without --strict, this counts as done."
            return read, Ended(Outcome.UNREADABLE, faults[0], hint)
        return read, None

    @property
    def _end_seconds(self) -> float:
        """Up to where the recording was decoded."""
        return round((self.start_sample + self.decoded_samples) / self._rate, 3)

    @property
    def _is_measured(self) -> bool:
        """Whether the length of the file is known, at its end."""
        return self._recording.is_exact or (self.growth is not None and self.growth.is_measured)

    def _report_damage(self, damage: Damage) -> None:
        _log.warning("damage at %.3f s: %s", damage.at_s, damage.reason)
        if damage.missing_s is None:  # the decoder gave up; what it misses is known at the end
            self._unmeasured = damage
            return
        self._unmeasured = None
        self._known_missing_s += damage.missing_s
        total_s, end_s = self._recording.seconds, damage.at_s + damage.missing_s
        if end_s >= total_s - AUDIO_TOLERANCE_S:
            text = f"it stops at {clock(damage.at_s)} of {clock(max(total_s, end_s))}"
        else:
            text = f"{damage.missing_s:.1f} s cannot be decoded at {clock(damage.at_s)}"
        self._warn_of_fault(text, damage.at_s, damage.missing_s)

    def _warn_of_fault(self, text: str, at_s: float, missing_s: float | None = None) -> None:
        self._faults.append(text)
        if len(self._faults) == MAX_FAULT_WARNINGS:
            text = f"there is more damage from {clock(at_s)} on"
        if len(self._faults) <= MAX_FAULT_WARNINGS:
            missing_s = None if missing_s is None else round(missing_s, 3)
            self._warn(Warned(text, None, round(at_s, 3), missing_s))

    def _warn_of_difference(self, read: ReadAudio) -> None:
        """Warns if the file was said to have more or less audio, and no other warning says so."""
        damage = self._unmeasured
        at_s = damage.at_s if damage else self._end_seconds
        in_file_s = read.decoded_seconds if read.file_seconds is None else read.file_seconds
        missing_s = in_file_s - read.decoded_seconds - self._known_missing_s
        if missing_s > AUDIO_TOLERANCE_S:
            self._report_damage(Damage(at_s, missing_s, "the audio ends early"))
        elif damage is not None:
            self._warn_of_fault(f"audio cannot be decoded at {clock(at_s)}", at_s)
        elif (more_s := read.decoded_seconds - in_file_s) > AUDIO_TOLERANCE_S:
            text = f"the recording has {more_s:.1f} s more than was expected; all was sent"
            self._warn(Warned(text, at_seconds=round(at_s, 3)))


def _growth_of(recording: Recording, rate: int, check: Callable[[], object]) -> "Growth | None":
    if not recording.is_growing:
        return None
    from workers.session.growth import Growth  # few sessions need it

    return Growth(recording, rate, check)
