"""Two models, prompt versions or routes beside each other: pairs of matched calls, asked about in both orders.

Who wins is what the judge says. Nothing corrects it: people label answers, not pairs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from config.judge import Pairs
from detectors.judge.matched import Match, at_of
from detectors.measurement import Key, Reason, Value, Window
from monitor.failpoints import hit
from monitor.house import House, Watched
from monitor.judging.asking import TOGETHER, UNASKED, Round
from monitor.judging.crew import JURY, speaker, voices
from monitor.judging.items import read_items
from monitor.judging.measuring import unknown
from monitor.judging.pairing import forms_of, pairs_of
from monitor.store import judging
from monitor.store.database import Session
from monitor.store.judge_tables import JudgePairRow, JudgeWindowRow

if TYPE_CHECKING:
    from detectors.judge.pairwise import PairVerdict
    from detectors.judge.winrate import WinRate

MATCHED: Final = "matched"  # where it stands in the facts of a window how prompts were matched
SPAN: Final = timedelta(days=1)  # in which both calls of a pair lie, and of which the win rate speaks
_LEVEL: Final = 0.05
_CLEAREST: Final = 0.05
_SLIGHT: Final = 0.02  # 5,000 pairs and more
_SCORES = {"first": 1.0, "tie": 0.5, "second": 0.0}


def compare_sides(asking: Round, watched: Watched, last: JudgeWindowRow) -> None:
    """Asks about pairs of the last day that nobody was asked about, of each comparison its part of the day's.

    What was not asked of a window, because a judge was down, the money was out or the service died, is asked at the
    next look, until a newer window has closed.

    Args:
        asking: the round of this look.
        watched: the source.
        last: the newest window that has closed.

    Raises:
        SourceError: the source could not be read.
    """
    for name, pairs in asking.crew.settings.pairs.items():
        known = last.facts.get(MATCHED, {}).get(name)
        is_over = known is not None and (known["done"] or asking.is_over)
        if not is_over and {pairs.by, "prompt", "response"} <= watched.source.columns:
            _compare(asking, watched, (name, pairs), last)


def _compare(asking: Round, watched: Watched, of: tuple[str, Pairs], last: JudgeWindowRow) -> None:
    (name, pairs), span = of, Window(last.end - SPAN, last.end)
    equal, near, matched = pairs_of(asking.house, watched, pairs, span, asking.outside.clock())
    with asking.house.database.reading() as session:
        rows = judging.pairs(session, watched.name, name, span.start)
    # Each prompt is compared once in a day, whatever it was matched with before.
    clusters = {row.cluster for row in rows}
    known = forms_of(clusters)
    of_window = {row.cluster for row in rows if row.judged_at is not None and row.judged_at >= last.planned_at}
    part = ceil(pairs.most * (last.end - last.start) / SPAN) - len(of_window)
    most = max(min(pairs.most - len(clusters), part), 0)
    fresh = [each for each in (*equal, *near) if not forms_of([each.prompt]) & known][:most]
    _note(asking, last, name, {**matched.as_json(), "done": not fresh})
    for first in range(0, len(fresh), TOGETHER):
        if asking.is_over:
            return
        _ask(asking, watched, of, fresh[first : first + TOGETHER], span)
    # Of a jury all must have answered.
    if not asking.is_over and not asking.down:
        _note(asking, last, name, {"done": True})


def _note(asking: Round, last: JudgeWindowRow, name: str, facts: Mapping[str, Any]) -> None:
    with asking.house.database.transaction() as session:
        row = judging.window_until(session, last.source, last.end)
        if row is not None:
            known = row.facts.get(MATCHED, {})
            row.facts = {**row.facts, MATCHED: {**known, name: {**known.get(name, {}), **facts}}}
            session.add(row)
            hit("judge.matched.before_commit")
    hit("judge.matched.after_commit")


def _ask(asking: Round, watched: Watched, of: tuple[str, Pairs], some: Sequence[Match], span: Window) -> None:
    """Asks every judge about some pairs, and keeps those of which all have said something."""
    from detectors.judge.pairwise import Pair, compare

    name, pairs = of
    criterion = asking.crew.criterion(pairs.criterion)
    calls = [call for each in some for call in (each.first, each.second)]
    items = read_items(watched, calls, span, criterion.shown)
    there = [each for each in some if each.first in items and each.second in items]
    asked: list[Pair] = [Pair(f"{each.first} {each.second}", items[each.first], items[each.second]) for each in there]
    votes: list[Sequence[PairVerdict]] = []
    for voice, judge in asking.crew.judges.items():
        if asked and not asking.is_over and voice not in asking.down:
            votes.append(compare(judge, asked, criterion))
            asking.note_pairs(voice, judge, votes[-1])
    if len(votes) < len(asking.crew.judges):
        return
    now = asking.outside.clock()
    rows: list[JudgePairRow] = []
    for match, members in zip(there, zip(*votes, strict=True), strict=True):
        if not any(each.problem in UNASKED for each in members):
            about = JudgePairRow(
                source=watched.name,
                name=name,
                pair=f"{match.first} {match.second}",
                voice="",
                at=span.start + at_of(span, match),
                state=judging.ANSWERED,
                cluster=match.prompt,
                judged_at=now,
            )
            rows += _rows(asking, about, members)
    with asking.house.database.transaction() as session:
        judging.save(session, rows)
        hit("judge.pairs.before_commit")
    hit("judge.pairs.after_commit")


def _rows(asking: Round, about: JudgePairRow, members: "Sequence[PairVerdict]") -> Iterator[JudgePairRow]:
    from detectors.judge.jury import decide_pair

    for voice, each in zip(asking.crew.judges, members, strict=True):
        own = {"voice": voice, "judge": each.judge, "rubric": each.rubric, "usd": each.usd, "winner": each.winner}
        own |= {"consistent": each.consistent, "position": each.position}
        yield JudgePairRow(**about.model_dump() | own | {"state": each.problem or judging.ANSWERED})
    if len(members) > 1:
        found = decide_pair(members)
        own = {"voice": JURY, "judge": asking.crew.identities[JURY], "rubric": members[0].rubric}
        own |= {"winner": found.winner, "state": found.problem or judging.ANSWERED}
        yield JudgePairRow(**about.model_dump() | own)


def values(session: Session, house: House, source: str, until: datetime) -> Iterator[tuple[Key, Value]]:
    """What the pairs of the last day say: who wins, and how far the place decides."""
    from detectors.judge.unknown import Unknown
    from detectors.judge.winrate import position_bias, win_rate

    settings = house.settings.judge
    window = judging.window_until(session, source, until)
    known = {} if window is None else window.facts.get(MATCHED, {})
    for name, pairs in {} if settings is None else settings.pairs.items():
        yield from _unmatched(name, known.get(name))
        rows = [row for row in judging.pairs(session, source, name, until - SPAN) if row.at < until]
        for voice in voices(settings) if settings is not None else ():
            mine = _of_one_judge(_by(rows, voice))
            who = {"comparison": name, "criterion": pairs.criterion, "judge": voice}
            won = win_rate([_SCORES.get(row.winner or "") for row in mine])
            key = Key.of("judge_win_ratio", corrected="no", **who)
            if isinstance(won, Unknown):
                yield key, unknown(won)
            else:
                yield key, Value(won.value, won.lower, won.upper, len(mine))
                yield Key.of("judge_win_p_value", **who), _sign_test(won)
            both = [row for row in mine if row.consistent is not None]
            if voice == JURY:
                continue
            places = Counter(row.position for row in both)
            bias = position_bias(places["a"], places["b"], sum(bool(row.consistent) for row in both), len(both))
            key = Key.of("judge_position_bias", **who)
            yield (
                key,
                unknown(bias) if isinstance(bias, Unknown) else Value(bias.value, bias.lower, bias.upper, len(both)),
            )


def _unmatched(name: str, facts: Mapping[str, Any] | None) -> Iterator[tuple[Key, Value]]:
    """Of the prompts of each side those without a match, as far as they were looked at."""
    if facts is None:
        return
    for place, side in enumerate(("first", "second")):
        alone, looked_at = facts["alone"][place], facts["looked_at"][place]
        prompts = facts["equal"] + alone
        left = 1 - facts["near"] / looked_at if looked_at else 1.0
        ratio = Value(left * alone / prompts, n=prompts) if prompts else Value(None, n=0, reason=Reason.NO_VALUES)
        yield Key.of("judge_unmatched_ratio", comparison=name, side=side), ratio


def _sign_test(won: "WinRate") -> Value:
    decided = won.wins + won.losses
    return Value(won.p_value, n=decided, reason=Reason.NO_VALUES if won.p_value is None else None)


def findings(session: Session, house: House, source: str) -> Iterator[str]:
    """Every comparison of the last day in words: what the judge says, how sure it is, and how calls were matched."""
    from detectors.judge.unknown import Unknown
    from detectors.judge.winrate import win_rate

    settings, window = house.settings.judge, judging.last_window(session, source)
    if settings is None or window is None:
        return
    for name, pairs in settings.pairs.items():
        rows = [row for row in judging.pairs(session, source, name, window.end - SPAN) if row.at < window.end]
        won = win_rate([_SCORES.get(row.winner or "") for row in _of_one_judge(_by(rows, speaker(settings)))])
        words = f"{source}: {name}: {pairs.first} against {pairs.second} by {pairs.criterion}"
        if isinstance(won, Unknown):
            yield f"{words}: no pair of the last day was judged{_how(window.facts.get(MATCHED, {}).get(name))}"
            continue
        words += f": {won.wins} won, {won.ties} tied, {won.losses} lost (judge only, not corrected)"
        if won.p_value is not None and not isinstance(won.decided, Unknown):
            words += f"; sign test p = {won.p_value:.2g}"
            words += _needed(won.decided.value, won.ties / (won.wins + won.ties + won.losses), won.p_value)
        yield words + _how(window.facts.get(MATCHED, {}).get(name))


def _needed(rate: float, ties: float, p_value: float) -> str:
    from detectors.judge.winrate import pairs_needed

    if p_value <= _LEVEL:
        return ""
    if abs(rate - 0.5) < _SLIGHT:
        return ", too slight a difference to be sure of with any number of pairs that is worth its price"
    # Of a few pairs all may have been won: that is no rate to plan with.
    needed = pairs_needed(min(max(rate, _CLEAREST), 1 - _CLEAREST), ties)
    return f", about {needed:,} pairs are needed to be sure of such a difference"


def _how(facts: Mapping[str, Any] | None) -> str:
    if facts is None:
        return ""
    words = f"; matched by equal prompts: {facts['equal']:,}"
    if facts["problem"]:
        return f"{words}; by meaning: none, {facts['problem']}"
    least = "" if facts["least"] is None else f" (cosine {facts['least']:.2f} and more)"
    rest = " and ".join(f"{each - facts['near']:,}" for each in facts["alone"])
    return f"{words}; by meaning: {facts['near']:,}{least}; without a match: {rest}"


def _by(rows: Sequence[JudgePairRow], voice: str) -> list[JudgePairRow]:
    return [row for row in rows if row.voice == voice]


def _of_one_judge(rows: Sequence[JudgePairRow]) -> list[JudgePairRow]:
    """Those of the judge and rubric that were asked last."""
    if not rows:
        return []
    last = max(rows, key=lambda row: (row.judged_at or row.at, row.pair))
    return [row for row in rows if (row.judge, row.rubric) == (last.judge, last.rubric)]
