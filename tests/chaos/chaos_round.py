"""A round: jobs, a server with a plan, a program that is killed and goes on, and the oracle."""

import signal
import time
from contextlib import ExitStack
from pathlib import Path

import psutil

from tests.chaos.fault_plan import Plan
from tests.engine.support.ground_truth import Truth, complaints, record
from tests.engine.support.process_tree import Tree, send
from tests.engine.support.scripted_server import Endpoint, Line
from workers.runs import reader

PROGRAM = ("-m", "tests.chaos.target_program")

PADDING_MS = 40
"""The most by which the plan lets a server tell ends of turns too late."""

QUIET = 5.0
"""Seconds that a process, or a session at the server, may last behind the end of its program."""

LONG_ENOUGH = 120.0
"""Seconds behind the storm, after which a run that is not over never will be."""


class Storm:
    """One run of ``jobs`` in the folder, some at once; things go wrong for so many seconds."""

    def __init__(
        self, seed: int, folder: Path, *, jobs: int, sessions: int, seconds: float
    ) -> None:
        self.plan = Plan(seed)
        chance = self.plan.chance
        self._folder = folder / "run"
        self._sessions = sessions
        self._seconds = seconds
        self._truths = [
            _recording(folder, job, chance.randint(10, 60), self.plan) for job in range(jobs)
        ]

    def rage(self) -> list[str]:
        """All of it; what was wrong in the end, job by job."""

        async def drawn(line: Line) -> None:
            await self.plan.script()(line)

        with Endpoint(drawn) as endpoint, ExitStack() as trees:
            found = self._run(endpoint, trees)
            over = time.monotonic() + QUIET
            for each in endpoint.heard:
                if not each.closed.wait(max(0.0, over - time.monotonic())):
                    found.append("a session stayed open at the server")
        return found + self._oracle()

    def _run(self, endpoint: Endpoint, trees: ExitStack) -> list[str]:
        """Until a program has ended by itself, with all jobs done.

        One that was killed is followed at once, while its sessions are still about to leave.
        """
        files = [truth.path for truth in self._truths]
        began = time.monotonic()
        while True:
            arguments = (endpoint.url, self._folder, self._sessions, *files)
            tree = trees.enter_context(Tree(*PROGRAM, *arguments))
            while tree.program.poll() is None:
                self._strike(tree, endpoint)
                elapsed = time.monotonic() - began
                self.plan.calm = elapsed > self._seconds
                if elapsed > self._seconds + LONG_ENOUGH:
                    return ["it never came to an end"]
            if tree.program.returncode == 0:
                return _left_by(tree)
            if tree.program.returncode != -signal.SIGKILL:
                return [f"the program ended with {tree.program.returncode}"]
            files = []

    def _strike(self, tree: Tree, endpoint: Endpoint) -> None:
        chance = self.plan.chance
        time.sleep(chance.uniform(0.1, 0.8))
        if self.plan.calm or not self._begun:
            return
        name = self.plan.kill()
        if self._struck(name, tree, endpoint):
            self.plan.struck[name] += 1

    @property
    def _begun(self) -> bool:
        """There is something that another program can go on with."""
        return any(self._folder.glob("*.trace.jsonl"))

    def _struck(self, name: str, tree: Tree, endpoint: Endpoint) -> bool:
        """Whether there was anybody to do it to."""
        chance = self.plan.chance
        sessions = tree.sessions()
        victim = chance.sample(sessions, min(1, len(sessions)))
        if name.startswith("fork server") and not sessions:
            return False  # a job whose file cannot be probed, nor again, fails for good
        match name:
            case "session killed":
                return send(victim, signal.SIGKILL) > 0
            case "session ended by a signal":
                return send(victim, signal.SIGTERM) > 0
            case "session stopped":
                return send(victim, signal.SIGSTOP) > 0
            case "session stopped and continued":
                return self._held(victim, chance.uniform(0.1, 2.0))
            case "all stopped and continued":
                return self._held(tree.family(), chance.uniform(0.1, 4.0))
            case "fork server killed":
                return send(tree.fork_servers(), signal.SIGKILL) > 0
            case "fork server stopped":
                return send(tree.fork_servers(), signal.SIGSTOP) > 0
            case "resource tracker killed":
                return send(tree.resource_trackers(), signal.SIGKILL) > 0
            case "call refused by HTTP":
                endpoint.statuses.append(chance.choice([429, 500, 503]))
            case "program killed":
                tree.program.kill()
                tree.program.wait()
                # As the system does for a shell's job, so that nobody stands still for ever.
                send(tree.family(), signal.SIGCONT)
            case "all killed":
                send(tree.family(), signal.SIGKILL)
                tree.program.wait()
        return True

    @staticmethod
    def _held(victims: list[psutil.Process], seconds: float) -> bool:
        hit = send(victims, signal.SIGSTOP)
        time.sleep(seconds)
        send(victims, signal.SIGCONT)
        return hit > 0

    def _oracle(self) -> list[str]:
        found = []
        for truth, history in zip(self._truths, reader.histories(self._folder), strict=True):
            wrong = complaints(truth, history, PADDING_MS)
            found += [f"job {history.job}: {each}" for each in wrong]
        return found


def _left_by(tree: Tree) -> list[str]:
    """Who is still there when all should have gone."""
    over = time.monotonic() + QUIET
    while (left := tree.family()) and time.monotonic() < over:
        time.sleep(0.05)
    return [f"it left {left}"] if left else []


def _recording(folder: Path, job: int, tenths: int, plan: Plan) -> Truth:
    """With pauses here and there."""
    silent = [tenth for tenth in range(tenths) if plan.chance.random() < 0.15]
    return record(folder, tenths, job, silent=silent)
