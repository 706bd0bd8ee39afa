"""Whether a job whose session broke gets another, and when."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The bound, and the backoff in seconds."""

    max_attempts: int = 4
    """Sessions that may break before the job has failed. Refusals for want of a place, and sessions
    that handed over, are none of them."""
    first_delay_s: float = 2.0
    max_delay_s: float = 30.0

    def random_delay(self, failed_attempts: int) -> float:
        """Before the attempt that follows so many broken ones.

        Doubled each time, and any part of it by chance ("full jitter"), so that sessions that broke
        together do not call together.
        """
        return random.uniform(
            0.0, min(self.max_delay_s, self.first_delay_s * 2.0 ** (failed_attempts - 1))
        )
