"""Text windows in the store as rules read them: those of one stream in order, and the calls that were strangest."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from detectors.measurement import Window
from monitor.store.measurements import segment_text
from monitor.store.tables import ScoreRow, TextRow
from monitor.store.texts import TextMeasured, measured_of

_AT_ONCE = 500  # values that one query names


def between(session: Session, stream: tuple[str, str, str], start: datetime, end: datetime) -> list[TextMeasured]:
    """The windows of a stream (source, segment, stream) that lie in `[start, end)`, of all baselines, in order."""
    query = select(TextRow).where(*_of(stream), col(TextRow.start) >= start, col(TextRow.end) <= end)
    return [measured_of(row) for row in session.exec(query.order_by(col(TextRow.end), col(TextRow.baseline)))]


def of_windows(session: Session, stream: tuple[str, str, str], windows: Sequence[Window]) -> list[TextMeasured]:
    """What was measured of some windows of a stream, of all baselines; a window that is not kept is not there."""
    found: list[TextMeasured] = []
    for at in range(0, len(windows), _AT_ONCE):
        some = frozenset(windows[at : at + _AT_ONCE])
        query = select(TextRow).where(*_of(stream), col(TextRow.start).in_([each.start for each in some]))
        found += [each for each in map(measured_of, session.exec(query)) if each.window in some]
    return found


def strangest(session: Session, measured: TextMeasured, most: int) -> list[str]:
    """Ids of the calls of a window whose texts are strangest to its baseline."""
    query = select(ScoreRow.call_id).where(
        ScoreRow.source == measured.source,
        ScoreRow.segment == segment_text(measured.segment),
        ScoreRow.stream == measured.stream,
        ScoreRow.baseline == measured.baseline,
        col(ScoreRow.at) >= measured.window.start,
        col(ScoreRow.at) < measured.window.end,
    )
    order = (col(ScoreRow.p), col(ScoreRow.score).desc(), col(ScoreRow.call_id))
    return list(session.exec(query.order_by(*order).limit(most)))


def _of(stream: tuple[str, str, str]) -> tuple[bool, ...]:
    source, segment, name = stream
    return TextRow.source == source, TextRow.segment == segment, TextRow.stream == name
