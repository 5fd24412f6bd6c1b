"""What the judge would have cost on a stretch of the log, before it is switched on: the calls that it would draw, and
the price of every judge and criterion. Nobody is asked, and nothing is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Final

from config.judge import Judge as Settings
from config.judge import JudgeApi
from detectors.judge.criterion import Criterion
from detectors.judge.desk import Desk
from detectors.judge.judge import Judge
from detectors.judge.price import Cost
from detectors.judge.prompt import Item
from detectors.measurement import Window
from monitor.evaluate.values import EvaluationError
from monitor.house import House, Watched
from monitor.judging.drawing import questions, seen
from monitor.judging.items import read_items
from monitor.store import states

READ: Final = 200  # calls whose texts are read, the first of the draw: their mean price stands for all
MONTH: Final = timedelta(days=30)
_A_TOKEN: Final = 1_000_000.0  # US dollars for a million: then a price counts tokens


@dataclass(frozen=True, slots=True)
class Price:
    """What one judge costs for one criterion in the stretch; tokens as they are likely."""

    judge: str
    criterion: str
    questions: int
    tokens_in: int
    tokens_out: int
    likely_usd: float
    most_usd: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """What would be judged of one source.

    Attributes:
        calls: that have an answer.
        drawn: ids of those that would be judged, the first to be asked about first.
        starved: segments that get fewer verdicts than the least.
        read: of how many the texts were read.
        unasked: questions of these that need no judge, or lack a text: they cost nothing.
    """

    source: str
    window: Window
    calls: int
    drawn: tuple[str, ...]
    starved: tuple[str, ...]
    read: int
    unasked: int
    prices: tuple[Price, ...]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What it would have cost, beside the budgets.

    Attributes:
        day_usd: likely, of a day, all sources together, with what is asked for again.
        most_usd: at most, if every question is answered at its first try.
        budget_day, budget_month: of the settings.
    """

    sources: tuple[Drawn, ...]
    day_usd: float
    most_usd: float
    budget_day: float
    budget_month: float | None

    @property
    def affordable(self) -> float:
        """The part of the calls that the budgets are enough for: 1 is all of them."""
        budgets = [self.budget_day] + ([] if self.budget_month is None else [self.budget_month * _DAY / MONTH])
        return min([1.0, *(each / self.day_usd for each in budgets if self.day_usd > 0)])


_DAY: Final = timedelta(days=1)


def dry_run(house: House, criteria: Mapping[str, Criterion], length: timedelta, now: datetime) -> DryRun:
    """The cost of the last stretch of every source, as far as its log is complete.

    Raises:
        EvaluationError: no judge is configured, or no source was ever read.
        SourceError: a source cannot be read.
    """
    settings = house.settings.judge
    if settings is None:
        raise EvaluationError("no judge is configured: see docs/judge.md")
    wanted = {name: criteria[name] for name in settings.criteria}
    with house.database.reading() as session:
        progress = states.all_progress(session)
    complete = {name: row.complete_until for name, row in progress.items() if row.complete_until is not None}
    sources = []
    for name, watched in house.sources.items():
        end = complete.get(name)
        if end is not None:
            sources.append(_drawn(house, watched, wanted, Window(end - length, end), now))
    if not sources:
        raise EvaluationError("nothing has been read yet: start the service first (watchkeeper run)")
    a_day = _DAY / length * (1 + settings.repeat)
    prices = [price for each in sources for price in each.prices]
    return DryRun(
        sources=tuple(sources),
        day_usd=sum(each.likely_usd for each in prices) * a_day,
        most_usd=sum(each.most_usd for each in prices) * a_day,
        budget_day=settings.budget_usd_per_day,
        budget_month=settings.budget_usd_per_month,
    )


def _drawn(house: House, watched: Watched, criteria: Mapping[str, Criterion], window: Window, now: datetime) -> Drawn:
    settings = house.settings.judge
    assert settings is not None
    known = seen(house, watched, settings, window, now)
    rows, facts = questions(watched.name, settings, window, known, inf)
    ids = tuple(dict.fromkeys(row.call_id for row in rows))
    needs = {need for each in criteria.values() for need in each.shown}
    items = list(read_items(watched, ids[:READ], window, needs).values())
    times = len(ids) / len(items) if items else 0.0
    prices = [
        _price(settings, (name, api), each, items, times)
        for name, api in settings.judges.items()
        for each in criteria.values()
    ]
    asked = sum(each.questions for each in prices)
    return Drawn(
        source=watched.name,
        window=window,
        calls=int(facts["population"]),
        drawn=ids,
        starved=tuple(f"{each['segment']}: {each['why']}" for each in facts["starved"]),
        read=len(items),
        unasked=max(len(ids) * len(settings.judges) * len(criteria) - asked, 0),
        prices=tuple(prices),
    )


def _price(
    settings: Settings, judge: tuple[str, JudgeApi], criterion: Criterion, items: list[Item], times: float
) -> Price:
    name, api = judge
    cost, sent, answered = (
        _cost(name, api.model_copy(update=update), criterion, items, settings.characters).times(times)
        for update in (
            {},
            {"input_usd_per_million": _A_TOKEN, "output_usd_per_million": 0.0},
            {"input_usd_per_million": 0.0, "output_usd_per_million": _A_TOKEN},
        )
    )
    return Price(
        judge=name,
        criterion=criterion.name,
        questions=cost.questions,
        tokens_in=round(sent.likely),
        tokens_out=round(answered.likely),
        likely_usd=cost.likely,
        most_usd=cost.most,
    )


def _cost(name: str, api: JudgeApi, criterion: Criterion, items: list[Item], characters: int) -> Cost:
    desk = Desk(lambda _: True, lambda: 0.0)  # nobody is asked, so nobody waits
    return Judge(name, api, desk, characters).cost(items, criterion)
