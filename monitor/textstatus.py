"""How the texts are, for everything that shows it: the newest window of each stream and what stands out in it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from detectors.measurement import Key, Measured, Value
from detectors.text_catalogue import TEXTS_BY_NAME
from monitor.drifting import going_on
from monitor.false_alarms import in_its_past
from monitor.house import House
from monitor.reading.place import Place
from monitor.snapshot import TextStatus
from monitor.store import baselines, drift, texts
from monitor.store.baselines import StoredBaseline
from monitor.store.database import Session
from monitor.store.drift import DriftFacts
from monitor.store.texts import TextMeasured

NEWEST_WITHIN = timedelta(days=3)  # older windows are not the present of anything
DAY = timedelta(days=1)
LEAST_STRENGTH = 0.2  # standard deviations: Cohen's small effect, at the interval's nearer end
LEAST_SHARE = 0.03  # of responses beyond what one in a hundred of the baseline is beyond

AGAINST = frozenset(name for name, spec in TEXTS_BY_NAME.items() if "baseline" in dict(spec.labels))

Found = Mapping[tuple[Place, str], TextMeasured]


def text_statuses(house: House, session: Session, now: datetime) -> tuple[TextStatus, ...]:
    """Of each stream that was looked at since the service started: one for each baseline in use, the rolling one first,
    or one while there is none."""
    used: dict[Place, list[StoredBaseline]] = {}
    for each in reversed(baselines.in_use(session)):
        used.setdefault(Place(each.source, each.segment, each.stream), []).append(each)
    drifting = {each.key: each for each in drift.all_facts(session)}
    newest: Found = {
        (Place(each.source, each.segment, each.stream), each.baseline): each  # type: ignore[arg-type]
        for name in house.sources
        for each in texts.newest(session, name, now - NEWEST_WITHIN)
    }
    return tuple(
        replace(
            status,
            findings=(*_alarms(used.get(place, []), status, drifting), *status.findings),
            past=_past(house, session, used.get(place, []), status),
        )
        for place in sorted(house.desk.states, key=str)
        for status in _of(house, place, used.get(place), newest)
    )


def _past(house: House, session: Session, used: list[StoredBaseline], status: TextStatus) -> str:
    """How often the detector against the baseline of a status would have alarmed in its own past."""
    if not house.settings.drift.enabled:
        return ""
    for each in used:
        if each.version == status.baseline:
            facts = baselines.facts(session, each)
            past = facts.get("hindsight", ())
            return in_its_past(session, house.settings, each, past) if facts.get("windows") else ""
    return ""


def _alarms(
    used: list[StoredBaseline], status: TextStatus, drifting: Mapping[tuple[str, str, str, str], DriftFacts]
) -> Iterator[str]:
    """The drift alarms that go on against the baseline of a status, in words."""
    for baseline in used:
        facts = drifting.get(baseline.key)
        if facts is not None and baseline.version == status.baseline:
            yield from (each.summary() for each in going_on(facts, baseline))


def _of(house: House, place: Place, used: list[StoredBaseline] | None, newest: Found) -> Iterator[TextStatus]:
    state, failure = house.desk.states[place], house.desk.failures.get(place.source)
    none = TextStatus(
        source=place.source,
        segment=place.segment,
        stream=place.stream,
        phase=state.phase,
        have_days=state.have / DAY,
        wanted_days=state.wanted / DAY,
        problem=state.problem if failure is None else failure.reason,
    )
    if not used:
        yield none
    is_described = False
    for baseline in used or ():
        found = newest.get((place, baseline.version))
        measured = None
        if found is not None:
            measured = Measured(
                found.source, found.segment, found.window, labelled(found, baseline, is_described=is_described)
            )
            is_described = True
        yield replace(
            none,
            against=baseline.role,
            baseline=baseline.version,
            fitted_from=baseline.fitted_from,
            fitted_until=baseline.fitted_until,
            measured=measured,
            findings=() if found is None else tuple(findings(found.findings)),
        )


def labelled(found: TextMeasured, baseline: StoredBaseline, *, is_described: bool = False) -> dict[Key, Value]:
    """The values with what they are against among their labels; those that are against nothing only once."""
    values = {}
    for key, value in found.values.items():
        if key.name in AGAINST:
            values[Key(key.name, tuple(sorted((*key.labels, ("baseline", baseline.role)))))] = value
        elif not is_described:
            values[key] = value
    return values


def findings(found: Mapping[str, Any]) -> Iterator[str]:
    """What stands out in a window, in words, the strongest of each kind first."""
    responses = found.get("responses")
    if responses is not None and responses["share"] >= LEAST_SHARE:
        yield f"{responses['share']:.0%} of the responses are {responses['side']} than 99% of the baseline's"
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
        # Medians can stay where the means move: "0.99 → 0.99" tells nobody anything.
        if before != now:
            yield f"{change['name']}: {before} → {now}"
