"""`watchkeeper silence`: alerts that say nothing new for a while. What a command needs is loaded when it runs."""

from typing import Annotated

import typer

from monitor.commands.alerts import By, Json
from monitor.commands.options import DEFAULT, Config

app = typer.Typer(
    help="Silences: alerts that say nothing new for a while.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("add")
def add(  # noqa: PLR0913, PLR0917 - one for each option
    matchers: Annotated[
        list[str] | None, typer.Argument(help="Which alerts: rule=errors 'service=~chat.*' model!=gpt-4o.")
    ] = None,
    lasts: Annotated[str, typer.Option("--for", help="How long: 2h.")] = "",
    until: Annotated[str, typer.Option("--until", help="Or until when: 2026-11-02T08:00Z.")] = "",
    start: Annotated[str, typer.Option("--from", help="Since when; unset is now.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; whoever finds it must know.")] = "",
    alert: Annotated[str, typer.Option("--alert", help="Exactly the alert with this id, by all its labels.")] = "",
    by: By = "",
    config: Config = DEFAULT,
) -> None:
    """Hold back messages of the alerts that fit all matchers; what was told and ends is still told as over."""
    from monitor.commands.silences import Asked
    from monitor.commands.silences import add as command

    raise typer.Exit(command(config, Asked(tuple(matchers or ()), lasts, until, start, reason, alert, by)))


@app.command("list")
def list_(
    config: Config = DEFAULT,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    json: Json = False,
) -> None:
    """Show the silences that hold or will."""
    from monitor.commands.silences import show

    raise typer.Exit(show(config, every=every, as_json=json))


@app.command("expire")
def expire(
    number: Annotated[int, typer.Argument(help="The id of the silence; see silence list.")], config: Config = DEFAULT
) -> None:
    """End a silence now."""
    from monitor.commands.silences import end

    raise typer.Exit(end(config, number))
