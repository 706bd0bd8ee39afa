"""Average lagging: how the field of simultaneous translation measures delays.

Words are compared with a text that is spoken at an even pace over the whole recording, so no times
of words are needed. One recording has one value.
"""

from collections.abc import Sequence


def average_lagging(
    delays_ms: Sequence[float],
    source_ms: float,
    reference_words: int | None,
    *,
    without_tail: bool = False,
) -> float | None:
    """The length-adaptive average lagging, LAAL (Papi et al., 2022), or YAAL (Polák et al., 2025).

    ``delays_ms``: when each word was shown, since the audio began; ``source_ms``: length of the
    audio; ``reference_words``: None counts the words shown. LAAL ends with the first word shown
    after the audio, YAAL (``without_tail``) before it. None if no word counts.
    """
    if not delays_ms or source_ms <= 0:
        return None
    if not without_tail and delays_ms[0] > source_ms:
        return delays_ms[0]
    word_ms = source_ms / max(len(delays_ms), reference_words or 0)
    total, words = 0.0, 0
    for delay_ms in delays_ms:
        if without_tail and delay_ms >= source_ms:
            break
        total += delay_ms - words * word_ms
        words += 1
        if delay_ms >= source_ms:
            break
    return total / words if words else None
