"""Kill storms: processes of the real program are killed at random, and ``paceline resume`` goes on.

``python -m tests.chaos.kill_storm --seed N --minutes M`` runs rounds of it. After each round, no
word is lost or doubled, no process is left, no session is open at the server, and no export is left
half written. The server is honest; `chaos_round` has those that are not.
"""

import argparse
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import jiwer
import psutil
from whisper_normalizer.english import EnglishTextNormalizer

from tests.chaos.storm_processes import (
    Role,
    is_alive,
    kill,
    marked_processes,
    role_of,
    storm_marker,
)
from tests.engine.cli.test_program import SAMPLES, reference_text
from tests.engine.support.ground_truth import transcript_errors, write_numbered_recording
from tests.engine.support.pseudo_terminal import PACELINE, PseudoTerminal
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.transcribing_server import TranscriptionStyle, transcribe
from workers.errors import PacelineError
from workers.jobs.job_state import JobState, JobStatus
from workers.runs import reader

MAX_SESSION_OPEN_S = 5.0
"""How long a session may stay open, and be billed, after its program was killed."""
MAX_PROCESS_LEFT_S = 20.0
"""How long a process may outlast it. An embedded engine that is just starting loads its modules
first, which takes seconds on a busy machine."""
LONG_ENOUGH_S = 60.0
"""A run that nobody kills any more is over by then."""
MAX_RESUMPTIONS = 5
"""Undisturbed ones at the end of a round: one is enough unless attempts were used up."""
EXPORT_FORMATS = "txt,srt,json,csv"

ROLE_WEIGHTS = {
    Role.PROGRAM: 1,
    Role.RESOURCE_TRACKER: 1,
    Role.SESSION: 4,
    Role.PLAYER: 20,
    Role.SCORER: 20,
}
"""How often each role is drawn, relative to 3 for the others, if there is such a process: the last
two are seldom there."""

ENGINE_SHARE = 0.15
"""Share of the rounds that stream to the embedded engine, which takes long to start."""
SPOKEN = ("station.aiff", "message.wav")
MAX_WORD_ERROR_RATE = 0.35

SETTINGS = """
columns = ["lag", "wer", "words"]
[listen]
backend = "null"
"""
"""Of the desk: a column that starts the scorer, and a device that plays to nobody."""


@dataclass(frozen=True)
class Material:
    """What a round streams, to where, and what must come of it."""

    files: Sequence[str]
    options: Sequence[str]
    errors_in: Callable[[Sequence[JobState]], list[str]]
    """What is wrong with the transcripts of these jobs."""


def numbered_material(chance: Random, folder: Path, jobs: int, url: str) -> Material:
    """Recordings with numbered words, of which none may be lost or doubled."""
    truths = []
    for job in range(jobs):
        tenths = chance.randint(20, 80)
        silent = [tenth for tenth in range(tenths) if chance.random() < 0.15]
        truth = write_numbered_recording(folder, tenths, job, silent=silent)
        Path(truth.path).with_suffix(".txt").write_text(" ".join(truth.texts))  # for the scorer
        truths.append(truth)

    def errors_in(states: Sequence[JobState]) -> list[str]:
        return [
            f"job {state.job}: {error}"
            for truth, state in zip(truths, states, strict=True)
            for error in transcript_errors(truth, state)
        ]

    files = [truth.path for truth in truths]
    return Material(files, ["--endpoint", url, "--chunk-ms", "70"], errors_in)


def spoken_material() -> Material:
    """Speech for the embedded engine, which may hear words at a seam otherwise than in one go."""

    def errors_in(states: Sequence[JobState]) -> list[str]:
        normal = EnglishTextNormalizer()
        found = []
        for name, state in zip(SPOKEN, states, strict=True):
            error = jiwer.wer(normal(reference_text(name)), normal(state.transcript.text))
            if state.status is not JobStatus.DONE or error > MAX_WORD_ERROR_RATE:
                found.append(f"{name} is {state.status}, WER {error}: {state.transcript.text}")
        return found

    return Material([str(SAMPLES / "recordings" / name) for name in SPOKEN], ["--local"], errors_in)


