"""The status page: the snapshot as one HTML page that needs neither scripts nor anything from elsewhere."""

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from alerts.rules import ACTIVE, State
from detectors.measurement import NONE, OTHER, Key, Labels, Measured, Reason, Segment, Value
from monitor import formats
from monitor.clean import clean_text
from monitor.page_judge import judge_rows
from monitor.snapshot import AlertStatus, GoldenStatus, Snapshot, TextStatus

PAGES = Path(__file__).parent / "pages"
SHOWN_SEGMENTS = 100  # of a source; all of them are in /metrics and in the JSON


class Column(NamedTuple):
    """A number of the table of segments."""

    title: str
    key: Key
    shown: Callable[[float], str]


COLUMNS: tuple[Column, ...] = (
    Column("Calls", Key.of("calls"), formats.count),
    Column("Errors", Key.of("error_ratio"), formats.percent),
    Column("Latency p50", Key.of("latency_seconds", percentile="50"), formats.seconds),
    Column("Latency p95", Key.of("latency_seconds", percentile="95"), formats.seconds),
    Column("First token p50", Key.of("time_to_first_token_seconds", percentile="50"), formats.seconds),
    Column("First token p95", Key.of("time_to_first_token_seconds", percentile="95"), formats.seconds),
    Column("Tokens in /s", Key.of("tokens_per_second", type="input"), formats.count),
    Column("Tokens out /s", Key.of("tokens_per_second", type="output"), formats.count),
    Column("Cost", Key.of("cost_usd"), formats.dollars),
)

GOLDEN_COLUMNS: tuple[Column, ...] = (
    Column("Embedding distance", Key.of("golden_distance", kind="embedding"), formats.number),
    Column("String distance", Key.of("golden_distance", kind="string"), formats.number),
    Column("p", Key.of("golden_p_value"), formats.number),
    Column("Cost", Key.of("golden_cost_usd"), formats.dollars),
)

# Of the texts of one stream; the labels of the stream and of the baseline come on top.
TEXT_COLUMNS: tuple[Column, ...] = (
    Column("Out of distribution", Key.of("out_of_distribution_ratio"), formats.percent),
    Column("Mix", Key.of("embedding_drift", effect="mix"), formats.number),
    Column("Largest topic change", Key.of("embedding_drift", effect="topic"), formats.percent),
    Column("Drift evidence", Key.of("drift_evidence", channel="all"), formats.number),
)
SHOWN_FINDINGS = 4
SHOWN_REPORTS = 5
SHOWN_EVENTS = 10
SHOWN_MODELS = 20

REASONS = {
    Reason.NO_CALLS: "no such call in the window",
    Reason.NO_VALUES: "no call in the window carries it",
    Reason.MISSING_COLUMN: "the log has no such column",
    Reason.TOO_FEW: "too few calls to say",
    Reason.ERROR: "could not be computed",
}


class Cell(NamedTuple):
    """A number as it is shown, its interval, and what is said when one points at it."""

    title: str
    text: str
    interval: str = ""
    hint: str = ""


class SegmentRow(NamedTuple):
    """One line of the table of segments."""

    name: str
    end: datetime
    cells: tuple[Cell, ...]


class SourceTable(NamedTuple):
    """The newest numbers of one source; `more` counts the segments that are left out."""

    source: str
    rows: tuple[SegmentRow, ...]
    more: int


class TextRow(NamedTuple):
    """One line of the table of texts."""

    stream: str
    place: str
    phase: str
    learnt: str
    past: str
    problem: str
    cells: tuple[Cell, ...]
    findings: tuple[str, ...]
    end: datetime | None


def render_page(snapshot: Snapshot, now: datetime, version: str) -> str:
    """The page as it stands at `now`."""
    health: list[tuple[str, str]] = [(source.name, source.state) for source in snapshot.sources]
    health += [(channel.name, channel.state) for channel in snapshot.channels]
    return (
        _environment()
        .get_template("status.html")
        .render(
            snapshot=snapshot,
            now=now,
            version=version,
            tables=_tables(snapshot.windows),
            texts=[_text_row(text) for text in snapshot.texts],
            reports=snapshot.reports[:SHOWN_REPORTS],
            golden=snapshot.golden,
            golden_cells=_golden_cells(snapshot.golden),
            judge=snapshot.judge,
            judge_rows=judge_rows(snapshot.judge),
            events=snapshot.events[:SHOWN_EVENTS],
            models=snapshot.models[:SHOWN_MODELS],
            titles=[column.title for column in COLUMNS],
            active=[alert for alert in snapshot.alerts if alert.state in ACTIVE],
            alerts=sorted(snapshot.alerts, key=_urgency),
            troubled=[name for name, state in health if state in ("failing", "silent")],
        )
    )


