"""One sample of a series as the value that a window has."""

from alerts.conditions.statistic import statistic_of
from detectors.intervals import wilson_of
from detectors.measurement import Key, Reason, Value
from monitor.rules_test.file import InputSeries
from monitor.rules_test.notation import Sample, Samples


def value_of(series: InputSeries, key: Key, sample: Sample, number: int) -> Value:
    """The value with what stands behind it: a ratio of `n` calls has the interval that measuring would give it.

    Args:
        series: of the sample.
        key: what is measured.
        sample: the number, or why there is none.
        number: of the window, for the series of what stands behind it.
    """
    n, lower, upper = (_beside(samples, number) for samples in (series.n, series.lower, series.upper))
    calls = None if n is None else round(n)
    if isinstance(sample, Reason):
        return Value(None, n=calls, reason=sample)
    if calls and series.lower is series.upper is None and statistic_of(key) == "ratio" and 0 <= sample <= 1:
        lower, upper = wilson_of(sample * calls, calls)
    return Value(sample, lower, upper, calls)


def value_at(series: InputSeries, key: Key, number: int) -> Value:
    """The value of one window; after its end a series has none."""
    samples = series.values
    sample: Sample = samples[number] if 0 <= number < len(samples) else Reason.NO_CALLS
    return value_of(series, key, sample, max(number, 0))


def _beside(samples: Samples | None, number: int) -> float | None:
    """The sample of a series that goes on with its last one."""
    found = None if samples is None else samples[min(number, len(samples) - 1)]
    return None if isinstance(found, Reason) else found
