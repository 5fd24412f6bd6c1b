"""Evidently's report of the same window, and what the thresholds of its methods mean; the only door to Evidently."""

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from detectors.descriptors import FLAGS, NUMBERS, describe
from detectors.language import language
from monitor.clean import clean_text
from monitor.report.picture import Axes
from monitor.report.thresholds import EMBEDDINGS, UNUSED, is_p_value, meaning, name
from monitor.report.values import Evidently, Method, Result

if TYPE_CHECKING:
    import pandas as pd

COMPONENTS = 32  # Evidently's methods take each dimension for itself, or a classifier over all
LEAST = 50
MOST = 1_000  # texts of a side: its pictures take quadratic time
LANGUAGE = "language"
LOG_NUMBERS = ("latency_s", "ttft_s", "input_tokens", "output_tokens", "cost_usd")
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Side:
    """The texts of one side.

    Attributes:
        texts: n of them.
        vectors: (n, d).
        numbers: of their calls, by column of the log; None where it does not say.
    """

    texts: Sequence[str]
    vectors: NDArray[np.floating]
    numbers: Mapping[str, Sequence[float | None]]

    def first(self) -> "Side":
        """The texts that Evidently sees: a sample is in order of its hash, so any beginning is a sample."""
        numbers = {name: values[:MOST] for name, values in self.numbers.items()}
        return Side(self.texts[:MOST], self.vectors[:MOST], numbers)


def compare(before: Side, now: Side, reservoir: NDArray[np.floating]) -> Evidently:
    """Evidently's page and its numbers; a failure of Evidently is a sentence, never an error.

    Args:
        before: texts of the baseline's own stretch.
        now: texts of the window.
        reservoir: (m, d) of the baseline, whose principal components the embeddings are reduced to.
    """
    before, now = before.first(), now.first()
    sizes = len(before.texts), len(now.texts)
    if min(sizes) < LEAST:
        return Evidently(
            *sizes, (), problem=f"Evidently needs {LEAST} texts on both sides; there are {sizes[0]} and {sizes[1]}."
        )
    axes = Axes(reservoir, COMPONENTS)
    try:
        methods, html = _run(_frame(before, axes), _frame(now, axes))
    except Exception as error:
        return Evidently(*sizes, (), problem=f"Evidently failed: {type(error).__name__}: {clean_text(str(error), 200)}")
    return Evidently(*sizes, tuple(methods), html=html)


def of_embeddings(before: NDArray[np.floating], now: NDArray[np.floating]) -> tuple[tuple[Method, ...], str]:
    """The four methods over embeddings alone, in the order of `EMBEDDINGS`; none where the sentence says why.

    Args:
        before: (m, d), of which the first 1,000 are read; they are reduced to the principal components of both sides.
        now: (n, d), likewise.
    """
    before, now = before[:MOST], now[:MOST]
    if min(len(before), len(now)) < LEAST:
        return (), f"Evidently needs {LEAST} texts on both sides; there are {len(before)} and {len(now)}."
    import pandas as pd

    axes = Axes(np.concatenate([before, now]), COMPONENTS)
    frames = [pd.DataFrame(axes(side)).rename(columns="e{}".format) for side in (now, before)]
    os.environ["DO_NOT_TRACK"] = "1"
    try:
        with _quiet():
            return tuple(_embeddings(*frames)), ""
    except Exception as error:
        return (), f"Evidently failed: {type(error).__name__}: {clean_text(str(error), 200)}"


def of_embedding(kind: str, before: NDArray[np.floating], now: NDArray[np.floating]) -> Result:
    """One of the methods of `EMBEDDINGS` by its name, over (m, d) and (n, d) embeddings as they are."""
    import pandas as pd

    frames = [pd.DataFrame(side).rename(columns="e{}".format) for side in (now, before)]
    os.environ["DO_NOT_TRACK"] = "1"
    with _quiet():
        return _embedding(kind, *frames)


