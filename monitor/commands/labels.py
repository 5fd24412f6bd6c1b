"""`watchkeeper labels`: what people say of calls. What a command needs is loaded when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from monitor.commands.alerts import Json
from monitor.commands.options import DEFAULT, Config

app = typer.Typer(
    help="Labels: what people say of calls, by which the judge is measured.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Source = Annotated[str, typer.Option(help="Of this source; unset is all.")]
Criterion = Annotated[str, typer.Option(help="By this criterion; unset is all.")]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV, JSON, JSONL: call_id, criterion, verdict or score, at, who.")],
    config: Config = DEFAULT,
    source: Annotated[str, typer.Option(help="The source of the calls; unset is the one that has them.")] = "",
    exported: Annotated[
        str,
        typer.Option("--as", help="An export of langfuse, langsmith, phoenix, or a name of judge.labels.exports."),
    ] = "",
) -> None:
    """Read labels from a file; lines that cannot be used are named and left out."""
    from monitor.commands.labelling import import_labels

    raise typer.Exit(import_labels(config, file, source, exported))


@app.command("list")
def list_(config: Config = DEFAULT, source: Source = "", criterion: Criterion = "", json: Json = False) -> None:
    """Show how many labels there are, and how many wait."""
    from monitor.commands.labelling import show

    raise typer.Exit(show(config, source, criterion, as_json=json))


@app.command("export")
def export(config: Config = DEFAULT, source: Source = "", criterion: Criterion = "") -> None:
    """Print every label as a JSON object a line, as import reads them."""
    from monitor.commands.labelling import export as command

    raise typer.Exit(command(config, source, criterion))


@app.command("sample")
def sample(
    count: Annotated[int, typer.Option(min=1, max=100_000, help="About how many of each criterion.")] = 100,
    last: Annotated[str, typer.Option(help="Of the calls judged in this stretch: 7d.")] = "7d",
    config: Config = DEFAULT,
    source: Source = "",
    criterion: Criterion = "",
) -> None:
    """Draw judged calls to be labelled on the page /label, so that the labels speak of all judged calls."""
    from monitor.commands.labelling import draw

    raise typer.Exit(draw(config, (source, criterion), count, last))
