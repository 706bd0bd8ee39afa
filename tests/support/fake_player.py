"""A player without a process."""

from workers.jobs.sent_position import SentPosition
from workers.playback.messages import Passage, Report


class FakePlayer:
    """Has the methods of the real player; the test decides what is reported."""

    def __init__(self) -> None:
        self.passage: Passage | None = None
        """What is played now."""
        self.followed: list[SentPosition] = []
        self.reports: list[Report] = []

    def play(self, passage: Passage) -> None:
        self.passage = passage

    def follow(self, sent: SentPosition) -> None:
        self.followed.append(sent)

    def stop(self) -> None:
        self.passage = None

    def take_reports(self) -> list[Report]:
        taken, self.reports = self.reports, []
        return taken
