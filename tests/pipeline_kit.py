"""The pipeline without a service: alerts fire and end, time passes, and what is said is written down."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.digest import claims
from alerts.grouping import Group, Way, group_key, identity, renewed
from alerts.notifier import AlertView, Message
from alerts.pipeline import run
from alerts.steps import Moment
from alerts.verdicts import Verdict

START = datetime(2026, 3, 5, 12, tzinfo=UTC)  # a Thursday
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def a_view(rule: str = "errors", state: Any = "firing", since: datetime = START, **labels: str) -> AlertView:
    """One alert as a person reads it."""
    own = {"severity": "warning", "rule": rule, "source": "app"} | labels
    return AlertView(own, f"{rule} is high", state, since, value=0.9)


@dataclass
class Stage:
    """One receiver, and what it was told. `at` is the time that has come."""

    way: Way = field(default_factory=Way)
    group_by: list[str] | None = None
    around: Moment = field(default_factory=lambda: Moment(START))
    at: datetime = START
    groups: dict[str, Group] = field(default_factory=dict)
    said: list[tuple[datetime, Message]] = field(default_factory=list)
    verdicts: list[tuple[datetime, Verdict]] = field(default_factory=list)

    def look(self, *firing: AlertView, after: timedelta = timedelta(0)) -> list[str]:
        """Lets time pass, and looks at what fires then; what is said, in words."""
        self.at += after
        before = len(self.said)
        done = run(self._gathered(firing), self._moment(), self.at)
        self.groups = {key: group for key, group in done.groups.items() if not group.is_idle or group.told_at}
        self.said += [(self.at, message) for _, message in done.messages]
        self.verdicts += [(self.at, verdict) for verdict in done.verdicts]
        return [f"{message.action} {message.title}" for _, message in self.said[before:]]

    def outcomes(self) -> list[str]:
        """What was written down, in order."""
        return [verdict.outcome.value for _, verdict in self.verdicts]

    def _moment(self) -> Moment:
        silences = [each for each in self.around.silences if each.holds(self.at)]
        return replace(self.around, now=self.at, ways={"slack": self.way}, silences=silences)

    def _gathered(self, firing: Iterable[AlertView]) -> dict[str, Group]:
        joined = claims(self.groups.values())
        views: dict[str, list[AlertView]] = {key: [] for key in self.groups}
        for view in firing:
            own = group_key("slack", view.labels, self.group_by)
            views.setdefault(joined.get(("slack", identity(view.labels)), own), []).append(view)
        return {
            key: renewed(self.groups.get(key) or Group(key, "slack"), found, self.at, {})
            for key, found in views.items()
        }
