"""How the texts are, for everything that shows it: the newest window of each stream and what stands out in it."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from detectors.measurement import Measured
from monitor.house import House
from monitor.reading.place import Place
from monitor.snapshot import TextStatus
from monitor.store import texts
from monitor.store.database import Session
from monitor.store.measurements import segment_of
from monitor.store.tables import BaselineRow
from monitor.store.texts import ACCEPTED, TextMeasured

NEWEST_WITHIN = timedelta(days=3)  # older windows are not the present of anything
DAY = timedelta(days=1)
LEAST_STRENGTH = 0.2  # standard deviations: Cohen's small effect, at the interval's nearer end


def text_statuses(house: House, session: Session, now: datetime) -> tuple[TextStatus, ...]:
    """One for each stream that was looked at since the service started."""
    accepted = {_place(row): row for row in texts.baselines(session) if row.state == ACCEPTED}
    newest = {
        Place(each.source, each.segment, each.stream): each  # type: ignore[arg-type]
        for name in house.sources
        for each in texts.newest(session, name, now - NEWEST_WITHIN)
    }
    seen = sorted(house.desk.states, key=str)
    return tuple(_status(house, place, accepted.get(place), newest.get(place)) for place in seen)


def _place(row: BaselineRow) -> Place:
    return Place(row.source, segment_of(row.segment), row.stream)  # type: ignore[arg-type]


def _status(house: House, place: Place, baseline: BaselineRow | None, newest: TextMeasured | None) -> TextStatus:
    state = house.desk.states[place]
    return TextStatus(
        source=place.source,
        segment=place.segment,
        stream=place.stream,
        phase=state.phase,
        have_days=state.have / DAY,
        wanted_days=state.wanted / DAY,
        baseline=None if baseline is None else baseline.version,
        fitted_from=None if baseline is None else baseline.fitted_from,
        fitted_until=None if baseline is None else baseline.fitted_until,
        measured=None if newest is None else Measured(newest.source, newest.segment, newest.window, newest.values),
        findings=() if newest is None else tuple(findings(newest.findings)),
        problem=house.desk.problems.get(place.source, "") or state.problem,
    )


def findings(found: Mapping[str, Any]) -> Iterator[str]:
    """What stands out in a window, in words, the strongest of each kind first."""
    for topic in found.get("new", ()):
        yield f"new topic: {topic['name']} ({topic['share']:.0%} of the texts)"
    for change in found.get("grown", ()):
        yield f"grown: {change['topic']['name']} ({change['before']:.0%} → {change['now']:.0%})"
    for change in found.get("shrunk", ()):
        yield f"shrunk: {change['topic']['name']} ({change['before']:.0%} → {change['now']:.0%})"
    for change in found.get("descriptors", ()):
        if change["strength"] < LEAST_STRENGTH:
            continue
        shown = ".0%" if change["kind"] != "number" else ".4g"
        before, now = (format(change[side], shown) for side in ("before", "now"))
        yield f"{change['name']}: {before} → {now}"
