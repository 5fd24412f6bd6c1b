"""Silences: somebody asked that some alerts say nothing new until a moment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.matchers import all_match, matches
from config.matchers import Matcher


@dataclass(frozen=True, slots=True)
class Silence:
    """What is silent, from when until when, and who wants that for which reason."""

    id: int
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    author: str
    reason: str

    def holds(self, now: datetime) -> bool:
        """Whether it is on at a moment."""
        return self.starts_at <= now < self.ends_at


def check(matchers: Sequence[Matcher]) -> None:
    """Refuses matchers that every alert fits, also one without any label.

    Raises:
        ValueError: with what to do about it.
    """
    if all(matches(each, {}) for each in matchers):
        raise ValueError(
            "these matchers fit every alert: add one that names a value, such as rule=errors or source=app"
        )


def silencing(labels: Mapping[str, str], silences: Iterable[Silence]) -> Silence | None:
    """The silence that holds an alert back longest, of those that are given; None when there is none."""
    found = [each for each in silences if all_match(each.matchers, labels)]
    return max(found, key=lambda each: (each.ends_at, -each.id), default=None)
