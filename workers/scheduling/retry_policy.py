"""The rule for whether and when a job whose session broke gets another attempt."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How many attempts of a job may fail, and the backoff between them in seconds."""

    max_attempts: int = 4
    """Attempts that may fail in a row, without a new final turn, before the job fails. Refusals by
    a full server and handovers do not count."""
    first_delay_s: float = 2.0
    max_delay_s: float = 30.0

    def random_delay(self, failed_attempts: int) -> float:
        """A random wait in seconds after ``failed_attempts`` failures; its limit doubles each time.
        With this "full jitter", sessions that broke together do not dial together."""
        doubled = self.first_delay_s * 2.0 ** min(failed_attempts - 1, 100)
        return random.uniform(0.0, min(self.max_delay_s, doubled))
