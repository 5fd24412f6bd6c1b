"""What kind of number a measurement is: which interval it has, and how windows of it become one.

The names are those of the catalogue of measurements; a test compares the two.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import Literal

from detectors.intervals import Z, poisson_of, wilson_of
from detectors.measurement import Key, Value

Statistic = Literal["count", "rate", "total", "total_rate", "ratio", "mean", "percentile"]

COUNTS = ("calls", "failed_calls", "traces", "feedbacks")
_RATES = ("calls_per_second", "traces_per_second")
_TOTALS = ("tokens", "cost_usd")
_TOTAL_RATES = ("tokens_per_second",)
# Ratios of which the failures are the rest.
GOOD_RATIOS = ("success_ratio", "trace_success_ratio", "feedback_positive_ratio")


def statistic_of(key: Key) -> Statistic:
    """What kind of number a measurement is."""
    for names, statistic in ((COUNTS, "count"), (_RATES, "rate"), (_TOTALS, "total"), (_TOTAL_RATES, "total_rate")):
        if key.name in names:
            return statistic  # type: ignore[return-value]
    if key.name.endswith("_ratio"):
        return "ratio"
    return "mean" if dict(key.labels).get("percentile", "mean") == "mean" else "percentile"


def has_interval(key: Key) -> bool:
    """Whether a measurement has an interval, its own or that of a Poisson count."""
    return statistic_of(key) in ("count", "rate", "ratio", "mean")


def with_interval(value: Value, key: Key, length_s: float) -> Value:
    """The value with its interval; a count has that of a Poisson count.

    That is the noise of counting alone: traffic that comes in bursts varies more.
    """
    statistic = statistic_of(key)
    if value.value is None or value.lower is not None or statistic not in ("count", "rate"):
        return value
    unit = 1.0 if statistic == "count" else length_s
    lower, upper = poisson_of(max(0.0, value.value * unit))
    return replace(value, lower=lower / unit, upper=upper / unit)


def pooled(values: Sequence[Value], key: Key, length_s: float) -> Value | None:
    """Windows of one length as one, with its interval; None where that cannot be said.

    Counts, rates and totals become the mean of a window, ratios and means are weighed by what they are based on. One
    window stays as it is; percentiles of several are no percentile of all.

    Args:
        values: of windows that have a value.
        key: what was measured.
        length_s: of each window.
    """
    known = [each for each in values if each.value is not None]
    if len(known) <= 1:
        return with_interval(known[0], key, length_s) if known else None
    statistic = statistic_of(key)
    if statistic == "percentile":
        return None
    if statistic in ("ratio", "mean"):
        return _weighed(known, statistic)
    mean = sum(each.value or 0.0 for each in known) / len(known)
    together = Value(mean, n=sum(each.n or 0 for each in known))
    if statistic in ("total", "total_rate"):
        return together
    unit = len(known) * (length_s if statistic == "rate" else 1.0)
    lower, upper = poisson_of(max(0.0, mean * unit))
    return replace(together, lower=lower / unit, upper=upper / unit)


def _weighed(known: Sequence[Value], statistic: Statistic) -> Value | None:
    """Ratios or means as one."""
    n = sum(each.n or 0 for each in known)
    if not n:
        return None
    mean = sum((each.value or 0.0) * (each.n or 0) for each in known) / n
    if statistic == "ratio":
        return Value(mean, *wilson_of(mean * n, n), n)
    half = sqrt(sum(((each.n or 0) * _half(each)) ** 2 for each in known)) / n
    return Value(mean, mean - half, mean + half, n)


def _half(value: Value) -> float:
    """Half of the interval of a mean; one call alone has none, and its whole size stands for it."""
    if value.lower is None or value.upper is None:
        return Z * abs(value.value or 0.0)
    return (value.upper - value.lower) / 2