def _frame(side: Side, axes: Axes) -> "pd.DataFrame":
    """A row a text: descriptors, language, numbers of the log, embedding. Nothing that a log wrote as text is in it."""
    import pandas as pd

    described = describe(side.texts)
    columns: dict[str, Any] = {name: described[name] for name in NUMBERS}
    for flag in FLAGS:
        if flag in described:
            columns[flag] = np.where(np.isnan(described[flag]), UNKNOWN, np.where(described[flag] > 0, "yes", "no"))
    columns[LANGUAGE] = [each or UNKNOWN for each in language(side.texts)]
    for number, values in side.numbers.items():
        columns[number] = np.array([np.nan if each is None else each for each in values])
    embedding = axes(side.vectors)
    columns |= {f"e{row}": component for row, component in enumerate(embedding.T)}
    return pd.DataFrame(columns)


def _varied(before: "pd.DataFrame", now: "pd.DataFrame", names: Sequence[str]) -> list[str]:
    """The columns that both sides have and that hold more than one value: of others there is no test."""
    import pandas as pd

    def enough(column: str) -> bool:
        known = [side[column].dropna() for side in (before, now)]
        return min(map(len, known)) >= LEAST and pd.concat(known).nunique() > 1

    return [each for each in names if each in before and each in now and enough(each)]


def _run(before: "pd.DataFrame", now: "pd.DataFrame") -> tuple[list[Method], str]:
    os.environ["DO_NOT_TRACK"] = "1"  # before the import: Evidently tells its makers of each use otherwise
    with _quiet():
        from evidently import DataDefinition, Dataset, Report
        from evidently.metrics import EmbeddingsDrift, ValueDrift
        from evidently.metrics.embeddings import ModelDriftMethod
        from evidently.presets import DataDriftPreset

        numbers = _varied(before, now, (*NUMBERS, *LOG_NUMBERS))
        kinds = _varied(before, now, (*FLAGS, LANGUAGE))
        vectors = [f"e{row}" for row in range(COMPONENTS) if f"e{row}" in now]
        definition = DataDefinition(numerical_columns=numbers, categorical_columns=kinds, embeddings={"texts": vectors})
        sides = [Dataset.from_pandas(side[[*numbers, *kinds, *vectors]], definition) for side in (now, before)]
        shown = [EmbeddingsDrift(embeddings_name="texts", drift_method=ModelDriftMethod())]
        if numbers or kinds:
            shown.insert(0, DataDriftPreset(columns=[*numbers, *kinds], num_method="ks"))
        other = [ValueDrift(column=each, method=method) for method in ("wasserstein", "psi") for each in numbers]
        other += [ValueDrift(column=each, method="jensenshannon") for each in kinds]
        snapshots = [Report(metrics).run(*sides) for metrics in (shown, other) if metrics]
        found = [each for snapshot in snapshots for each in snapshot.dict()["metrics"]]
        methods = [*_methods(found), *_embeddings(now[vectors], before[vectors]), *UNUSED]
        return methods, str(snapshots[0].get_html_str(as_iframe=False))


class _quiet:  # noqa: N801 - it reads as the function that it is
    """Evidently's randomness seeded, that of others left as it was; its libraries' warnings not shown."""

    def __enter__(self) -> None:
        self._state = np.random.get_state()
        np.random.seed(0)
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, *error: object) -> None:
        self._warnings.__exit__(*error)  # type: ignore[arg-type]
        np.random.set_state(self._state)


def _methods(metrics: Sequence[Mapping[str, Any]]) -> Iterator[Method]:
    """The columns by method."""
    by: dict[tuple[str, float], list[Result]] = {}
    for metric in metrics:
        config, value = metric["config"], metric["value"]
        if "method" in config and isinstance(value, int | float | np.floating):
            limit = float(config["threshold"])
            drifted = bool(value < limit) if is_p_value(config["method"]) else bool(value >= limit)
            by.setdefault((config["method"], limit), []).append(Result(config["column"], float(value), drifted))
    for (method, limit), results in by.items():
        sign = "<" if is_p_value(method) else "≥"
        yield Method(name(method), f"{sign} {limit:g}", meaning(method), tuple(results))


def _embeddings(now: "pd.DataFrame", before: "pd.DataFrame") -> Iterator[Method]:
    for kind, title, threshold, means in EMBEDDINGS:
        yield Method(title, threshold, means, (_embedding(kind, now, before),))


def _embedding(kind: str, now: "pd.DataFrame", before: "pd.DataFrame") -> Result:
    from evidently.metrics import embeddings

    # Copies: the classifier writes a column into what it is given.
    value, drifted, _ = getattr(embeddings, kind)()(now.copy(), before.copy())
    return Result("embeddings", float(value), bool(drifted))
