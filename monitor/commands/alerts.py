"""`watchkeeper alerts`: what fires, what was told of it and why. What a command needs is loaded when it runs."""

from typing import Annotated

import typer

from monitor.commands.options import DEFAULT, Config

app = typer.Typer(
    help="Alerts: what fires, who was told and why, who has taken it on.", no_args_is_help=True, rich_markup_mode=None
)

Id = Annotated[str, typer.Argument(help="The id of the alert, or how it begins; see alerts list.")]
By = Annotated[str, typer.Option("--by", envvar=["WATCHKEEPER_USER", "USER", "LOGNAME"], help="Who does it.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON; see docs/alerting.md.")]


@app.command("list")
def list_(  # noqa: PLR0913, PLR0917 - one for each option
    config: Config = DEFAULT,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over, the newest first.")] = False,
    rule: Annotated[str, typer.Option(help="Of this rule; unset is all.")] = "",
    source: Annotated[str, typer.Option(help="Of this source; unset is all.")] = "",
    since: Annotated[
        str, typer.Option(help="With --all, those that changed since: a time, or an age such as 7d.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many changes are looked at.")] = 200,
    json: Json = False,
) -> None:
    """Show the alerts that are pending, firing, without data or broken."""
    from monitor.commands.alert_answers import show_all

    raise typer.Exit(show_all(config, (rule, source, since, limit), ended=every, as_json=json))


@app.command("show")
def show(alert: Id, config: Config = DEFAULT, json: Json = False) -> None:
    """Show everything that is kept about an alert: its states, messages, deliveries and notes."""
    from monitor.commands.alert_answers import show_one

    raise typer.Exit(show_one(config, alert, as_json=json))


@app.command("explain")
def explain(
    alert: Id,
    config: Config = DEFAULT,
    whole: Annotated[bool, typer.Option("--all", help="Everything, not only since it last began.")] = False,
    json: Json = False,
) -> None:
    """Say why messages of an alert were sent or were not, step by step."""
    from monitor.commands.alert_answers import explain_one

    raise typer.Exit(explain_one(config, alert, whole=whole, as_json=json))


@app.command("ack")
def ack(
    alert: Id,
    by: By = "",
    text: Annotated[str, typer.Option("--note", help="What there is to say of it.")] = "",
    config: Config = DEFAULT,
) -> None:
    """Take an alert on until it is over: it is not repeated, and the receivers are told who has it."""
    from monitor.commands.alert_answers import acknowledge

    raise typer.Exit(acknowledge(config, alert, by, text))


@app.command("note")
def note(
    alert: Id, text: Annotated[str, typer.Argument(help="What to note.")], by: By = "", config: Config = DEFAULT
) -> None:
    """Note something of an alert."""
    from monitor.commands.alert_answers import add_note

    raise typer.Exit(add_note(config, alert, by, text))
