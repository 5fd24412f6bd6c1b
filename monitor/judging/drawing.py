"""Which calls of a window are judged: drawn by risk, each with a probability that is kept with its questions."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.judge import Judge as Settings
from config.judge import Risk
from detectors.judge import strata
from detectors.judge.candidates import Candidates, candidates, disliked
from detectors.judge.sampling import Odds, Signs, draw, odds, queue, uniform
from detectors.measurement import Floats, Window
from monitor.failpoints import hit
from monitor.house import House, Watched
from monitor.judging.account import hourly
from monitor.judging.crew import voices
from monitor.slots import EPOCH
from monitor.store import judging, texts
from monitor.store.database import Session
from monitor.store.judge_tables import JudgeWindowRow, VerdictRow
from monitor.store.measurements import segment_text

# A window whose judge is down is asked about again for so long, and at least twice its length.
PATIENCE = timedelta(hours=6)
RISKS = 2  # strata: calls without any sign of risk, and with one


def plan(house: House, watched: Watched, settings: Settings, window: Window, now: datetime) -> None:
    """Draws the calls of a window and keeps their questions; a window that was drawn from stays as it is.

    Raises:
        SourceError: the source could not be read.
    """
    known = seen(house, watched, settings, window, now)
    with house.database.reading() as session:
        affordable = _affordable(session, house, settings, window)
    rows, facts = questions(watched.name, settings, window, known, affordable)
    with house.database.transaction() as session:
        kept = JudgeWindowRow(
            source=watched.name,
            start=window.start,
            end=window.end,
            state=judging.OPEN,
            planned_at=now,
            deadline=now + max(PATIENCE, 2 * window.length),
            facts=facts,
        )
        judging.save(session, [kept, *rows])
        hit("judge.draw.before_commit")
    hit("judge.draw.after_commit")


def seen(house: House, watched: Watched, settings: Settings, window: Window, now: datetime) -> tuple[Candidates, Signs]:
    """The calls of a window that can be judged, with their signs of risk.

    Raises:
        SourceError: the source could not be read.
    """
    columns = tuple(name for name in settings.sampling.by if name in watched.source.columns)
    with watched.using:
        found = candidates(watched.source, window, watched.settings.max_duration, columns)
        rated = watched.settings.feedback
        until = Window(window.start, max(now, window.end))
        bad = disliked(watched.source, until, rated.positive_above) if rated is not None else frozenset()
    with house.database.reading() as session:
        return found, _signs(session, watched.name, window, found, bad)


def _signs(session: Session, source: str, window: Window, found: Candidates, bad: frozenset[str]) -> Signs:
    strange, new = texts.strange(session, source, window), texts.of_new_topics(session, source, window)
    return Signs(
        p=np.array([strange.get(each, np.nan) for each in found.ids], np.float64),
        negative_feedback=_among(found.ids, bad),
        new_topic=_among(found.ids, new),
        error=found.error,
    )


def _among(ids: Sequence[str], those: frozenset[str]) -> NDArray[np.bool_]:
    return np.array([each in those for each in ids], bool)


def _affordable(session: Session, house: House, settings: Settings, window: Window) -> float:
    """How many calls the money that comes in the time of a window is enough for, by what calls have cost so far."""
    money = hourly(settings) * window.length / timedelta(hours=1) / max(len(house.sources), 1)
    each = judging.usual_usd(session) or _guess(settings)
    return money / each if each > 0 else np.inf


def _guess(settings: Settings) -> float:
    """What one call costs by all judges and criteria, before any has been judged: 1,500 tokens and 120 of answer."""
    one = sum(
        1_500 * each.input_usd_per_million + 120 * each.output_usd_per_million for each in settings.judges.values()
    )
    return one / 1e6 * len(settings.criteria)


def questions(
    source: str, settings: Settings, window: Window, known: tuple[Candidates, Signs], affordable: float
) -> tuple[list[VerdictRow], dict[str, Any]]:
    """The questions of a window, and what is remembered of the draw."""
    found, signs = known
    if not found.ids:
        return [], {
            "population": 0,
            "drawn": 0,
            "wanted": 0.0,
            "affordable": None,
            "least": None,
            "calls": {},
            "starved": [],
        }
    weights = odds(signs, _odds(settings.sampling.risk))
    names = [segment_text(each) for each in found.segments]
    known_segments = sorted(set(names))
    numbers = np.array([known_segments.index(each) for each in names], np.intp)
    wanted = settings.sampling.share * found.population
    expected = min(wanted, affordable, float(len(found.ids)))
    planned = strata.plan(weights, numbers, expected, settings.sampling.segment_share * expected)
    floor = settings.sampling.floor * expected / wanted / found.share
    pi: Floats = np.maximum(planned.pi, min(floor, 1.0))
    lot = uniform(found.ids, f"judge\0{source}")
    drawn = draw(pi, lot, None if np.isinf(affordable) else max(int(affordable), 1))
    order = [row for row in queue(drawn.pi, lot).tolist() if drawn.taken[row]]
    risky = (weights > 1).astype(np.intp)
    rows = [
        VerdictRow(
            source=source,
            start=window.start,
            call_id=found.ids[row],
            criterion=criterion,
            voice=voice,
            at=EPOCH + timedelta(microseconds=found.at_us[row]),
            segment=names[row],
            stratum=int(risky[row]),
            cluster=_hashed(found.sessions[row] or f"call {found.ids[row]}"),
            pi=float(drawn.pi[row]) * found.share,
            rank=float(lot[row] / drawn.pi[row]),
            state=judging.WAITING,
        )
        for row in order
        for criterion in settings.criteria
        for voice in voices(settings)
    ]
    counts = np.zeros((len(known_segments), RISKS))
    np.add.at(counts, (numbers, risky), 1 / found.share)
    starved = [
        {"segment": known_segments[each.segment], "expected": each.expected, "least": each.least, "why": each.why}
        for each in planned.starved
    ]
    facts = {
        "population": found.population,
        "drawn": len(order),
        "wanted": wanted,
        "affordable": None if np.isinf(affordable) else affordable,
        "least": float(drawn.pi.min()) * found.share,  # that any call had, drawn or not
        "calls": {name: counts[number].tolist() for number, name in enumerate(known_segments)},
        "starved": starved,
    }
    return rows, facts


def _odds(risk: Risk) -> Odds:
    return Odds(risk.out_of_distribution, risk.negative_feedback, risk.new_topic, risk.error)


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
