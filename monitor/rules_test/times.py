"""The times of a test: how long the windows of a series are, when something is looked at, and when it ends."""

from collections.abc import Iterator
from datetime import timedelta
from math import gcd

from config.settings import Settings
from detectors.judge_catalogue import JUDGED_BY_NAME
from detectors.text_catalogue import TEXTS_BY_NAME
from monitor.rules_test.file import InputSeries, RuleTest

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def is_of_texts(series: InputSeries) -> bool:
    """Whether a series is of texts."""
    return series.measure in TEXTS_BY_NAME


def is_judged(series: InputSeries) -> bool:
    """Whether a series is what a judge says."""
    return series.measure in JUDGED_BY_NAME


def is_of_traffic(series: InputSeries) -> bool:
    """Whether a series has a value a base window."""
    return not is_of_texts(series) and not is_judged(series)


def length_of(series: InputSeries, settings: Settings) -> timedelta:
    """From one value of a series to the next."""
    if is_of_texts(series):
        return series.over or settings.text.window or HOUR
    return judged_length(settings) if is_judged(series) else settings.window


def judged_length(settings: Settings) -> timedelta:
    """The length of judged windows; unset it is that of text windows, as in the service."""
    return (settings.judge and settings.judge.window) or settings.text.window or HOUR


def test_end(test: RuleTest, settings: Settings) -> timedelta:
    """The last moment of a test, after its first value."""
    lasts = ((len(each.values) - 1) * length_of(each, settings) for each in test.series)
    return max([*lasts, test.until or timedelta(0)])


def step_of(test: RuleTest, settings: Settings) -> timedelta:
    """How often one looks: every base window, where nothing happens between two windows of texts less often."""
    if test.events or any(map(is_of_traffic, test.series)):
        return settings.window
    return gcd(*(length_of(each, settings) // SECOND for each in test.series)) * SECOND


def ends(test: RuleTest, settings: Settings) -> Iterator[timedelta]:
    """When one looks, after the first value, at which the first look is."""
    step = step_of(test, settings)
    for number in range(test_end(test, settings) // step + 1):
        yield number * step
