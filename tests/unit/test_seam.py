from workers.seam import START, Bearings, Seam
from workers.speech.messages import Turn, Word


def turn(order: int, start: int, end: int, *, final: bool = True) -> Turn:
    return Turn(order, final, "word", words=(Word("word", start, end),))


def bearings(*turns: Turn, sent: float = 60.0, begun_at: Seam = START) -> Seam:
    found = Bearings(begun_at)
    found.sent(sent)
    for each in turns:
        found.hear(each, cut=False)
    return found.seam


def test_nothing_final_leaves_it_where_it_began() -> None:
    """A partial proves nothing."""
    assert bearings(turn(0, 0, 900, final=False)) == START
    assert bearings(turn(4, 7000, 7900, final=False), begun_at=Seam(7000, 4)) == Seam(7000, 4)


def test_the_end_of_the_last_final_turn_is_the_place() -> None:
    """Whatever came twice, or out of order."""
    assert bearings(turn(0, 0, 900), turn(1, 1000, 1900)) == Seam(1900, 2)
    assert bearings(turn(0, 0, 900), turn(0, 0, 950)) == Seam(950, 1)
    assert bearings(turn(1, 1000, 1900), turn(0, 0, 900)) == Seam(1900, 2)


def test_an_end_that_is_padded_into_the_next_turn_is_taken_back() -> None:
    """Its first word would be missing."""
    assert bearings(turn(0, 0, 2300), turn(1, 1800, 2600, final=False)) == Seam(1800, 1)


def test_a_final_without_times_is_heard_again() -> None:
    """Nobody knows where it ended."""
    assert bearings(turn(0, 0, 900), Turn(1, True, "words without times")) == Seam(900, 1)


def test_a_turn_that_was_cut_is_heard_again() -> None:
    """The end of the session was not the end of the sentence."""
    found = Bearings()
    found.sent(60.0)
    found.hear(turn(0, 0, 900), cut=False)
    found.hear(turn(1, 1000, 1900), cut=True)

    assert found.seam == Seam(900, 1)


def test_no_time_that_a_server_tells_skips_audio() -> None:
    """Nor does one take the job back before where it began."""
    assert bearings(turn(0, 0, 10**12), sent=3.0).at_ms == 5000
    assert bearings(turn(4, 0, 10), begun_at=Seam(7000, 4)) == Seam(7000, 5)