class KillStorm:
    """One round: a run of some recordings, with ``kills`` killed processes."""

    def __init__(self, seed: int, folder: Path, *, jobs: int = 4, kills: int = 8) -> None:
        self._chance = Random(seed)
        self._folder = folder
        self._run = folder / "run"
        self._kills_left = kills
        self.kill_counts: Counter[str] = Counter()
        self.longest_open_s = 0.0
        """The longest time that a session stayed open after its program was killed."""
        self._jobs = jobs
        self._settings = folder / "settings.toml"
        self._settings.write_text(SETTINGS)

    def run(self) -> list[str]:
        """Runs the round, and returns what was wrong in the end."""
        chance = self._chance
        style = TranscriptionStyle(word_by_word=chance.random() < 0.5)
        with storm_marker() as marker, ScriptedServer(transcribe(style)) as endpoint:
            material = numbered_material(chance, self._folder, self._jobs, endpoint.url)
            if chance.random() < ENGINE_SHARE:
                material = spoken_material()
            try:
                found = self._kill_until_done(marker, material, endpoint)
                found += self._check_leftovers(marker, endpoint)
                found += material.errors_in(reader.read_job_states(self._run))
                return found + self._kill_exports()
            finally:
                for process in marked_processes(marker):
                    kill(process)

    # --- the run

    def _kill_until_done(
        self, marker: str, material: Material, endpoint: ScriptedServer
    ) -> list[str]:
        while self._kills_left > 0:
            with self._program(material, desk=self._chance.random() < 0.5) as window:
                self._kill_some(marker, window)
            if self._chance.random() < 0.5:  # else the next one starts while old sessions leave
                found = self._check_leftovers(marker, endpoint)
                if found:
                    return found
        for _ in range(MAX_RESUMPTIONS):
            with self._program(material, desk=False) as window:
                window.wait_until(lambda: not is_alive(window.program))
                code = window.program.wait()
            if code != 3:
                break
        return [] if code == 0 else [f"the last resumption ended with {code}: {window.output!r}"]

    @contextmanager
    def _program(self, material: Material, *, desk: bool) -> Iterator[PseudoTerminal]:
        """Starts the run, or resumes it if there is one. Kills the program in the end."""
        if (self._run / "run.json").exists():
            arguments = ["resume", str(self._run), *([] if desk else ["--no-desk"])]
        else:
            shutil.rmtree(self._run, ignore_errors=True)  # killed before it was a run
            options = ["--out", str(self._run), "--attempts", "20", *material.options]
            arguments = ["desk" if desk else "run", *options, *material.files]
        command = ("/usr/bin/env", f"PACELINE_SETTINGS={self._settings}", *PACELINE)
        with PseudoTerminal(*arguments, command=command) as window:
            yield window

    def _kill_some(self, marker: str, window: PseudoTerminal) -> None:
        """Kills processes until the program is gone, or ends by itself."""
        so_far = self._attempts()
        if self._chance.random() < 0.8:  # else it may be killed before it does anything
            window.wait_until(lambda: self._attempts() > so_far or not is_alive(window.program))
        if self._chance.random() < 0.7:
            window.send_keys(b"L")  # on the desk: plays what is sent
            self._wait(window, self._chance.random())
        while is_alive(window.program):
            self._wait(window, self._chance.choice([0.1, 0.4, 1.2]) * self._chance.random())
            if self._kills_left <= 0 and (self._chance.random() < 0.5 or self._is_done()):
                kill(window.program)
            else:
                self._kill_one(marker, window.program)
        self._wait(window, 0.0)

    def _kill_one(self, marker: str, program: psutil.Process) -> None:
        by_role: dict[Role, list[psutil.Process]] = {}
        for process in marked_processes(marker):
            if role := role_of(process, program):
                by_role.setdefault(role, []).append(process)
        if not by_role:
            return
        roles = sorted(by_role, key=lambda role: role.value)
        (role,) = self._chance.choices(roles, [ROLE_WEIGHTS.get(role, 3) for role in roles])
        if kill(self._chance.choice(by_role[role])):
            self.kill_counts[role.value] += 1
            self._kills_left -= 1

    def _attempts(self) -> int:
        """How many attempts have begun."""
        return len(list(self._run.glob("*.trace.jsonl")))

    def _is_done(self) -> bool:
        try:
            states = reader.read_job_states(self._run)
        except PacelineError:
            return False
        return bool(states) and all(state.is_settled for state in states)

    @staticmethod
    def _wait(window: PseudoTerminal, seconds: float) -> None:
        """Reads what the program writes for so long, unless it ends."""
        until = time.monotonic() + seconds
        window.wait_until(lambda: time.monotonic() >= until or not is_alive(window.program))

    # --- what is left

    def _check_leftovers(self, marker: str, endpoint: ScriptedServer) -> list[str]:
        """Waits for sessions and processes to end after their program did."""
        began = time.monotonic()
        deadline = began + MAX_SESSION_OPEN_S
        for session in endpoint.received_sessions:
            if not session.closed.wait(max(0.0, deadline - time.monotonic())):
                return ["a session stayed open at the server"]
        self.longest_open_s = max(self.longest_open_s, time.monotonic() - began)
        while (left := marked_processes(marker)) and time.monotonic() < began + MAX_PROCESS_LEFT_S:
            time.sleep(0.05)
        return [f"it left {left}"] if left else []

    def _kill_exports(self) -> list[str]:
        """Kills exports at random; a file with its final name is always complete."""
        whole, target = self._folder / "whole", self._folder / "exports"
        began = time.monotonic()
        self._export(whole, kill_after_s=LONG_ENOUGH_S)
        needed_s = time.monotonic() - began
        complete = {path.name: path.read_bytes() for path in whole.iterdir()}
        for _ in range(2):
            self._export(target, kill_after_s=needed_s * self._chance.uniform(0.5, 1.0))
            for path in target.glob("*.*") if target.exists() else ():
                if not path.name.startswith(".") and path.read_bytes() != complete[path.name]:
                    return [f"{path.name} was exported in part"]
        return []

    def _export(self, target: Path, *, kill_after_s: float) -> None:
        arguments = ("export", self._run, "--to", EXPORT_FORMATS, "--into", target, "--overwrite")
        with PseudoTerminal(*arguments) as window:
            self._wait(window, kill_after_s)
            if is_alive(window.program) and kill(window.program):
                self.kill_counts["export"] += 1


