"""`watchkeeper judge`: criteria, cost, one question, a new normal. What a command needs is loaded when it runs."""

from typing import Annotated

import typer

from monitor.commands.alerts import Json
from monitor.commands.options import DEFAULT, Config

app = typer.Typer(
    help="The judge: its criteria, its cost before it is switched on, one question, a new normal.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("criteria")
def criteria(config: Config = DEFAULT, json: Json = False) -> None:
    """List the criteria: the built-in ones and your own, and which of them are judged."""
    from monitor.commands.judge_answers import show_criteria

    raise typer.Exit(show_criteria(config, as_json=json))


@app.command("cost")
def cost(
    config: Config = DEFAULT,
    last: Annotated[str, typer.Option(help="From the log of this stretch: 1d.")] = "1d",
    json: Json = False,
) -> None:
    """Say what the judge would have cost on the last day of the log, and ask nobody."""
    from monitor.commands.judge_cost import cost as command

    raise typer.Exit(command(config, last, as_json=json))


@app.command("try")
def try_(  # noqa: PLR0913, PLR0917 - one for each option
    call: Annotated[str, typer.Argument(help="The id of a call of the log.")] = "",
    config: Config = DEFAULT,
    text: Annotated[str, typer.Option(help="Or an answer of your own.")] = "",
    prompt: Annotated[str, typer.Option(help="With --text: what it answers.")] = "",
    reference: Annotated[str, typer.Option(help="With --text: the right answer.")] = "",
    context: Annotated[str, typer.Option(help="With --text: what was retrieved for it.")] = "",
    criterion: Annotated[list[str] | None, typer.Option(help="May be repeated; unset is judge.criteria.")] = None,
    last: Annotated[str, typer.Option(help="How far back the call is looked for.")] = "7d",
) -> None:
    """Ask the judges about one call or one text: verdict, evidence, reasons, cost. It costs money."""
    from monitor.commands.judge_answers import Asked, ask

    given = {"response": text, "prompt": prompt, "reference": reference, "context": context}
    raise typer.Exit(ask(config, Asked(call, given, tuple(criterion or ()), last)))


@app.command("accept")
def accept(
    criterion: Annotated[str, typer.Argument(help="The criterion of which the judge flags more than it used to.")],
    source: Annotated[str, typer.Option(help="The source; unset is all of them.")] = "",
    config: Config = DEFAULT,
) -> None:
    """Take what the judge flags now for normal: the alarm ends, and what is usual is learnt anew from now on."""
    from monitor.commands.judge_answers import accept as command

    raise typer.Exit(command(config, criterion, source))
