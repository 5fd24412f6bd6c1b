"""What `watchkeeper judge cost` does: the price of a day, before it is spent."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from config.types import parse_duration
from detectors.judge.criterion import CriterionError
from monitor import formats
from monitor.clean import clean_text
from monitor.commands.common import CommandError, console, explain, load_or_explain
from monitor.daemon import clock
from monitor.evaluate.dry_run import DryRun, dry_run
from monitor.evaluate.values import EvaluationError
from monitor.labels.criteria import known_criteria
from monitor.opening import has_live_store, open_house
from monitor.report.plain import plain
from monitor.sources.base import SourceError
from monitor.store.database import StoreError


def cost(config: Path, last: str, *, as_json: bool) -> int:
    """Says what the judge would have cost on the last stretch of the log; asks nobody, keeps nothing."""
    try:
        try:
            length = parse_duration(last)
        except ValueError as error:
            raise CommandError(f"--last: {error}") from None
        if not length:
            raise CommandError("--last: must be longer than 0s")
        loaded = load_or_explain(config)
        if not has_live_store(loaded):
            raise CommandError("nothing has been read yet: start the service first (watchkeeper run)")
        house = open_house(loaded)
        try:
            made = dry_run(house, known_criteria(house), length, clock())
        finally:
            house.close()
    except (CommandError, CriterionError, EvaluationError, SourceError, StoreError) as error:
        return explain(error)
    if as_json:
        print(json.dumps(_as_json(made), ensure_ascii=False))
    else:
        _show(made)
    return 0


def _as_json(made: DryRun) -> dict[str, Any]:
    found: dict[str, Any] = plain(asdict(made))
    return found | {"affordable": made.affordable}


def _show(made: DryRun) -> None:
    for each in made.sources:
        span = f"{each.window.start:%Y-%m-%d %H:%M} to {each.window.end:%Y-%m-%d %H:%M}"
        head = f"{each.source}, {span}: {len(each.drawn):,} of {each.calls:,} calls with an answer would be judged"
        console.print(Text(clean_text(head, 300), style="bold"))
        table = Table("judge", "criterion", "questions", "tokens in", "tokens out", "likely", "at most")
        for price in each.prices:
            counts = [f"{count:,}" for count in (price.questions, price.tokens_in, price.tokens_out)]
            dollars = [formats.dollars(price.likely_usd), formats.dollars(price.most_usd)]
            table.add_row(*map(Text, (price.judge, price.criterion, *counts, *dollars)))
        console.print(table)
        if each.read < len(each.drawn):
            console.print(Text(f"prices are those of the first {each.read:,} of them"))
        if each.unasked:
            console.print(Text(f"{each.unasked:,} questions need no judge, or lack a text"))
        for segment in each.starved:
            console.print(Text(clean_text(f"too few verdicts: {segment}", 300), style="yellow"))
    month = "" if made.budget_month is None else f", {formats.dollars(made.budget_month)} a month"
    budgets = f"the budget is {formats.dollars(made.budget_day)} a day{month}"
    likely, most = formats.dollars(made.day_usd), formats.dollars(made.most_usd)
    console.print(Text(f"a day: about {likely}, at most {most}; {budgets}"))
    if made.affordable < 1:
        text = f"it is enough for {formats.percent(made.affordable)} of these calls; fewer are drawn then"
        console.print(Text(text, style="yellow"))
    console.print(Text("pairs and canaries come on top; nobody was asked"))
