"""Damages run folders and settings by the thousand, and reads them as every command does.

Each must be read, or refused with a sentence that names the file. No command may hang, end with a
traceback or print control characters. ``python -m tests.fuzz.run_folders --cases 20000 --seed 1``
lists the folders for which this fails, and counts what became of the others by what was damaged.
A case depends only on the seed and its number.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.folder_readers import ENDPOINT, READER_WEIGHTS, READERS, ReadResult
from tests.support.old_runs import OLD_RUNS
from tests.support.run_builders import write_sample_run, write_summarised_run

CASE_TIMEOUT_S = 20.0
"""A reader that takes longer hangs; the slowest intact folder takes a hundredth of it."""

MAX_SENTENCE_CHARS = 2000

_NUMBERS = (0, -1, 1, 2, 49, 50, 1000, 1001, 2**31, 2**53, 2**63, 10**30, 10**400, -(10**12))
_FLOATS = (0.0, -0.5, 1e-320, 1e12, 1e300, -1e300, float("nan"), float("inf"), -float("inf"))
_TEXTS = (
    "",
    "x",
    "a\0b",
    "\x1b]52;c;aGk=\x07\x1b[2J",
    "\u202eevil\u2066",
    "\ud800",
    "../../../../etc/passwd",
    "/dev/zero",
    "http://127.0.0.1:9/a.wav",
    "-",
    "x" * 100_000,
    "e\u0301" * 500,
    "2026-99-99T00:00:00",
    "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59+00:00",
)
_FOREIGN_BYTES = (b"\xff\xfe", b"\xed\xa0\x80", b"\n", b"[" * 5000, b"9" * 5000)
_TOML_VALUES = (
    *("nan", "-inf", "1e400", "9" * 5000, "true", "[]", "{}", "[[[[1]]]]", "''", "0x10", "-1"),
    *('"\\u001b[2J"', '"\\u0000"', "'" + "x" * 100_000 + "'", "1979-05-27", "[1, 'a']"),
)


@dataclass(frozen=True, slots=True)
class Damage:
    """What was changed."""

    kind: str
    """By what cases are counted."""
    description: str


@dataclass(frozen=True, slots=True)
class Case:
    """A damaged folder and the command that reads it."""

    name: str
    damage: Damage
    reader: str


def make_intact_folders(folder: Path) -> list[Path]:
    """Runs of every kind: those of earlier versions, one that was retried, and one whose index has
    summaries."""
    made = [shutil.copytree(run, folder / run.name) for run in sorted(OLD_RUNS.iterdir())]
    return [*made, write_sample_run(folder / "sample"), write_summarised_run(folder / "summarised")]


# --- values in JSON


def _hostile_value(rng: random.Random, old: Any) -> Any:
    """A value that may not stand here: of another type, of another size, or nearly right."""
    choice = rng.randrange(8)
    if choice == 0:
        return rng.choice((None, True, False, [], {}, [[]], {"": None}, [None] * 3))
    if choice == 1 and isinstance(old, int | float) and not isinstance(old, bool):
        return rng.choice((-old, old + 1, old * 1000, old / 3, str(old)))
    if choice == 2:
        return rng.choice(_TEXTS)
    if choice == 3:
        nested: Any = 1
        for _ in range(rng.choice((5, 60, 400))):
            nested = [nested] if rng.random() < 0.5 else {"x": nested}
        return nested
    if choice == 4 and isinstance(old, str) and old:
        at = rng.randrange(len(old))
        return old[:at] + rng.choice(_TEXTS)[:50] + old[at:]
    if choice == 5 and isinstance(old, list | tuple) and old:
        return rng.choice((old[1:], old * 2, old[::-1], [*old, rng.choice(old)]))
    return rng.choice(_NUMBERS + _FLOATS)


def _places(document: Any) -> Iterator[tuple[Any, Any, str]]:
    """Every container in a document, with a key in it and the path to that."""
    waiting: list[tuple[Any, str]] = [(document, "")]
    while waiting:
        at, path = waiting.pop()
        keys = at.keys() if isinstance(at, dict) else range(len(at))
        for key in list(keys):
            yield at, key, f"{path}.{key}"
            if isinstance(at[key], dict | list):
                waiting.append((at[key], f"{path}.{key}"))


def _damage_document(rng: random.Random, document: Any) -> str:
    """Changes one or two values of a document; returns their paths."""
    changed = []
    for _ in range(rng.choice((1, 1, 1, 2))):
        if not (places := list(_places(document))):
            break
        at, key, path = rng.choice(places)
        action = rng.randrange(10)
        if action == 0:
            del at[key]
        elif action == 1 and isinstance(at, dict):
            at[f"{key}_of_later"] = at.pop(key)
        elif action == 2:
            other, other_key, other_path = rng.choice(places)
            at[key] = deepcopy(other[other_key])
            path += f" as {other_path}"
        else:
            at[key] = _hostile_value(rng, at[key])
        changed.append(path.lstrip("."))
    return ", ".join(changed)[:MAX_SENTENCE_CHARS]


def _to_json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


# --- bytes


def _damage_bytes(rng: random.Random, content: bytes) -> bytes:
    data = bytearray(content)
    if not data:
        return b"\0"
    at = rng.randrange(len(data))
    match rng.randrange(7):
        case 0:
            del data[at:]
        case 1:
            data[at : at + rng.choice((1, 40))] = b"\0" * rng.choice((1, 40))
        case 2:
            data[at] ^= 1 << rng.randrange(8)
        case 3:
            data[at:at] = rng.choice(
                (b"\xff\xfe", b"\xed\xa0\x80", b"\n", b"[" * 5000, b"9" * 5000)
            )
        case 4:
            del data[at : at + rng.choice((1, 2, 50))]
        case 5:
            data[at:at] = data[at : at + rng.choice((1, 50, 500))]
        case _:
            data[:] = rng.choice((b"", b"\0" * 100, b"{}", b"null\n", b"[" * 100_000))
    return bytes(data)


def _damage_lines(rng: random.Random, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    if len(lines) < 2:
        return content
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            lines[one], lines[other] = lines[other], lines[one]
        case 1:
            lines.insert(one, lines[other])
        case 2:
            del lines[one]
        case _:
            lines[one] = rng.choice((b"\n", b"{}\n", b"\xff\n", b"\0" * 50 + b"\n", b'{"t":1}\n'))
    return b"".join(lines)


# --- a folder


def _damage_index(rng: random.Random, folder: Path) -> Damage:
    file = folder / "run.json"
    if rng.random() < 0.25:
        file.write_bytes(_damage_bytes(rng, file.read_bytes()))
        return Damage("index, bytes", "bytes")
    document = json.loads(file.read_text())
    paths = _damage_document(rng, document)
    file.write_bytes(_to_json(document))
    return Damage("index, values", paths)


def _damage_changes(rng: random.Random, folder: Path) -> Damage:
    """Writes the jobs and the header as changes, some of them damaged."""
    document = json.loads((folder / "run.json").read_text())
    jobs = document.pop("jobs")
    changes: list[Any] = [{"job": job} for job in jobs] + [{"header": document}]
    rng.shuffle(changes)
    paths = ""
    if rng.random() < 0.6:
        paths = _damage_document(rng, changes)
    content = b"".join(_to_json(change) + b"\n" for change in changes)
    if not paths:
        content = rng.choice((_damage_bytes, _damage_lines))(rng, content)
    (folder / "run.changes.jsonl").write_bytes(content)
    return Damage("changes", paths or "bytes")


def _damage_trace(rng: random.Random, folder: Path) -> Damage:
    traces = sorted(folder.glob("*.trace.jsonl"))
    if not traces:
        return _damage_index(rng, folder)
    trace = rng.choice(traces)
    content = trace.read_bytes()
    choice = rng.random()
    if choice < 0.2:
        trace.write_bytes(_damage_bytes(rng, content))
        return Damage("trace, bytes", trace.name)
    if choice < 0.3:
        trace.write_bytes(_damage_lines(rng, content))
        return Damage("trace, lines", trace.name)
    lines = content.splitlines(keepends=True)
    number = rng.randrange(len(lines)) if lines else 0
    if not lines:
        return Damage("trace, values", trace.name)
    try:
        record = json.loads(lines[number])
    except ValueError:  # a killed session has left it torn
        return Damage("trace, values", trace.name)
    paths = _damage_document(rng, record)
    separators = (",", ":")  # as they are written, so that the line is still taken for one
    text = json.dumps(record, ensure_ascii=False, separators=separators)
    lines[number] = text.encode("utf-8", "surrogatepass") + b"\n"
    trace.write_bytes(b"".join(lines))
    return Damage("trace, values", f"{trace.name}, line {number + 1}: {paths}")


def _damage_names(rng: random.Random, folder: Path) -> Damage:
    """Puts something else in the place of a file, or a file under another name."""
    file = rng.choice(sorted(path for path in folder.iterdir() if path.is_file()))
    match rng.randrange(6):
        case 0:
            file.unlink()
            file.mkdir()
        case 1:
            file.unlink()
            os.mkfifo(file)
        case 2:
            file.unlink()
            file.symlink_to("/dev/zero")
        case 3:
            file.write_bytes(b"")
        case 4:
            file.rename(folder / rng.choice(("0001-a.999999999.trace.jsonl", "9999-x.1.log", "x")))
        case _:
            name = rng.choice(("0001-\x1b[31m.1.trace.jsonl", "99999999999999-a.1.trace.jsonl"))
            shutil.copy(file, folder / name)
    return Damage("names", file.name)


def _damage_settings(rng: random.Random, folder: Path) -> Damage:
    """Writes a settings file beside the run, which `settings` reads."""
    lines = ["theme = 'paceline'", "ascii = false", "refresh = 0.2", "columns = ['lag']"]
    lines += ["[export]", "formats = ['txt']", "folder = ''", "together = false"]
    lines += ["existing = 'refuse'", "[listen]", "backend = ''", "[keys.jobs]", "add = 'i'"]
    content = "\n".join(lines).encode()
    if rng.random() < 0.4:
        content = _damage_bytes(rng, content)
    else:
        number = rng.randrange(len(lines))
        name = lines[number].split(" = ")[0]
        lines[number] = f"{name} = {rng.choice(_TOML_VALUES)}"
        content = "\n".join(lines).encode()
    (folder / "settings.toml").write_bytes(content)
    return Damage("settings", content[:60].decode(errors="replace"))


_WAYS: tuple[tuple[Callable[[random.Random, Path], Damage], int], ...] = (
    (_damage_index, 7),
    (_damage_changes, 3),
    (_damage_trace, 7),
    (_damage_names, 1),
    (_damage_settings, 2),
)


def damage_folder(intact: list[Path], seed: int, number: int, folder: Path) -> Case:
    """Makes the damaged copy with this number at ``folder``."""
    rng = random.Random(f"{seed} {number}")
    run = rng.choice(intact)
    shutil.copytree(run, folder)
    (way,) = rng.choices([way for way, _ in _WAYS], [weight for _, weight in _WAYS])
    damage = way(rng, folder)
    (reader,) = rng.choices([*READER_WEIGHTS], [*READER_WEIGHTS.values()])
    if damage.kind == "settings":
        reader = "settings"
    return Case(f"{seed}-{number} {run.name}", damage, reader)


# --- reading


class _Hang(BaseException):
    """A reader took too long. Nothing that expects an exception takes it for its own."""


@contextmanager
def _time_limit() -> Iterator[None]:
    def on_alarm(number: int, frame: FrameType | None) -> None:
        raise _Hang

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, CASE_TIMEOUT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def read_case(case: Case, folder: Path) -> ReadResult:
    """Reads a damaged folder; the result says what is wrong with how that went."""
    try:
        with _time_limit():
            result = READERS[case.reader](folder)
    except _Hang:
        return ReadResult(problem="hangs: " + traceback.format_exc(limit=-4))
    except Exception:
        return ReadResult(problem="raises: " + traceback.format_exc())
    if result.problem:
        return result
    lines = result.output.splitlines()
    for line in lines:
        is_json = line.startswith("{") and result.exit_code == 0
        if not line.isprintable() or (len(line) > MAX_SENTENCE_CHARS and not is_json):
            return ReadResult(problem=f"prints {line[:200]!r}")
    if "Traceback" in result.output or result.exit_code == 70:
        return ReadResult(problem=f"crashes: {result.output[-3000:]}")
    if result.exit_code not in (0, 1, 2, 3):
        return ReadResult(problem=f"ends with {result.exit_code}: {result.output[-300:]}")
    if result.exit_code in (1, 2) and not _names_what_is_wrong(case, result.output):
        return ReadResult(problem=f"does not say what is wrong: {result.output[-600:]}")
    return result


def run_program(case: Case, folder: Path) -> ReadResult:
    """Reads a damaged folder by a real program, which may resume it at an endpoint that is none."""
    arguments = {
        "resume": ["resume", folder, "--no-desk", "--endpoint", ENDPOINT, "--attempts", "1"],
        "export": ["export", folder, "--to", "txt,json", "--overwrite"],
        "score": ["score", folder],
    }.get(case.reader, ["report", folder])
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tui", *map(str, arguments)],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=6 * CASE_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return ReadResult(problem=f"the program hangs: {arguments}")
    output = (done.stdout + done.stderr).decode(errors="replace")
    is_clean = all(line.isprintable() for line in output.splitlines())
    if done.returncode not in (0, 1, 2, 3) or "Traceback" in output or not is_clean:
        return ReadResult(problem=f"the program ends with {done.returncode}: {output[-2000:]}")
    return ReadResult(done.returncode, output)


def _names_what_is_wrong(case: Case, output: str) -> bool:
    """Whether a refusal names the file; for a value, also a field on the way to it."""
    if case.reader == "compare" and "in common" in output:  # nothing in it was streamed
        return True
    if case.damage.kind == "index, values" and " no " not in output:
        described = case.damage.description.replace("_of_later", "")
        fields = re.split(r"[., ]+", described)
        return "run.json" in output and any(name in output for name in fields if name)
    return any(name in output for name in ("run.json", "run.changes", "trace", "settings", "run"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--programs", type=int, default=100, help="how many real programs read too")
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    args = parser.parse_args()
    counts: Counter[tuple[str, str]] = Counter()
    sentences: Counter[str] = Counter()
    programs: Counter[int] = Counter()
    every = max(1, args.cases // max(1, args.programs))
    failures, longest_s, began = 0, 0.0, time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        os.environ["XDG_STATE_HOME"] = os.environ["XDG_CONFIG_HOME"] = home
        os.environ.pop("ASSEMBLYAI_API_KEY", None)
        intact = make_intact_folders(Path(home) / "intact")
        for number in range(args.first, args.first + args.cases):
            folder = Path(home) / "damaged"
            case = damage_folder(intact, args.seed, number, folder)
            start = time.monotonic()
            result = read_case(case, folder)
            longest_s = max(longest_s, time.monotonic() - start)
            if number % every == 0 and not result.problem:
                shutil.rmtree(folder)
                damage_folder(intact, args.seed, number, folder)
                programs[(result := run_program(case, folder)).exit_code] += 1
            verdict = "fails" if result.problem else result.verdict
            counts[case.damage.kind, verdict] += 1
            if result.problem:
                failures += 1
                print(f"{case.name}, {case.damage}, {case.reader}: {result.problem}", flush=True)
            elif verdict == "refused":
                sentences[result.output.replace(str(folder), "")[:90]] += 1
            shutil.rmtree(folder)
    for (kind, verdict), count in sorted(counts.items()):
        print(f"{kind:15} {verdict:10} {count:6}")
    seconds = time.monotonic() - began
    print(f"{sum(counts.values())} cases in {seconds:.0f} s, the longest {longest_s:.1f} s")
    print(f"exit codes of {programs.total()} real programs: {dict(programs)}")
    print(f"{len(sentences)} different sentences, {failures} failures")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
