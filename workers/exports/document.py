"""Everything the fold knows about a job, as one JSON document.

=============  ====================================================================================
job            number of the job in its run, from 1
file           path of the recording, as given or found
status         ``queued``, ``retrying``, ``connecting``, ``streaming``, ``finishing``, ``done``,
               ``cancelled`` or ``failed``
attempt        which attempt this is, or the one to come, from 1; 0 before the first
attempts       those that are over or at work, in order: ``number``; ``from_ms``, where in the
               recording it took over; ``from_turn``, the ``turn_order`` of its first turn;
               ``ended``, as below
recording      ``seconds``, ``rate`` (Hz), ``channels``, ``format``, ``sha256``
sent_seconds   how much of the audio was sent
session        what the event ``began`` says: ``session_id``, ``model``, ``sample_rate`` (Hz, as
               sent), ``expires_at`` (Unix time), ``connect_ms``, ``begin_ms``; null when no session
               began
lag_ms         lateness of the chunks as last reported: ``now``, ``p50``, ``p99``, ``max``; or null
slips          how often a stall moved the schedule
warnings       what the session survived, in words
ended          what the event ``ended`` says: ``outcome``, ``reason``, ``hint``, ``code``,
               ``sent_seconds``, ``open_seconds``, ``certificate``; null while the attempt lasts
turns          latest reading of every turn, in order, under the wire's names (``turn_order``,
               ``end_of_turn``, ``transcript``, ``words``, ...), with the fields that the program
               does not know; times in ms on the recording's clock
=============  ====================================================================================

As in events, a field without a value (``code``, ``certificate``, ``speaker_label``) is left out.

All recordings in one file: an object whose ``jobs`` is an array of these, in the order of the jobs.

UTF-8, indented, fields always in this order. Text is kept as it came: what must not stand in a
file as it is (controls, bidi overrides, half characters) is written as a ``\\u`` escape. A number
that JSON does not have (NaN, infinity), in a field that the program does not know, becomes null.
"""

import json
import re
from collections.abc import Iterable

from workers.jobs.events import Ended
from workers.jobs.job_state import JobHistory
from workers.jobs.resume_point import Seam
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject

_UNFIT = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def json_of(history: JobHistory) -> str:
    """The document, ending in a newline."""
    return _written(_document(history))


def json_of_all(histories: Iterable[JobHistory]) -> str:
    """Every recording's document, in one."""
    return _written({"jobs": [_document(history) for history in histories]})


def _written(document: JsonObject) -> str:
    strict = json.loads(json.dumps(document), parse_constant=lambda _: None)
    text = json.dumps(strict, ensure_ascii=False, indent=2)
    return _UNFIT.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def _document(history: JobHistory) -> JsonObject:
    return {
        "job": history.job,
        "file": history.file,
        "status": history.status.value,
        "attempt": history.attempt,
        "attempts": _attempts(history),
        "recording": {
            "seconds": history.total_seconds,
            "rate": history.rate,
            "channels": history.channels,
            "format": history.format,
            "sha256": history.sha256,
        },
        "sent_seconds": history.sent_seconds,
        "session": codec.write(history.began) if history.began else None,
        "lag_ms": codec.write(history.lag) if history.lag else None,
        "slips": history.slips,
        "warnings": list(history.warnings),
        "ended": codec.write(history.ended) if history.ended else None,
        "turns": [codec.write(turn) for turn in history.transcript.turns],
    }


def _attempts(history: JobHistory) -> list[Json]:
    attempts = [_attempt(each.number, each.seam, each.ended) for each in history.earlier]
    if history.status.live or history.status.over:
        attempts.append(_attempt(history.attempt, history.begun_at, history.ended))
    return attempts


def _attempt(number: int, seam: Seam, ended: Ended | None) -> Json:
    return {
        "number": number,
        "from_ms": seam.at_ms,
        "from_turn": seam.turn,
        "ended": codec.write(ended) if ended else None,
    }
