"""Reads reference texts: what was really said in a recording, in the formats that people have.

Times are in ms from the start of the recording. A file that cannot be read, or that has no text,
raises `UsageProblem` with its name.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.errors import MissingExtra, UsageProblem

MAX_REFERENCE_BYTES = 256 << 20
"""Larger files are refused: a year of speech has about 100 MB of text."""

TEXT_COLUMNS = ("text", "sentence", "transcription", "transcript", "reference", "normalized_text")
"""Columns and keys that may contain the reference, the first one that is there."""

RECORDING_COLUMNS = ("file", "path", "audio", "audio_filepath", "wav")
"""Columns and keys that may name the recording, the first one that is there."""


_ENTITY_MARK = re.compile(r"</?entity>")


@dataclass(frozen=True, slots=True)
class TimedText:
    """A word or a phrase and when it was said, in ms."""

    text: str
    start: int
    end: int
    speaker: str = ""

    @property
    def said(self) -> str:
        """The text without marks of entities."""
        return _ENTITY_MARK.sub("", self.text)


@dataclass(frozen=True, slots=True)
class Reference:
    """What was said in one recording."""

    origin: str
    """The file that it comes from, with line or key if that file has several references."""
    text: str
    """As written; entities may be marked: ``ask <entity>Dr Halvorsen</entity>``."""
    timed: tuple[TimedText, ...] = ()
    """Words or phrases with times, in order; empty if the reference has no times."""

    def __post_init__(self) -> None:
        marks = _ENTITY_MARK.findall(self.text)
        if marks != ["<entity>", "</entity>"] * (len(marks) // 2):
            reason = f"marks of entities in {self.origin} are not in pairs"
            raise UsageProblem(reason, "Write <entity>Dr Halvorsen</entity>.")

    @property
    def has_word_times(self) -> bool:
        """Whether every part of ``timed`` is one word."""
        return bool(self.timed) and all(len(part.text.split()) == 1 for part in self.timed)

    @property
    def said(self) -> str:
        """The text without marks of entities."""
        return _ENTITY_MARK.sub("", self.text)

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """The text in order, divided at marks; True for each piece that is an entity."""
        parts = _ENTITY_MARK.split(self.text)
        return [(part, index % 2 == 1) for index, part in enumerate(parts)]

    @property
    def speakers(self) -> dict[str, str]:
        """What each speaker said; empty unless every part has a speaker."""
        texts: dict[str, list[str]] = {}
        for part in self.timed:
            texts.setdefault(part.speaker, []).append(part.said)
        return {} if "" in texts else {name: " ".join(said) for name, said in texts.items()}

    def part(self, start_ms: float, end_ms: float) -> "Reference":
        """What was said between two positions of the recording; for a reference with times."""
        timed = tuple(p for p in self.timed if start_ms <= (p.start + p.end) / 2 < end_ms)
        return Reference(self.origin, " ".join(p.text.strip() for p in timed), timed)


def read_reference(path: Path, recording: str) -> Reference:
    """Reads the reference of ``recording``, a file name without suffix, from a file about it."""
    read = READERS[path.suffix.lower()]
    try:
        if path.stat().st_size > MAX_REFERENCE_BYTES:
            raise UsageProblem(f"the reference {path} is larger than 256 MB")
        text = path.read_text(encoding="utf-8-sig")
        reference = read(text, str(path), recording)
    except UsageProblem:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"the reference {path} cannot be read ({error})") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageProblem(
            f"the reference {path} is not a valid {path.suffix} file ({error})"
        ) from error
    if not reference.said.strip():
        raise UsageProblem(f"the reference {path} is empty", "Write what is said, or remove it.")
    return reference


def read_table(path: Path) -> Iterator[tuple[str, Reference]]:
    """Yields recordings and their references from a CSV, TSV or JSONL file, in order."""
    is_json = path.suffix.lower() in (".jsonl", ".json")
    rows = _json_rows(path) if is_json else _csv_rows(path)
    for number, row in rows:
        where = f"{path}, line {number}"
        recording = _first_of(row, RECORDING_COLUMNS)
        if not recording:
            columns = ", ".join(RECORDING_COLUMNS)
            raise UsageProblem(f"{where} names no recording", f"Use one of the columns {columns}.")
        text = _first_of(row, TEXT_COLUMNS)
        if not text:
            raise UsageProblem(f"the reference in {where} is empty")
        yield recording, Reference(where, text)


def text_in_metadata(metadata: Iterable[tuple[str, str]]) -> str:
    """The reference among the columns of a manifest's line; empty if there is none."""
    return _first_of(dict(metadata), TEXT_COLUMNS)


