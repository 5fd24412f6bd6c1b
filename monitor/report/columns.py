"""Other columns of the sampled calls: in which segments, how long, how large."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from config.calls import GROUPING_COLUMNS
from detectors.derived import ended_between
from detectors.engine import fetch
from detectors.sampling import Sample
from monitor.reading.sitting import Sitting

NUMBERS = ("latency_s", "ttft_s", "input_tokens", "output_tokens", "cost_usd")

Columns = dict[str, list[Any]]


def there(sitting: Sitting, names: Sequence[str]) -> tuple[str, ...]:
    """Those of the columns that the source has."""
    return tuple(name for name in names if name in sitting.watched.source.columns)


def columns_of(sitting: Sitting, sample: Sample) -> Columns:
    """The grouping columns and numbers of each call of a sample, in its order; None where the log does not say."""
    names = there(sitting, (*GROUPING_COLUMNS, *NUMBERS))
    if not names or not sample.ids:
        return {name: [None] * len(sample.ids) for name in names}
    watched = sitting.watched
    with watched.using:
        window, longest = sample.window, watched.settings.max_duration
        calls = ended_between(watched.source, window.start, window.end, longest, ("id", *names))
        frame = fetch(calls.filter(calls.id.isin(list(sample.ids))).select("id", *names))
    rows = {str(key): row for row, key in enumerate(frame["id"])}
    places = [rows.get(each) for each in sample.ids]
    return {name: [None if at is None else _known(frame[name].iloc[at]) for at in places] for name in names}


def _known(value: Any) -> Any:
    return None if pd.isna(value) else value
