"""`backtest`: how often each rule would have fired on your own history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import orjson
from rich.table import Table
from rich.text import Text

from alerts.levels import spelled
from config.alerts import Rule
from config.load import Loaded
from config.types import parse_duration
from config.words import choose, shown
from detectors.embedder import EmbeddingError
from monitor import formats
from monitor.backtest import Result
from monitor.backtest import backtest as count
from monitor.commands.common import CommandError, console, explain, load_or_explain, write_metrics
from monitor.daemon import clock
from monitor.sources.base import SourceError
from monitor.store.database import StoreError
from monitor.suggestion import Suggestion, Wish
from monitor.textfile import Figure, last_run


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wrote: how much of the past, which rules, how many alerts are wished for, a file for metrics."""

    last: str
    rules: tuple[str, ...]
    wish: str
    metrics: Path | None = None


def backtest(config: Path, asked: Asked, *, as_json: bool) -> int:
    """Prints a line for each rule."""
    now = clock()
    try:
        loaded = load_or_explain(config)
        rules = _rules(loaded, asked.rules)
        wish = Wish.parse(asked.wish) if asked.wish else None
        span = now - _length(asked.last), now
        results = list(count(loaded, rules, span, now, wish))
        if asked.metrics is not None:
            _write(asked.metrics, results, now)
    except (CommandError, SourceError, StoreError, EmbeddingError, ValueError, OverflowError) as error:
        return explain(error)
    if as_json:
        for each in results:
            print(orjson.dumps(each.as_json()).decode())
    else:
        show(results, loaded)
    return 0


def _write(path: Path, results: Sequence[Result], now: datetime) -> None:
    """What each rule did, as metrics."""
    start, end = results[0].span
    figures = [
        last_run("backtest", now),
        Figure("backtest_seconds", "How much of the past was looked at.", "", {"": (end - start).total_seconds()}),
        Figure(
            "backtest_alerts",
            "How often the rule would have fired.",
            "rule",
            {each.rule: len(each.fired) for each in results},
        ),
        Figure(
            "backtest_firing_seconds", "How long in all.", "rule", {each.rule: sum(each.durations) for each in results}
        ),
        Figure(
            "backtest_unread",
            "1 where the rule has read nothing, so that no alert means nothing.",
            "rule",
            {each.rule: float(bool(each.unread)) for each in results},
        ),
    ]
    write_metrics(path, figures)


def _rules(loaded: Loaded, names: Sequence[str]) -> list[str]:
    known = loaded.settings.rules
    if not known:
        raise CommandError(f"{loaded.path}: no rule is configured: see watchkeeper rules library")
    for name in names:
        if name not in known:
            raise CommandError(f"unknown rule {shown(name)}: {choose(name, known)}")
    return list(names or known)


def _length(text: str) -> timedelta:
    try:
        length = parse_duration(text)
    except ValueError as error:
        raise CommandError(f"--last: {error}") from None
    if length <= timedelta(0):
        raise CommandError("--last must be longer than 0s: write 28d")
    return length


def show(results: Sequence[Result], loaded: Loaded) -> None:
    """Prints a table of what each rule would have done, and what is suggested."""
    start, end = results[0].span
    console.print(f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC, by the rules as they are now; nobody is told")
    table = Table("rule", "alerts", "per 7d", "fired for", "median", "longest", "remarks")
    for each in results:
        lasted = each.durations
        cells = [str(len(lasted)), f"{each.per_week:.3g}"]
        cells += (
            [formats.duration(value) for value in (sum(lasted), median(lasted), max(lasted))] if lasted else [""] * 3
        )
        table.add_row(*map(Text, (each.rule, *cells, _remarks(each))))
    console.print(table)
    for each in results:
        if each.suggestion is not None:
            console.print(Text(_suggested(each, each.suggestion, loaded.settings.rules[each.rule])))


def _remarks(result: Result) -> str:
    facts = result.as_json()
    words = {
        "still_firing": "still firing",
        "without_data": "without data",
        "broken": "could not be evaluated",
    }
    said = [f"{facts[name]} {text}" for name, text in words.items() if facts[name]]
    places = facts["places"]
    spread = [f"in {places} places"] if isinstance(places, int) and places > 1 else []
    return ", ".join([*spread, *said, *([result.unread] if result.unread else [])])


def _suggested(result: Result, found: Suggestion, rule: Rule) -> str:
    if found.level is None:
        return f"{result.rule}: no threshold is suggested: {found.why}"
    clear = "" if found.clear is None else f", clear: {found.clear:.6g}"
    said = (
        f"{result.rule}: for {found.wish}: {spelled(rule, found.level)}{clear} would have given {found.alerts} alerts"
        " in this very span. It was chosen on these numbers (in sample), so the future will differ."
    )
    if found.checked is not None:
        level, alerts = found.checked
        said += f" Chosen on the first half alone ({spelled(rule, level)}), it gives {alerts} in the second half."
    return said