def _first_of(row: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((str(row[name]).strip() for name in names if row.get(name)), "")


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            tab = path.suffix.lower() == ".tsv"
            reader = csv.DictReader(file, dialect="excel-tab" if tab else "excel")
            for row in reader:
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageProblem(f"the references in {path} cannot be read ({error})") from error


def _json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise UsageProblem(f"{path}, line {number} is not a JSON object")
                    yield number, row
    except (OSError, ValueError, RecursionError) as error:
        raise UsageProblem(f"the references in {path} cannot be read ({error})") from error


# --- one reader a format -------------------------------------------------------------------------


def _read_text(text: str, origin: str, recording: str) -> Reference:
    return Reference(origin, text)


def _read_json(text: str, origin: str, recording: str) -> Reference:
    """``{"text": …}``, or words or phrases as ``[{"text", "start", "end"}]`` with times in ms,
    which may also be under the key ``words`` or ``segments``; or SegLST. A part may have a
    ``speaker``."""
    found = json.loads(text)
    if isinstance(found, dict):
        parts = found.get("words") or found.get("segments")
        if not isinstance(parts, list):
            return Reference(origin, _first_of(found, TEXT_COLUMNS))
        found = parts
    if not isinstance(found, list):
        raise ValueError("neither an object nor a list")
    return _timed_reference(origin, [_timed_part(part) for part in found])


def _timed_part(part: dict[str, Any]) -> TimedText:
    """A part of our own form, or of SegLST, whose times are in seconds."""
    speaker = str(part.get("speaker", ""))
    if "start_time" in part:
        start_s, end_s = float(part["start_time"]), float(part["end_time"])
        return _timed_text(str(part["words"]), start_s, end_s, speaker)
    return TimedText(str(part["text"]), round(part["start"]), round(part["end"]), speaker)


def _read_subtitles(format_name: str) -> Callable[[str, str, str], Reference]:
    def read(text: str, origin: str, recording: str) -> Reference:
        import pysubs2  # slow to load

        try:
            cues = pysubs2.SSAFile.from_string(text, format_name)
        except pysubs2.Pysubs2Error as error:
            raise ValueError(str(error)) from error
        timed = [TimedText(cue.plaintext.replace("\n", " "), cue.start, cue.end) for cue in cues]
        return _timed_reference(origin, timed)

    return read


def _read_stm(text: str, origin: str, recording: str) -> Reference:
    """NIST's segment time mark: ``FILE CHANNEL SPEAKER START END [<LABEL>] TEXT``, in seconds."""
    timed = []
    for number, fields in _fields_about(text, recording, maxsplit=5):
        if len(fields) < 5:
            raise ValueError(f"line {number} has fewer than five fields")
        words = fields[5] if len(fields) > 5 else ""
        if words.startswith("<"):
            words = words.partition(">")[2].strip()
        if words and words.upper() != "IGNORE_TIME_SEGMENT_IN_SCORING":
            timed.append(_timed_text(words, float(fields[3]), float(fields[4]), fields[2]))
    return _timed_reference(origin, timed)


def _read_ctm(text: str, origin: str, recording: str) -> Reference:
    """NIST's conversation time mark: ``FILE CHANNEL START DURATION WORD``, in seconds."""
    timed = []
    for number, fields in _fields_about(text, recording):
        if len(fields) < 5:
            raise ValueError(f"line {number} has fewer than five fields")
        start = float(fields[2])
        timed.append(_timed_text(fields[4], start, start + float(fields[3])))
    return _timed_reference(origin, timed)


def _fields_about(text: str, recording: str, maxsplit: int = -1) -> Iterator[tuple[int, list[str]]]:
    """The fields of the lines about a recording; of all lines if they are about one file only."""
    lines = [
        (number, line.split(maxsplit=maxsplit))
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith(";;")
    ]
    names = {fields[0] for _, fields in lines}
    return (line for line in lines if len(names) == 1 or Path(line[1][0]).stem == recording)


def _read_textgrid(text: str, origin: str, recording: str) -> Reference:
    """Praat's intervals: the tier whose name contains ``word``, else the first with intervals."""
    try:
        from praatio import textgrid
        from praatio.utilities.errors import PraatioException
    except ImportError as error:
        raise MissingExtra("evaluation", "reading a TextGrid") from error
    try:
        grid = textgrid.openTextgrid(origin, includeEmptyIntervals=False)
    except (PraatioException, LookupError) as error:  # it indexes what a damaged file lacks
        raise ValueError(str(error)) from error
    tiers = [tier for tier in grid.tiers if isinstance(tier, textgrid.IntervalTier)]
    chosen = next((tier for tier in tiers if "word" in tier.name.lower()), None)
    if chosen is None:
        chosen = tiers[0] if tiers else None
    entries = chosen.entries if chosen is not None else ()
    return _timed_reference(
        origin, [_timed_text(entry.label, entry.start, entry.end) for entry in entries]
    )


def _timed_text(text: str, start_s: float, end_s: float, speaker: str = "") -> TimedText:
    return TimedText(text, round(start_s * 1000), round(end_s * 1000), speaker)


def _timed_reference(origin: str, timed: Iterable[TimedText]) -> Reference:
    said = sorted((part for part in timed if part.text.strip()), key=lambda part: part.start)
    return Reference(origin, " ".join(part.text.strip() for part in said), tuple(said))


READERS: Mapping[str, Callable[[str, str, str], Reference]] = {
    ".txt": _read_text,
    ".json": _read_json,
    ".srt": _read_subtitles("srt"),
    ".vtt": _read_subtitles("vtt"),
    ".stm": _read_stm,
    ".ctm": _read_ctm,
    ".textgrid": _read_textgrid,
}
"""Readers by suffix; if a recording has several references, the first one here is used."""

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl")
