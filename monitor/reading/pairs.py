"""Responses given their prompts: learnt, measured and tested as texts are, from calls that have both."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from detectors.measurement import Key, Reason, Value, Window
from detectors.sampling import Sample
from monitor.false_alarms import kept, share
from monitor.reading.alarming import ALL, Facts, facts_of, leading, row_of, sized, with_evidence
from monitor.reading.candidate import candidate
from monitor.reading.drift import DAYS, Columns
from monitor.reading.place import Place
from monitor.reading.shares import shares_of
from monitor.reading.sitting import Sitting, seconds, size_each
from monitor.store import baselines, drift, texts
from monitor.store.baselines import StoredBaseline
from monitor.store.database import Session
from monitor.store.tables import BaselineRow
from monitor.store.texts import TextMeasured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detectors.drift.conditional import Channel
    from detectors.drift.conditional_detector import PairReading, PairState
    from detectors.drift.effect import Effect
    from detectors.drift.judged import Judged
    from detectors.drift.pair_baseline import PairBaseline, PairSample

SHIFT = Key("model_drift")
DAY = timedelta(days=1)


def learn_pairs(sitting: Sitting, place: Place, span: Window) -> BaselineRow:
    """Fits a baseline of pairs on a stretch of the log: a candidate, not stored yet.

    Raises:
        detectors.fitting.TooFewError: there are too few pairs in it.
    """
    from detectors.drift.pair_baseline import PairSettings, fit_pairs
    from detectors.profile import window_length

    settings = sitting.desk.settings
    length = settings.window or window_length(sitting.hours(place, span)) or DAY
    sample = sitting.draw_each(place, span, size_each(settings, span, length), length)
    fitted = fit_pairs(
        embedded(sitting, sample, f"learning the {place}"),
        PairSettings(sitting.desk.embedder.identity, sitting.redactor.version, length),
    )
    facts: Facts = {
        "texts": fitted.count,
        "population": sample.population,
        "reservoir": len(fitted.pairs.own),
        "windows": 0 if fitted.drift is None else fitted.drift.windows,
        "topics": [],
        "hindsight": [] if fitted.drift is None else [list(each) for each in fitted.drift.hindsight],
        "outlier_days": [],
    }
    return candidate(sitting, place, span, fitted, facts)


def embedded(sitting: Sitting, sample: Sample, what: str = "") -> "PairSample":
    from detectors.drift.pair_baseline import PairSample

    # One after the other: the chunks of long texts are not needed, and would take more memory than all else.
    vectors = sitting.embed(sample.texts, what).mean, sitting.embed(sample.answers, what).mean
    return PairSample(sample.texts, sample.answers, vectors, seconds(sample), sample.ids)


def read_pairs(sitting: Sitting, place: Place, stored: StoredBaseline, window: Window) -> TextMeasured:
    """Measures one window of pairs: what it says is kept in the transaction that says that it was read."""
    looked = measured_pairs(sitting, place, stored, window)
    baseline = sitting.desk.opened_pairs(stored, sitting.house.database)
    with sitting.house.database.transaction() as session:
        measured = _advance(session, sitting, (stored, baseline), looked)
        texts.save(session, [measured])
        baselines.note_read(session, stored, window.end)
    return measured


def measured_pairs(
    sitting: Sitting, place: Place, stored: StoredBaseline, window: Window
) -> "tuple[TextMeasured, Judged, PairSample, Columns]":
    """What a window says; nothing is kept, and no drift detector reads it."""
    baseline = sitting.desk.opened_pairs(stored, sitting.house.database)
    sample = sitting.draw(place, window, sitting.desk.settings.sample, sitting.cuts)
    vectors = embedded(sitting, sample)
    judged = baseline.judge(window.start, vectors)
    return _measured(baseline, place, sample, judged), judged, vectors, sample.columns


def _measured(baseline: "PairBaseline", place: Place, sample: Sample, judged: "Judged") -> TextMeasured:
    from detectors.drift.moved import shift, unusual

    findings: dict[str, Any] = {"population": sample.population}
    if baseline.drift is not None and judged.n:
        found = unusual(judged, baseline.drift)
        exemplars = [sample.ids[row] for row in found.rows]
        findings["responses"] = {"side": found.side, "share": found.share, "exemplars": exemplars}
    return TextMeasured(
        place.source,
        place.segment,
        place.stream,
        sample.window,
        baseline.version,
        {SHIFT: shift(judged, baseline.drift)},
        findings,
    )


def _advance(
    session: Session,
    sitting: Sitting,
    against: "tuple[StoredBaseline, PairBaseline]",
    looked: "tuple[TextMeasured, Judged, PairSample, Columns]",
) -> TextMeasured:
    """As `monitor.reading.drift.advance`, of pairs."""
    from detectors.archive import from_bytes, to_bytes
    from detectors.drift.conditional import CHANNELS, LEAST_PAIRS
    from detectors.drift.conditional_detector import KINDS, PairTest, begin, step

    (stored, baseline), (measured, judged, _, _) = against, looked
    calibration, row = baseline.drift, drift.state(session, stored)
    was_read = row is not None and row.until > measured.window.start
    if calibration is None or judged.n < LEAST_PAIRS or was_read:
        return with_evidence(measured, {ALL: Value(None, n=judged.n, reason=Reason.TOO_FEW)})
    state: PairState = begin(calibration) if row is None else from_bytes(row.body, KINDS)
    mine = share(session, sitting.house.settings, stored)
    test = PairTest(kept(mine.days, stored, calibration.hindsight), slow=mine.slow)
    state, reading = step(calibration, test, state, judged)
    facts = facts_of(
        (stored, calibration.windows, measured),
        None if row is None else row.facts,
        lambda alarm: _goes_on(alarm, state),
        _begun(reading, baseline, looked),
    )
    drift.save(session, row_of(stored, measured, facts, to_bytes(state)))
    values = {ALL: Value(reading.evidence, n=judged.n)} | {
        name: Value(part, n=judged.n) for name, part in zip(CHANNELS, reading.by_channel, strict=True)
    }
    effects: dict[str, Facts] = {name: sized(each) for name, each in zip(CHANNELS, reading.effects, strict=True)}
    return with_evidence(measured, values, effects)


def _goes_on(alarm: Facts, state: "PairState") -> bool:
    if alarm["kind"] == "days":
        return state.slow.since > 0
    return any(each is not None and each.since == alarm["at"] for each in state.episodes)


def _begun(
    reading: "PairReading", baseline: "PairBaseline", looked: "tuple[TextMeasured, Judged, PairSample, Columns]"
) -> list[Facts]:
    """The alarms that begin with this window."""
    from detectors.drift.conditional import CHANNELS
    from detectors.influence import pair_influence

    measured, judged, vectors, columns = looked
    effects = dict(zip(CHANNELS, reading.effects, strict=True))

    def told(kind: str, lead: str, names: "Sequence[Channel]", sizes: "Mapping[Channel, Effect]") -> Facts:
        parts = pair_influence(baseline.pairs, baseline.drift, judged, vectors.vectors, names[0])
        return {
            "kind": kind,
            "lead": lead,
            "channels": list(names),
            "effects": {name: sized(sizes[name]) for name in names},
            "segments": shares_of(columns, judged.rows, parts),
            "evidence": reading.evidence,
            "findings": dict(measured.findings),
            "at": measured.window.end.timestamp(),
        }

    begun: list[Facts] = []
    if reading.alarms:
        lead = leading(reading.alarms, effects, dict(zip(CHANNELS, reading.by_channel, strict=True)))  # type: ignore[arg-type]
        begun.append(told("windows", lead, sorted(reading.alarms, key=lambda name: name != lead), effects))
    if reading.slow is not None:
        channel, size = reading.slow
        begun.append(told("days", DAYS, [channel], {channel: size}))
    return begun
