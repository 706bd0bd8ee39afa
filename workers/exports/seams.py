"""How an export says that one attempt took over from another."""

from workers.jobs.attempt_spans import AttemptSpan


def resume_note(span: AttemptSpan) -> str:
    """In the file's own words; nothing foreign is in them."""
    minutes, seconds = divmod(span.start.at_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"attempt {span.attempt} goes on from {clock}"
