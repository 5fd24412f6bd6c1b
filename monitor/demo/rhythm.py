"""The rhythm of the customers: how many write, and about what, over the day and the week."""

from bisect import bisect
from datetime import datetime
from functools import cache
from itertools import accumulate

from monitor.demo.dice import Dice
from monitor.demo.topics import TOPICS
from monitor.demo.topics.topic import Topic

# Conversations a minute on an average weekday; about 3 calls each.
CONVERSATIONS_PER_MINUTE = 1.1
WEEKEND = 0.6

# Relative to the mean of a day, by hour (UTC): a night, a day of office hours, an evening on the sofa; 4 to 1.
_HOURS = (
    *(0.54, 0.45, 0.39, 0.38, 0.39, 0.48, 0.68, 0.92, 1.12, 1.27, 1.35, 1.33),
    *(1.26, 1.22, 1.20, 1.18, 1.20, 1.27, 1.38, 1.49, 1.52, 1.37, 1.06, 0.76),
)
_MEAN = sum(_HOURS) / len(_HOURS)


def conversations_per_minute(at: datetime, seed: int) -> float:
    """The expected number of conversations that begin in the minute at `at`."""
    position = at.hour + at.minute / 60 - 0.5
    hour, part = int(position // 1), position % 1
    daily = _HOURS[hour % 24] * (1 - part) + _HOURS[(hour + 1) % 24] * part
    weekly = WEEKEND if _is_weekend(at) else 1.0
    return CONVERSATIONS_PER_MINUTE * daily / _MEAN * weekly * _day_factor(seed, at.toordinal())


def pick_topic(dice: Dice, at: datetime) -> Topic:
    """What a conversation that begins at `at` is about."""
    bounds = _bounds(at.hour, _is_weekend(at))
    return TOPICS[bisect(bounds, dice.random() * bounds[-1])]


def _is_weekend(at: datetime) -> bool:
    return at.weekday() >= 5


@cache
def _bounds(hour: int, weekend: bool) -> tuple[float, ...]:
    return tuple(accumulate(topic.weight_at(hour, weekend) for topic in TOPICS))


@cache
def _day_factor(seed: int, day: int) -> float:
    """No two Tuesdays are equal."""
    return Dice(seed, "day", day).spread(1.0, 0.05)
