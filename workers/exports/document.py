"""Everything that is known about a job, as one JSON document.

=============  ====================================================================================
job            number of the job in its run, from 1
file           path of the recording, as given or found
status         ``queued``, ``retrying``, ``connecting``, ``streaming``, ``finishing``, ``done``,
               ``cancelled`` or ``failed``
attempt        number of the current or next attempt, from 1; 0 before the first
attempts       those that have started, in order: ``number``; ``from_ms``, where in the
               recording it continued; ``from_turn``, the ``turn_order`` of its first turn;
               ``ended``, as below
recording      ``seconds``, ``rate`` (Hz), ``channels``, ``format``, ``sha256``; if only a part is
               streamed, ``from_seconds`` is where it starts, and ``seconds`` where it ends;
               ``is_exact``, false if ``seconds`` is an estimate; ``missing_seconds``, what its
               header announces beyond them; ``faults``, what is wrong with it: ``warning``,
               ``at_seconds``, ``missing_seconds``. The last three are left out if all is well
metadata       what a manifest says about the recording, by column; left out without a manifest
speed          seconds of audio sent per second; left out at the speed of speech, which is 1
sent_seconds   how much of the audio was sent
session        fields of the event ``began``: ``session_id``, ``model``, ``sample_rate`` (Hz, as
               sent), ``expires_at`` (Unix time), ``connect_ms``, ``begin_ms``; null when no session
               began
lag_ms         lateness of the chunks as last reported: ``now``, ``p50``, ``p99``, ``max``; or null
slips          how often a stall moved the schedule
warnings       faults of the recording and problems that the session survived, as text
ended          fields of the event ``ended``: ``outcome``, ``reason``, ``hint``, ``code``,
               ``sent_seconds``, ``open_seconds``, ``certificate``; null while the attempt lasts
turns          latest version of every turn, in order, under the protocol's names (``turn_order``,
               ``end_of_turn``, ``transcript``, ``words``, ...), with the fields that the program
               does not know; times in ms on the recording's clock
=============  ====================================================================================

As in events, a field without a value (``code``, ``certificate``, ``speaker_label``) is left out.

A pair, the two channels of a stereo call, is one document. Each turn has its speaker's name as
``speaker_label``, and is numbered in the order of the conversation; a turn that was divided where
the other speaker said something is several. Two more fields follow:

=============  ====================================================================================
halves         the two sessions, left first: ``job``, ``channel``, ``speaker``, and from the list
               above ``status``, ``attempt``, ``attempts``, ``sent_seconds``, ``session``,
               ``lag_ms``, ``slips``, ``warnings``, ``ended``
skew_ms        how far apart chunks with the same due time were sent: ``p50``, ``p99``, ``max``, and
               ``chunks``, how many were compared; null if none could be
=============  ====================================================================================

All recordings in one file: an object whose ``jobs`` is an array of these, in the order of the jobs.

UTF-8, indented, fields always in this order. Text is unchanged; control characters, bidi overrides
and surrogates are written as ``\\u`` escapes. Numbers that JSON does not have (NaN, infinity), in
fields that the program does not know, become null.
"""

import json
import re
from collections.abc import Iterable

from workers.jobs.job_state import JobState
from workers.jobs.pair import PairState
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject

_UNSAFE_CHARACTERS = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def json_of(state: JobState) -> str:
    """The document, ending in a newline."""
    return _json_text(_job_document(state))


def json_of_all(states: Iterable[JobState]) -> str:
    """One document that contains the documents of all jobs."""
    return _json_text({"jobs": [_job_document(job_state) for job_state in states]})


def _json_text(document: JsonObject) -> str:
    strict = json.loads(json.dumps(document), parse_constant=lambda _: None)
    text = json.dumps(strict, ensure_ascii=False, indent=2)
    return _UNSAFE_CHARACTERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def _job_document(state: JobState) -> JsonObject:
    return {
        "job": state.job,
        "file": state.file,
        "status": state.status.value,
        "attempt": state.attempt,
        "attempts": _attempts_json(state),
        "recording": {
            "seconds": state.file_seconds,
            **({"from_seconds": state.start_seconds} if state.is_part else {}),
            "rate": state.rate,
            "channels": state.channels,
            "format": state.format,
            "sha256": state.sha256,
            **({} if state.is_exact else {"is_exact": False}),
            **_faults_json(state),
        },
        **({"metadata": dict[str, Json](state.metadata)} if state.metadata else {}),
        **({"speed": state.speed} if state.speed != 1 else {}),
        "sent_seconds": round(state.sent_part_seconds, 3),
        "session": codec.dump(state.began) if state.began else None,
        "lag_ms": codec.dump(state.lag) if state.lag else None,
        "slips": state.slips,
        "warnings": list(state.warnings),
        "ended": codec.dump(state.ended) if state.ended else None,
        "turns": [codec.dump(turn) for turn in state.transcript.turns],
        **(_halves_json(state) if isinstance(state, PairState) else {}),
    }


def _halves_json(state: PairState) -> JsonObject:
    fields = "job status attempt attempts sent_seconds session lag_ms slips warnings ended"
    documents = [_job_document(half) for half in state.halves]
    return {
        "halves": [
            {**codec.dump(half.half), **{field: document[field] for field in fields.split()}}
            for half, document in zip(state.halves, documents, strict=True)
        ],
        "skew_ms": codec.dump(state.skew) if state.skew else None,
    }


def _faults_json(state: JobState) -> JsonObject:
    """What is wrong with the recording; nothing for a good one."""
    missing = {"missing_seconds": state.missing_seconds} if state.missing_seconds else {}
    found: list[Json] = [{"warning": text} for text in state.recording_warnings]
    for warned in state.damage:
        fields = codec.dump(warned)
        found.append({key: fields[key] for key in fields if key != "code"})
    return {**missing, **({"faults": found} if found else {})}


def _attempts_json(state: JobState) -> list[Json]:
    attempts = [(a.number, a.started_from, a.ended) for a in state.earlier_attempts]
    latest = (state.attempt, state.started_from, state.ended)
    has_latest = state.status.is_live or state.status.is_finished
    return [
        {
            "number": number,
            "from_ms": started_from.at_ms,
            "from_turn": started_from.turn,
            "ended": codec.dump(ended) if ended else None,
        }
        for number, started_from, ended in (*attempts, *([latest] if has_latest else []))
    ]
