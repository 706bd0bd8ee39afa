"""What of people's speech and words lies on this machine's disk, and where."""

from collections.abc import Iterator

from tui.doctor.finding import Finding, State, Topic
from tui.text.formats import format_bytes, format_count
from workers.errors import NoHomeFolder
from workers.protocol.codec import JsonObject
from workers.runs.index import list_runs
from workers.runs.removal import folder_bytes
from workers.runs.run_folder import runs_path


def check_stored_words() -> Iterator[Finding]:
    """Counts the runs in the user's state folder. Runs elsewhere, from ``--out``, are not known."""
    try:
        folder = runs_path()
    except NoHomeFolder as error:
        yield Finding(Topic.PRIVACY, "stored words", State.OK, error.reason, error.hint)
        return
    runs = list_runs(folder)
    size = sum(map(folder_bytes, runs))
    values: JsonObject = {"path": str(folder), "runs": len(runs), "bytes": size}
    if not runs:
        text = f"no runs in {folder}"
        yield Finding(Topic.PRIVACY, "stored words", State.OK, text, "", values)
        return
    text = (
        f"{format_count(len(runs), 'run')} in {folder}, {format_bytes(size)}: what was said, names "
        "of recordings, and recordings that came from the network or a pipe"
    )
    remedy = "paceline runs --older-than 30d"
    yield Finding(Topic.PRIVACY, "stored words", State.OK, text, remedy, values)
