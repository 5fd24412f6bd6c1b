"""The commands that prove alerts: test rules, test them on the past, follow an incident through the service."""

from pathlib import Path
from typing import Annotated

import typer

from monitor.commands.options import DEFAULT, Config

Metrics = Annotated[Path | None, typer.Option(help="Also write metrics into this file, for Prometheus' node exporter.")]


def rules_test(
    files: Annotated[list[Path], typer.Argument(help="Files of tests; see docs/proving-alerts.md.")],
    metrics: Metrics = None,
) -> None:
    """Test rules: given series must lead to the expected changes of state and messages."""
    from monitor.commands.rules_test import rules_test as command

    raise typer.Exit(command(files, metrics))


def backtest(  # noqa: PLR0913, PLR0917 - one for each option
    config: Config = DEFAULT,
    last: Annotated[str, typer.Option(help="How much of the past: 28d, 12h.")] = "28d",
    rule: Annotated[list[str] | None, typer.Option(help="Only this rule; may be repeated.")] = None,
    wish: Annotated[
        str, typer.Option(help="Suggest the threshold that would have given about so many alerts: 2 per 7d.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, one a rule.")] = False,
    metrics: Metrics = None,
) -> None:
    """Show how often each rule would have fired on your own history, and for how long."""
    from monitor.commands.backtest import Asked
    from monitor.commands.backtest import backtest as command

    raise typer.Exit(command(config, Asked(last, tuple(rule or ()), wish, metrics), as_json=json))


def canary(
    config: Config = DEFAULT,
    receiver: Annotated[list[str] | None, typer.Option(help="Only this receiver; may be repeated.")] = None,
    timeout: Annotated[str, typer.Option(help="How long to wait at most: group_interval is part of it.")] = "10m",
) -> None:
    """Follow a synthetic incident, marked as a test, through the running service to every receiver and back."""
    from monitor.commands.canary import Asked
    from monitor.commands.canary import canary as command

    raise typer.Exit(command(config, Asked(tuple(receiver or ()), timeout)))
