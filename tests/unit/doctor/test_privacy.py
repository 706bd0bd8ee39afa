"""What the doctor says of words on the disk."""

from tests.support.run_builders import write_sample_run
from tui.doctor.finding import State
from tui.doctor.privacy import check_stored_words
from workers.runs.removal import folder_bytes
from workers.runs.run_folder import runs_path


def test_it_says_how_much_lies_where() -> None:
    """With the command that removes it."""
    (none,) = check_stored_words()
    assert none.values["runs"] == 0
    assert not none.remedy
    runs_path().mkdir(parents=True)
    run = write_sample_run(runs_path() / "2026-11-20_10-00-00")
    (found,) = check_stored_words()

    assert found.state is State.OK
    assert found.values == {"path": str(runs_path()), "runs": 1, "bytes": folder_bytes(run)}
    assert str(runs_path()) in found.summary
    assert found.remedy == "paceline runs --older-than 30d"
