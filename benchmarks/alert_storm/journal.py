"""What the service has decided and made, as the audit needs it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from alerts.grouping import Group
from alerts.notifier import Message
from alerts.rules import AlertId, State
from detectors.measurement import Segment, Value, Window


@dataclass(frozen=True)
class Change:
    """An alert that began or ended to be active, in which minute, and whether nobody was to be told."""

    minute: int
    alert: AlertId
    after: State
    held: str | None
    at: datetime  # end of the window in which that was read
    reason: str


@dataclass(frozen=True)
class Made:
    """A message that was made: in which minute, at which time of the service's clock, for which group as it was."""

    minute: int
    now: datetime
    group: Group
    message: Message
    unknown: int  # alerts that it newly tells of and that did not fire when it was made
    silenced: int  # alerts that it newly tells of although somebody asked for silence


@dataclass(frozen=True)
class Silenced:
    """A silence that was made: for which services, and between which times of the service's clock."""

    services: str
    start: datetime
    end: datetime

    def holds(self, labels: Mapping[str, str], now: datetime) -> bool:
        """Whether it holds an alert with these labels back."""
        return self.start <= now < self.end and re.fullmatch(self.services, labels.get("service", "")) is not None


@dataclass
class Journal:
    """All of it."""

    changes: list[Change] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    slots: int = 0
    cycles: int = 0
    starts: int = 0
    stale_held: int = 0
    silences: list[Silenced] = field(default_factory=list)
    taken: list[tuple[int, AlertId]] = field(default_factory=list)  # in which minute, which alert
    late_changed: int = 0  # windows that the service has counted as changed
    late_expected: int = 0  # windows whose number was another one when they were decided
    first: dict[tuple[Segment, Window], Value] = field(default_factory=dict)  # that number, where late calls come
