"""The judges and criteria of the settings, ready to be asked; the judge's client is loaded when they are made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from config.judge import Judge as Settings
from detectors.endpoint import Pause
from detectors.judge.criterion import Criterion, criteria_of
from monitor.house import House
from monitor.judging.account import StoredAccount
from monitor.store.judge_tables import JudgeSeriesRow
from monitor.store.texts import StoredCache

if TYPE_CHECKING:
    from detectors.judge.judge import Judge

JURY: Final = "jury"  # the voice of several judges together


@dataclass(frozen=True, slots=True)
class Outside:
    """What the judge needs of the outside: the wall clock, seconds that never go back, how to wait, whether to stop."""

    clock: Callable[[], datetime]
    seconds: Callable[[], float]
    pause: Pause
    stopping: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Crew:
    """Everybody who judges at one look.

    Attributes:
        judges: by name, in the order of the settings.
        criteria: that every drawn call is judged by.
        others: that only pairs and labels name.
        account: where the money comes from.
    """

    settings: Settings
    judges: "Mapping[str, Judge]"
    criteria: Mapping[str, Criterion]
    others: Mapping[str, Criterion]
    account: StoredAccount

    @classmethod
    def of(cls, house: House, settings: Settings, outside: Outside) -> "Crew":
        """The crew of a look.

        Raises:
            CriterionError: a criterion cannot be used.
            ValueError: no header can carry a judge's key.
        """
        from detectors.judge.desk import Desk
        from detectors.judge.judge import Judge

        account = StoredAccount(house.database, settings, outside.clock)
        cache = StoredCache(house.database, outside.clock())
        desk = Desk(outside.pause, outside.seconds, account, cache)
        found = criteria_of(settings, house.folder)
        wanted = {name: found[name] for name in settings.criteria}
        judges = {name: Judge(name, each, desk, settings.characters) for name, each in settings.judges.items()}
        return cls(settings, judges, wanted, {name: found[name] for name in found if name not in wanted}, account)

    def criterion(self, name: str) -> Criterion:
        """A criterion by name."""
        return self.criteria.get(name) or self.others[name]

    @property
    def identities(self) -> Mapping[str, str]:
        """Of every voice; that of the jury is of all its members."""
        own = {name: judge.identity for name, judge in self.judges.items()}
        return own | ({JURY: "+".join(own.values())} if len(own) > 1 else {})


def voices(settings: Settings) -> tuple[str, ...]:
    """Whose verdicts are kept: every judge's, and the jury's when there are several."""
    names = tuple(settings.judges)
    return (*names, JURY) if len(names) > 1 else names


def speaker(settings: Settings) -> str:
    """Whose verdicts decide: the only judge's, or the jury's."""
    return voices(settings)[-1]


def is_current(series: JudgeSeriesRow, settings: Settings) -> bool:
    """Whether a series is of who decides now, and of a criterion that is judged now."""
    return series.voice == speaker(settings) and series.criterion in settings.criteria
