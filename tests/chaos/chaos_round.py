"""One round: a server that fails by plan, a program that is killed and resumed, and the check."""

import signal
import time
from contextlib import ExitStack
from pathlib import Path

import psutil

from tests.chaos.fault_plan import FaultPlan
from tests.engine.support.ground_truth import (
    GroundTruth,
    transcript_errors,
    write_numbered_recording,
)
from tests.engine.support.process_tree import ProcessTree, send_signal
from tests.engine.support.scripted_server import ScriptedServer, ServerConnectionScript
from workers.runs import reader

PROGRAM = ("-m", "tests.chaos.target_program")

PADDING_MS = 40
"""How much too late the plan's servers report ends of turns, at most."""

GRACE_SECONDS = 5.0
"""Seconds that a process, or a session at the server, may outlast its program."""

LONG_ENOUGH = 120.0
"""Seconds after the last fault; a run that has not ended by then never will."""


class ChaosRound:
    """One run of ``jobs`` in a folder, ``sessions`` at once, with faults for this many seconds."""

    def __init__(
        self,
        seed: int,
        folder: Path,
        *,
        jobs: int,
        sessions: int,
        seconds: float,
        liars: bool = False,
    ) -> None:
        """``liars``: whether servers send messages that cannot be true, too."""
        self.plan = FaultPlan(seed, liars=liars)
        self._liars = liars
        chance = self.plan.rng
        self._folder = folder / "run"
        self._sessions = sessions
        self._seconds = seconds
        self._truths = [
            _recording(folder, job, chance.randint(10, 60), self.plan) for job in range(jobs)
        ]

    def run(self) -> list[str]:
        """Runs the round and returns what was wrong in the end, job by job."""

        async def play_next_script(line: ServerConnectionScript) -> None:
            await self.plan.next_connection_script()(line)

        with ScriptedServer(play_next_script) as endpoint, ExitStack() as trees:
            found = self._run_until_done(endpoint, trees)
            over = time.monotonic() + GRACE_SECONDS
            for each in endpoint.received_sessions:
                if not each.closed.wait(max(0.0, over - time.monotonic())):
                    found.append("a session stayed open at the server")
        return found + self._check_transcripts()

    def _run_until_done(self, endpoint: ScriptedServer, trees: ExitStack) -> list[str]:
        """Restarts the program until it ends by itself, with all jobs done.

        After a kill, the next program starts at once, while old sessions still leave.
        """
        files = [truth.path for truth in self._truths]
        began = time.monotonic()
        while True:
            arguments = (endpoint.url, self._folder, self._sessions, *files)
            tree = trees.enter_context(ProcessTree(*PROGRAM, *arguments))
            while tree.program.poll() is None:
                self._inject_fault(tree, endpoint)
                elapsed = time.monotonic() - began
                self.plan.is_over = elapsed > self._seconds
                if elapsed > self._seconds + LONG_ENOUGH:
                    return ["it never came to an end"]
            if tree.program.returncode == 0:
                return _remaining_processes(tree)
            if tree.program.returncode != -signal.SIGKILL:
                return [f"the program ended with {tree.program.returncode}"]
            files = []

    def _inject_fault(self, tree: ProcessTree, endpoint: ScriptedServer) -> None:
        chance = self.plan.rng
        time.sleep(chance.uniform(0.1, 0.8))
        if self.plan.is_over or not self._begun:
            return
        name = self.plan.next_process_fault()
        if self._apply_process_fault(name, tree, endpoint):
            self.plan.fault_counts[name] += 1

    @property
    def _begun(self) -> bool:
        """Whether there is a run that another program can resume."""
        return any(self._folder.glob("*.trace.jsonl"))

    def _apply_process_fault(self, name: str, tree: ProcessTree, endpoint: ScriptedServer) -> bool:
        """Applies a fault; False when there was no process for it."""
        chance = self.plan.rng
        sessions = tree.session_processes()
        victim = chance.sample(sessions, min(1, len(sessions)))
        if name.startswith("fork server") and not sessions:
            return False  # a job whose file cannot be probed, nor again, fails for good
        match name:
            case "session killed":
                return send_signal(victim, signal.SIGKILL) > 0
            case "session ended by a signal":
                return send_signal(victim, signal.SIGTERM) > 0
            case "session stopped":
                return send_signal(victim, signal.SIGSTOP) > 0
            case "session stopped and continued":
                return self._stop_and_continue(victim, chance.uniform(0.1, 2.0))
            case "all stopped and continued":
                return self._stop_and_continue(tree.processes(), chance.uniform(0.1, 4.0))
            case "fork server killed":
                return send_signal(tree.fork_servers(), signal.SIGKILL) > 0
            case "fork server stopped":
                return send_signal(tree.fork_servers(), signal.SIGSTOP) > 0
            case "resource tracker killed":
                return send_signal(tree.resource_trackers(), signal.SIGKILL) > 0
            case "call refused by HTTP":
                endpoint.http_statuses.append(chance.choice([429, 500, 503]))
            case "program killed":
                tree.program.kill()
                tree.program.wait()
                # As the system does for a shell's job, so that nobody stands still for ever.
                send_signal(tree.processes(), signal.SIGCONT)
            case "all killed":
                send_signal(tree.processes(), signal.SIGKILL)
                tree.program.wait()
        return True

    @staticmethod
    def _stop_and_continue(victims: list[psutil.Process], seconds: float) -> bool:
        hit = send_signal(victims, signal.SIGSTOP)
        time.sleep(seconds)
        send_signal(victims, signal.SIGCONT)
        return hit > 0

    def _check_transcripts(self) -> list[str]:
        found = []
        for truth, job_state in zip(
            self._truths, reader.read_job_states(self._folder), strict=True
        ):
            wrong = transcript_errors(truth, job_state, PADDING_MS, timed=not self._liars)
            found += [f"job {job_state.job}: {each}" for each in wrong]
        return found


def _remaining_processes(tree: ProcessTree) -> list[str]:
    """The processes that outlast the program."""
    over = time.monotonic() + GRACE_SECONDS
    while (left := tree.processes()) and time.monotonic() < over:
        time.sleep(0.05)
    return [f"it left {left}"] if left else []


def _recording(folder: Path, job: int, tenths: int, plan: FaultPlan) -> GroundTruth:
    """Writes a recording with random pauses."""
    silent = [tenth for tenth in range(tenths) if plan.rng.random() < 0.15]
    return write_numbered_recording(folder, tenths, job, silent=silent)
