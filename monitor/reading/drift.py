"""The drift detector of a stream, fed with each window once: its state is saved with what the window says."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from detectors.measurement import Reason, Value
from monitor.drifting import MEASURE
from monitor.false_alarms import kept, share
from monitor.reading.alarming import ALL, Facts, facts_of, leading, row_of, sized, with_evidence
from monitor.reading.shares import shares_of
from monitor.reading.sitting import Sitting
from monitor.store import drift
from monitor.store.baselines import StoredBaseline
from monitor.store.database import Session
from monitor.store.texts import TextMeasured

if TYPE_CHECKING:
    from detectors.baseline import Baseline
    from detectors.drift.channels import Channel
    from detectors.drift.detector import Reading, State, Test
    from detectors.drift.effect import Effect
    from detectors.drift.places import Place
    from detectors.drift.weeks import Hindsight
    from detectors.effects import Placed

EVIDENCE = MEASURE
DAYS = "days"  # instead of a channel: whole days that differ
_SHOWN = 3

Columns = Mapping[str, Sequence[str | None]]


def advance(
    session: Session,
    sitting: Sitting,
    against: "tuple[StoredBaseline, Baseline]",
    looked: "tuple[TextMeasured, Placed | None, Columns]",
) -> TextMeasured:
    """Reads a window with the detector, and returns what was measured of it with the evidence.

    Args:
        session: the transaction that keeps what was measured.
        sitting: the look at the source.
        against: what the detector compares with, and that opened.
        looked: what was measured of the window, its texts beside the baseline, and other columns of their calls.
    """
    from detectors.archive import from_bytes, to_bytes
    from detectors.drift.detector import KINDS, begin, step
    from detectors.drift.window import window_of

    (stored, baseline), (measured, placed, columns) = against, looked
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
    test = _test(session, sitting, stored, calibration.hindsight)
    state, reading = step(calibration, test, state, observed)
    begun = _begun(state, reading, (measured, baseline, placed, columns))
    facts = facts_of(
        (stored, calibration.windows, measured),
        None if row is None else row.facts,
        lambda alarm: _goes_on(alarm, state),
        begun,
    )
    drift.save(session, row_of(stored, measured, facts, to_bytes(state)))
    values = {ALL: Value(reading.evidence, n=observed.n)} | {
        name: Value(share, n=observed.n) for name, share in zip(_channels(), reading.by_channel, strict=True)
    }
    effects = zip(_channels(), reading.effects, strict=True)
    return with_evidence(measured, values, {name: _effect(name, each, baseline) for name, each in effects})


def _test(session: Session, sitting: Sitting, stored: StoredBaseline, hindsight: "Hindsight") -> "Test":
    from detectors.drift.detector import Test
    from detectors.drift.effect import Minimums

    settings, mine = sitting.house.settings.drift, share(session, sitting.house.settings, stored)
    minimums = Minimums(settings.minimum_novelty, settings.minimum_topic)
    return Test(kept(mine.days, stored, hindsight), minimums, mine.slow)


def _channels() -> tuple[str, ...]:
    from detectors.drift.channels import CHANNELS

    return CHANNELS


def _begun(state: "State", reading: "Reading", about: "tuple[TextMeasured, Baseline, Placed, Columns]") -> list[Facts]:
    """The alarms that begin with this window."""
    measured, baseline, placed, columns = about
    told = {
        "evidence": reading.evidence,
        "findings": _findings(measured),
        "at": measured.window.end.timestamp(),
    }
    effects: dict[str, Effect] = dict(zip(_channels(), reading.effects, strict=True))
    begun: list[Facts] = []
    if reading.alarms:
        lead: Channel = leading(reading.alarms, effects, dict(zip(_channels(), reading.by_channel, strict=True)))  # type: ignore[assignment]
        names = sorted(reading.alarms, key=lambda name: name != lead)
        begun.append(
            {
                "kind": "windows",
                "lead": lead,
                "channels": names,
                "effects": {name: _effect(name, effects[name], baseline) for name in names},
                "exemplars": _exemplars(names, effects, state, placed),
                "segments": _segments(lead, (effects[lead], state), (baseline, placed), columns),
                **told,
            }
        )
    if reading.slow is not None:
        segments = _segments("mix", (effects["mix"], state), (baseline, placed), columns)
        grown = {"burst": _effect("burst", reading.slow, baseline)}  # of the day that is behind it
        more = {"channels": ["mix"], "effects": grown, "exemplars": [], "segments": segments}
        begun.append({"kind": "days", "lead": DAYS, **more, **told})
    return begun


def _segments(
    channel: "Channel", seen: "tuple[Effect, State]", beside: "tuple[Baseline, Placed]", columns: Columns
) -> list[Facts]:
    """What each segment of the calls has of the change that a channel saw."""
    from detectors.influence import influence

    (effect, state), (baseline, placed) = seen, beside
    subject: Place | int | None = effect.subject
    if channel == "scan":
        subject = max((each for each in state.places if each.texts), key=lambda each: each.heat, default=None)
    return shares_of(columns, placed.rows, influence(baseline, placed, channel, subject))


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


def _findings(measured: TextMeasured) -> Facts:
    """What explains the window, as far as an alert has room for it."""
    return {kind: measured.findings.get(kind, [])[:_SHOWN] for kind in ("new", "grown", "shrunk", "descriptors")}