def run_storms(seed: int, minutes: float) -> list[str]:
    """Runs rounds for so long and prints figures. Returns what was wrong in the first bad one."""
    until = time.monotonic() + 60 * minutes
    kill_counts: Counter[str] = Counter()
    longest_open_s, found = 0.0, []
    for done in count():
        if done and time.monotonic() > until:
            break
        folder = Path(mkdtemp(prefix=f"storm-{seed + done}-"))
        storm = KillStorm(seed + done, folder, kills=Random(seed + done).randint(3, 12))
        found = storm.run()
        kill_counts += storm.kill_counts
        longest_open_s = max(longest_open_s, storm.longest_open_s)
        if found:
            print(f"--seed {seed + done}, in {folder}:", *found, sep="\n  ")
            break
        shutil.rmtree(folder)
    print(
        f"{done} runs completed, seeds {seed} to {seed + done - 1}; no word lost or doubled in them"
    )
    print(f"{kill_counts.total()} processes killed; sessions then open for {longest_open_s:.2f} s:")
    for name, times in kill_counts.most_common():
        print(f"{times:6}  {name}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.kill_storm")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 100_000)
    parser.add_argument("--minutes", type=float, default=10.0)
    args = parser.parse_args()
    return 1 if run_storms(args.seed, args.minutes) else 0


if __name__ == "__main__":
    sys.exit(main())
