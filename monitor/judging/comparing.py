"""Two models, prompt versions or routes beside each other: pairs of calls with equal prompts, asked in both orders."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from config.judge import Pairs
from detectors.judge.matched import Match, Sides, at_of, matches
from detectors.measurement import Key, Value, Window
from monitor.house import House, Watched
from monitor.judging.asking import TOGETHER, UNASKED, Round
from monitor.judging.crew import JURY, voices
from monitor.judging.items import read_items
from monitor.judging.measuring import unknown
from monitor.store import judging
from monitor.store.database import Session
from monitor.store.judge_tables import JudgePairRow

if TYPE_CHECKING:
    from detectors.judge.pairwise import PairVerdict

SPAN: Final = timedelta(days=1)  # in which both calls of a pair lie, and of which the win rate speaks


def compare_sides(asking: Round, watched: Watched, until: datetime, length: timedelta) -> None:
    """Asks about pairs of the last day that nobody was asked about, of each comparison its part of the day's.

    Args:
        asking: the round of this look.
        watched: the source.
        until: end of the window that has closed.
        length: of that window.

    Raises:
        SourceError: the source could not be read.
    """
    span = Window(until - SPAN, until)
    for name, pairs in asking.crew.settings.pairs.items():
        if asking.is_over or not {pairs.by, "prompt", "response"} <= watched.source.columns:
            continue
        with watched.using:
            sides = Sides(pairs.by, pairs.first, pairs.second)
            found = matches(watched.source, span, sides, watched.settings.max_duration)
        with asking.house.database.reading() as session:
            known = {row.cluster for row in judging.pairs(session, watched.name, name, span.start)}
        most = min(pairs.most - len(known), -(-round(pairs.most * length / SPAN) // 1))
        fresh = [each for each in found if each.prompt not in known][: max(most, 0)]
        for first in range(0, len(fresh), TOGETHER):
            if asking.is_over:
                return
            _ask(asking, watched, (name, pairs), fresh[first : first + TOGETHER], span)


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
    for name, pairs in {} if settings is None else settings.pairs.items():
        rows = [row for row in judging.pairs(session, source, name, until - SPAN) if row.at < until]
        for voice in voices(settings) if settings is not None else ():
            mine = _of_one_judge([row for row in rows if row.voice == voice])
            who = {"comparison": name, "criterion": pairs.criterion, "judge": voice}
            won = win_rate([_SCORES.get(row.winner or "") for row in mine])
            key = Key.of("judge_win_ratio", corrected="no", **who)
            yield key, unknown(won) if isinstance(won, Unknown) else Value(won.value, won.lower, won.upper, len(mine))
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


_SCORES = {"first": 1.0, "tie": 0.5, "second": 0.0}


def _of_one_judge(rows: Sequence[JudgePairRow]) -> list[JudgePairRow]:
    """Those of the judge and rubric that were asked last."""
    if not rows:
        return []
    last = max(rows, key=lambda row: (row.judged_at or row.at, row.pair))
    return [row for row in rows if (row.judge, row.rubric) == (last.judge, last.rubric)]
