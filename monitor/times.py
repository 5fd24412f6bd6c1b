"""Times as a person writes them."""

from datetime import UTC, datetime

from config.types import parse_duration


def parse_time(text: str, now: datetime) -> datetime:
    """Reads a date, an ISO-8601 time (UTC where it has no zone), or an age such as `7d` before `now`.

    Raises:
        ValueError: the text is neither; the message says what would be right.
        OverflowError: the age reaches further back than there are years.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            age = parse_duration(text)
        except ValueError:
            raise ValueError(
                f"{text!r} is not a time: write 2026-11-01, 2026-11-01T08:00Z, or an age such as 7d"
            ) from None
        return now - age
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
