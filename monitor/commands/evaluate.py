"""`watchkeeper evaluate`: offline evaluation. What it needs is loaded when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from monitor.commands.options import DEFAULT, Config


def evaluate(  # noqa: PLR0913, PLR0917 - one for each option
    dataset: Annotated[
        Path | None,
        typer.Argument(help="CSV or JSONL with prompt, response, …; without it calls of the log."),
    ] = None,
    config: Config = DEFAULT,
    criterion: Annotated[
        list[str] | None, typer.Option(help="What is judged; may be repeated. Unset is judge.criteria.")
    ] = None,
    check: Annotated[
        list[str] | None,
        typer.Option(help="Without a judge: exact, regex:…, json, schema:FILE, levenshtein>=0.9, embedding, …"),
    ] = None,
    pairs: Annotated[
        list[str] | None, typer.Option(help="Which of two answers is better by this criterion; may be repeated.")
    ] = None,
    first: Annotated[
        str, typer.Option(help="Pairs of the log: model=gpt-4o, or another column; with --second, on equal prompts.")
    ] = "",
    second: Annotated[str, typer.Option(help="What the first is compared with: model=gpt-4o-mini.")] = "",
    alike: Annotated[
        float | None,
        typer.Option(min=0.5, max=1, help="Pair prompts too whose embeddings have this cosine: 0.9."),
    ] = None,
    endpoint: Annotated[
        str, typer.Option(help="Ask this one of evaluate.endpoints for new answers; pairs compare them with the old.")
    ] = "",
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Requests to the endpoint at a time.")] = 4,
    start: Annotated[str, typer.Option("--from", help="Calls of the log: start in event time, or an age: 7d.")] = "",
    to: Annotated[str, typer.Option("--to", help="End in event time; unset is now.")] = "",
    source: Annotated[str, typer.Option(help="Of this source.")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(help="out_of_distribution, negative_feedback, new_topic, error, or model=gpt-4o."),
    ] = None,
    sample: Annotated[int, typer.Option(min=1, max=20_000, help="Calls of the log at most, drawn by hash.")] = 200,
    most_usd: Annotated[float, typer.Option(min=0, help="US dollars that the whole run may cost.")] = 1.0,
    into: Annotated[
        Path, typer.Option(help="Folder of the run: report, results, and what was answered, to go on with.")
    ] = Path("evaluation"),
    compare_with: Annotated[Path | None, typer.Option(help="Folder of an earlier run to compare with.")] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(help="helpfulness=0.9: exit 1 when the lower limit is below it."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would cost, and ask nobody.")] = False,
) -> None:
    """Evaluate a dataset, or calls of the log, by criteria, checks or pairs; goes on where it was broken off."""
    from monitor.commands.evaluation import Asked
    from monitor.commands.evaluation import evaluate as command

    asked = Asked(
        dataset=dataset,
        criteria=tuple(criterion or ()),
        checks=tuple(check or ()),
        pairs=tuple(pairs or ()),
        where=tuple(where or ()),
        fail_under=tuple(fail_under or ()),
        span=(start, to),
        source=source,
        sample=sample,
        sides=(first, second),
        alike=alike,
        endpoint=endpoint,
        concurrency=concurrency,
        most_usd=most_usd,
        into=into,
        compare_with=compare_with,
        dry_run=dry_run,
    )
    raise typer.Exit(command(config, asked))
