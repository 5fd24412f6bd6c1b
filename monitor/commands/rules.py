"""`watchkeeper rules`: the rules that come with Watchkeeper. What another command needs is loaded when it runs."""

from typing import Annotated

import typer

app = typer.Typer(help="Rules: ready ones, and proof of your own.", no_args_is_help=True, rich_markup_mode=None)


@app.command("library")
def library(
    group: Annotated[str, typer.Argument(help="Only this group, such as availability; unset is all.")] = "",
) -> None:
    """Print ready rules for LLM services, with the reason for each default: copy what you need."""
    from monitor.commands.library import show

    raise typer.Exit(show(group))
