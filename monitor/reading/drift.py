"""The drift detector of a stream, fed with each window once: its state is saved with what the window says."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from detectors.measurement import Key, Reason, Value
from detectors.sampling import PAIRS
from monitor.drifting import MEASURE
from monitor.reading.sitting import Sitting
from monitor.store import baselines, drift
from monitor.store.baselines import StoredBaseline
from monitor.store.database import Session
from monitor.store.tables import DriftRow
from monitor.store.texts import TextMeasured

if TYPE_CHECKING:
    from detectors.baseline import Baseline
    from detectors.drift.budget import Share
    from detectors.drift.channels import Channel
    from detectors.drift.detector import Reading, State, Test
    from detectors.drift.effect import Effect
    from detectors.effects import Placed

EVIDENCE = MEASURE
ALL = "all"
DAYS = "days"  # instead of a channel: whole days that differ
# A baseline of less has not seen how traffic wanders from week to week: what it finds is a warning, nobody is called.
WHOLE_AFTER = timedelta(days=21)
WHOLE_WINDOWS = 168
_SHOWN = 3

Facts = dict[str, Any]


def advance(
    session: Session,
    sitting: Sitting,
    against: "tuple[StoredBaseline, Baseline]",
    looked: "tuple[TextMeasured, Placed | None]",
) -> TextMeasured:
    """Reads a window with the detector, and returns what was measured of it with the evidence.

    Args:
        session: the transaction that keeps what was measured.
        sitting: the look at the source.
        against: what the detector compares with, and that opened.
        looked: what was measured of the window, and its texts beside the baseline.
    """
    from detectors.archive import from_bytes, to_bytes
    from detectors.drift.detector import KINDS, begin, step
    from detectors.drift.window import window_of

    (stored, baseline), (measured, placed) = against, looked
    calibration = baseline.drift
    observed = None if placed is None or calibration is None else window_of(baseline, placed, measured.window.start)
    row = drift.state(session, stored)
    if (
        calibration is None
        or placed is None
        or observed is None
        or (row is not None and row.until > measured.window.start)
    ):
        nothing = Value(None, n=0 if placed is None else len(placed.p), reason=Reason.TOO_FEW)
        return with_evidence(measured, {ALL: nothing})
    state: State = begin(calibration) if row is None else from_bytes(row.body, KINDS)
    test = _test(session, sitting, stored)
    state, reading = step(calibration, test, state, observed)
    known = [] if row is None else row.facts["open"]
    facts = facts_of(stored, calibration.windows, _open(known, state, reading, (measured, baseline, placed)))
    drift.save(session, row_of(stored, measured, facts, to_bytes(state)))
    values = {ALL: Value(reading.evidence, n=observed.n)} | {
        name: Value(share, n=observed.n) for name, share in zip(_channels(), reading.by_channel, strict=True)
    }
    return with_evidence(measured, values)


def is_whole(stored: StoredBaseline, windows: int) -> bool:
    """Whether a baseline has seen enough for its alarms to call people."""
    return stored.fitted_until - stored.fitted_from >= WHOLE_AFTER and windows >= WHOLE_WINDOWS


def share(session: Session, sitting: Sitting, stored: StoredBaseline) -> "Share":
    """What this detector may spend of the budget of all."""
    from detectors.drift.budget import split
    from detectors.drift.slow import rate

    used = baselines.in_use(session)
    rates = [
        0.0 if each.stream == PAIRS else rate((each.fitted_until - each.fitted_from) // timedelta(days=1))
        for each in used
    ]
    budget = sitting.house.settings.drift.false_alarms / timedelta(days=1)
    shares = split(budget, [each.stream for each in used], rates)
    return next((share for each, share in zip(used, shares, strict=True) if each.key == stored.key), shares[0])


def _test(session: Session, sitting: Sitting, stored: StoredBaseline) -> "Test":
    from detectors.drift.detector import Test
    from detectors.drift.effect import Minimums

    settings, mine = sitting.house.settings.drift, share(session, sitting, stored)
    return Test(mine.days, Minimums(settings.minimum_novelty, settings.minimum_topic), mine.slow)


def _channels() -> tuple[str, ...]:
    from detectors.drift.channels import CHANNELS

    return CHANNELS


def facts_of(stored: StoredBaseline, windows: int, alarms: list[Facts]) -> Facts:
    """What the rule `drift` reads: the alarms that go on, and whether the windows of the baseline suffice to call
    people."""
    return {"whole": is_whole(stored, windows), "open": alarms}


def _open(
    known: list[Facts], state: "State", reading: "Reading", about: "tuple[TextMeasured, Baseline, Placed]"
) -> list[Facts]:
    """The alarms that go on, and those that begin with this window."""
    measured, baseline, placed = about
    at = measured.window.end.timestamp()
    going = [each for each in known if _goes_on(each, state)]
    effects = dict(zip(_channels(), reading.effects, strict=True))
    shares = dict(zip(_channels(), reading.by_channel, strict=True))
    told = {"evidence": reading.evidence, "findings": _findings(measured), "at": at}
    if reading.alarms:
        lead = max(reading.alarms, key=lambda name: shares[name])
        told["exemplars"] = _exemplars(sorted(reading.alarms, key=lambda name: name != lead), effects, state, placed)
        shown = {name: _effect(name, effects[name], baseline) for name in reading.alarms}
        going.append({"kind": "windows", "lead": lead, "channels": list(reading.alarms), "effects": shown} | told)
    if reading.slow:
        told["exemplars"] = []
        going.append({"kind": "days", "lead": DAYS, "channels": ["mix"], "effects": {}} | told)
    return going


def _exemplars(
    channels: "list[Channel]", effects: "Mapping[str, Effect]", state: "State", placed: "Placed"
) -> list[str]:
    """Ids of the calls that show best what the channels saw, at most three of each."""
    from detectors.drift.exemplars import exemplars

    scores, found = placed.all_scores[placed.rows], []
    for name in channels:
        subject = effects[name].subject if name == "burst" else state.places
        rows = exemplars(name, placed.vectors.mean, scores, placed.labels, subject)
        found += [placed.ids[row] for row in rows]
    return list(dict.fromkeys(found))


def _goes_on(alarm: Mapping[str, Any], state: "State") -> bool:
    if alarm["kind"] == "days":
        return state.slow.since > 0
    episodes = dict(zip(_channels(), state.episodes, strict=True))
    return any((episode := episodes[name]) is not None and episode.since == alarm["at"] for name in alarm["channels"])


def _effect(channel: str, effect: "Effect", baseline: "Baseline") -> Facts:
    from detectors.drift.observed import DESCRIBED

    about = None
    if channel == "burst" and effect.subject >= 0:
        about = baseline.topics[effect.subject].name
    if channel == "descriptors" and effect.subject >= 0:
        about = DESCRIBED[effect.subject]
    return sized(effect, about)


def sized(effect: "Effect", about: str | None = None) -> Facts:
    """The size of a change, and of what."""
    return {"value": effect.value, "lower": effect.lower, "minimum": effect.minimum, "about": about}


def _findings(measured: TextMeasured) -> Facts:
    """What explains the window, as far as an alert has room for it."""
    return {kind: measured.findings.get(kind, [])[:_SHOWN] for kind in ("new", "grown", "shrunk", "descriptors")}


def with_evidence(measured: TextMeasured, evidence: Mapping[str, Value]) -> TextMeasured:
    """With what the detector says, by channel."""
    keys = {Key.of(EVIDENCE, channel=channel, stream=measured.stream): value for channel, value in evidence.items()}
    return replace(measured, values={**measured.values, **keys})


def row_of(stored: StoredBaseline, measured: TextMeasured, facts: Facts, body: bytes) -> DriftRow:
    """What is remembered and said after a window."""
    source, segment, stream, version = stored.key
    return DriftRow(
        source=source,
        segment=segment,
        stream=stream,
        baseline=version,
        until=measured.window.end,
        facts=facts,
        body=body,
    )
