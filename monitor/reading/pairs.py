"""Responses given their prompts: learnt, measured and tested as texts are, from calls that have both."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from detectors.measurement import Key, Reason, Value, Window
from detectors.sampling import Sample
from monitor.reading.candidate import candidate
from monitor.reading.drift import ALL, Facts, facts_of, row_of, share, sized, with_evidence
from monitor.reading.place import Place
from monitor.reading.sitting import Sitting, seconds, size_each
from monitor.store import baselines, drift, texts
from monitor.store.baselines import StoredBaseline
from monitor.store.database import Session
from monitor.store.tables import BaselineRow
from monitor.store.texts import TextMeasured

if TYPE_CHECKING:
    from detectors.drift.conditional_detector import PairReading, PairState
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
        _embedded(sitting, sample, f"learning the {place}"),
        PairSettings(sitting.desk.embedder.identity, sitting.redactor.version, length),
    )
    facts: Facts = {
        "texts": fitted.count,
        "population": sample.population,
        "reservoir": len(fitted.pairs.own),
        "windows": 0 if fitted.drift is None else fitted.drift.windows,
        "topics": [],
        "outlier_days": [],
    }
    return candidate(sitting, place, span, fitted, facts)


def _embedded(sitting: Sitting, sample: Sample, what: str = "") -> "PairSample":
    from detectors.drift.pair_baseline import PairSample

    # One after the other: the chunks of long texts are not needed, and would take more memory than all else.
    vectors = sitting.embed(sample.texts, what).mean, sitting.embed(sample.answers, what).mean
    return PairSample(sample.texts, sample.answers, vectors, seconds(sample), sample.ids)


def read_pairs(sitting: Sitting, place: Place, stored: StoredBaseline, window: Window) -> None:
    """Measures one window of pairs: what it says is kept in the transaction that says that it was read."""
    baseline = sitting.desk.opened_pairs(stored, sitting.house.database)
    sample = sitting.draw(place, window, sitting.desk.settings.sample)
    judged = baseline.judge(window.start, _embedded(sitting, sample))
    measured = _measured(baseline, place, sample, judged)
    with sitting.house.database.transaction() as session:
        texts.save(session, [_advance(session, sitting, (stored, baseline), (measured, judged))])
        baselines.note_read(session, stored, window.end)


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
    looked: "tuple[TextMeasured, Judged]",
) -> TextMeasured:
    """As `monitor.reading.drift.advance`, of pairs."""
    from detectors.archive import from_bytes, to_bytes
    from detectors.drift.conditional import CHANNELS, LEAST_PAIRS
    from detectors.drift.conditional_detector import KINDS, PairTest, begin, step

    (stored, baseline), (measured, judged) = against, looked
    calibration, row = baseline.drift, drift.state(session, stored)
    was_read = row is not None and row.until > measured.window.start
    if calibration is None or judged.n < LEAST_PAIRS or was_read:
        return with_evidence(measured, {ALL: Value(None, n=judged.n, reason=Reason.TOO_FEW)})
    state: PairState = begin(calibration) if row is None else from_bytes(row.body, KINDS)
    test = PairTest(share(session, sitting, stored).days)
    state, reading = step(calibration, test, state, judged)
    known = [] if row is None else row.facts["open"]
    facts = facts_of(stored, calibration.windows, _open(known, state, reading, measured))
    drift.save(session, row_of(stored, measured, facts, to_bytes(state)))
    values = {ALL: Value(reading.evidence, n=judged.n)} | {
        name: Value(part, n=judged.n) for name, part in zip(CHANNELS, reading.by_channel, strict=True)
    }
    return with_evidence(measured, values)


def _open(known: list[Facts], state: "PairState", reading: "PairReading", measured: TextMeasured) -> list[Facts]:
    """The alarms that go on, and the one that begins with this window."""
    from detectors.drift.conditional import CHANNELS

    since = [None if each is None else each.since for each in state.episodes]
    going = [each for each in known if each["at"] in since]
    if reading.alarms:
        effects = dict(zip(CHANNELS, reading.effects, strict=True))
        lead = max(reading.alarms, key=lambda name: reading.by_channel[CHANNELS.index(name)])
        going.append(
            {
                "kind": "windows",
                "lead": lead,
                "channels": list(reading.alarms),
                "effects": {name: sized(effects[name]) for name in reading.alarms},
                "evidence": reading.evidence,
                "findings": dict(measured.findings),
                "at": measured.window.end.timestamp(),
            }
        )
    return going
