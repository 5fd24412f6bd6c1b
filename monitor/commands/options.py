"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path, typer.Option("--config", "-c", envvar="WATCHKEEPER_CONFIG", help="The configuration file.", show_default=True)
]
From = Annotated[str, typer.Option("--from", help="Start in event time: 2026-11-01, 2026-11-01T08:00Z, or an age: 7d.")]
To = Annotated[str, typer.Option("--to", help="End in event time, likewise.")]

DEFAULT = Path("watchkeeper.yaml")