def render(template: str, **shown: object) -> str:
    """Another page in the same style."""
    return _environment().get_template(template).render(**shown)


@cache
def style() -> str:
    """The page's style sheet."""
    return (PAGES / "style.css").read_text(encoding="utf-8")


@cache
def style_hash() -> str:
    """The source expression that lets a browser apply the style sheet, and no other style, under a content policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["style"] = Markup(style())
    environment.filters.update(
        ago=formats.ago,
        clock=formats.clock,
        count=formats.count,
        dollars=formats.dollars,
        duration=formats.duration,
        number=formats.number,
        place=place,
        text=lambda text: clean_text(text, 500),
    )
    return environment


def place(segment: Segment, labels: Labels = ()) -> str:
    """A segment, and labels of a measurement, in words."""
    words = [_words(column, value) for column, value in segment.labels] + [f"{name} {value}" for name, value in labels]
    return clean_text(" · ".join(words), 300) or "all calls"


def _words(column: str, value: str) -> str:
    name = column.replace("_", " ")
    if value in (OTHER, NONE):
        return f"{'other' if value == OTHER else 'no'} {name}"
    return value if column in ("service", "model") else f"{name} {value}"


def _urgency(alert: AlertStatus) -> tuple[Any, ...]:
    states = [State.FIRING, State.ERROR, State.NO_DATA, State.PENDING]
    severities = ["critical", "error", "warning", "info"]
    return states.index(alert.state) if alert.state in states else 9, severities.index(alert.severity), alert.rule


def _tables(windows: tuple[Measured, ...]) -> list[SourceTable]:
    tables = []
    ordered = sorted(windows, key=lambda row: (row.source, len(row.segment.labels), -_calls(row), row.segment))
    for source, group in groupby(ordered, key=lambda row: row.source):
        rows = list(group)
        shown = tuple(_segment_row(row) for row in rows[:SHOWN_SEGMENTS])
        tables.append(SourceTable(source, shown, len(rows) - len(shown)))
    return tables


def _calls(row: Measured) -> float:
    calls = row.values.get(Key.of("calls"))
    return (calls.value or 0) if calls else 0


def _segment_row(row: Measured) -> SegmentRow:
    return SegmentRow(
        place(row.segment), row.window.end, tuple(_cell(column, row.values.get(column.key)) for column in COLUMNS)
    )


def _golden_cells(status: GoldenStatus | None) -> list[Cell]:
    values = status.measured.values if status is not None and status.measured is not None else {}
    return [_cell(column, values.get(column.key)) for column in GOLDEN_COLUMNS]


def _text_row(status: TextStatus) -> TextRow:
    measured = status.measured
    values = {} if measured is None else measured.values
    labels = (("baseline", status.against), ("stream", status.stream))
    cells = [
        _cell(each, values.get(Key(each.key.name, tuple(sorted((*each.key.labels, *labels)))))) for each in TEXT_COLUMNS
    ]
    learnt = f"{min(status.have_days, status.wanted_days):.0f} of {status.wanted_days:.0f} days to learn from"
    if status.fitted_from is not None and status.fitted_until is not None:
        span = f"{status.fitted_from:%Y-%m-%d} to {status.fitted_until:%Y-%m-%d}"
        learnt = f"{status.against}, {span}, {(status.baseline or '')[:8]}"
    return TextRow(
        stream=status.stream.replace("_", " ") + "s",
        place=clean_text(f"{status.source} · {place(status.segment)}", 300),
        phase=status.phase,
        learnt=learnt,
        past=status.past,
        problem=clean_text(status.problem, 300),
        cells=tuple(cells),
        findings=tuple(clean_text(each, 120) for each in status.findings[:SHOWN_FINDINGS]),
        end=None if measured is None else measured.window.end,
    )


def _cell(column: Column, value: Value | None) -> Cell:
    if value is None:
        return Cell(column.title, "–", hint="not measured")
    if value.value is None:
        return Cell(column.title, "–", hint=REASONS[value.reason or Reason.ERROR])
    interval = ""
    if value.lower is not None and value.upper is not None:
        interval = f"{column.shown(value.lower)} to {column.shown(value.upper)}"
    return Cell(column.title, column.shown(value.value), interval, "" if value.n is None else f"n = {value.n:,}")
