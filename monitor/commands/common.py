"""What the commands share: loading with problems shown, times, the console."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.logging import RichHandler

from config.load import Loaded
from config.problems import ConfigProblems
from monitor import times
from monitor.commands.checks import load_checked

if TYPE_CHECKING:
    from rich.progress import Progress

    from monitor.textfile import Figure

console = Console(soft_wrap=True)
errors = Console(stderr=True, soft_wrap=True)

USAGE = 2  # exit status of a command that was asked for something impossible


class CommandError(Exception):
    """The command cannot go on; the text says why and what to do."""


def load_or_explain(path: Path) -> Loaded:
    """The configuration.

    Raises:
        CommandError: with all its problems, a line each.
    """
    try:
        return load_checked(path, os.environ)
    except ConfigProblems as problems:
        raise CommandError(str(problems)) from problems


def explain(error: Exception) -> int:
    """Prints why a command could not go on; returns its exit status."""
    errors.print(str(error), style="red", markup=False, highlight=False, emoji=False)
    return USAGE


def parse_time(text: str, now: datetime) -> datetime:
    """As `monitor.times.parse_time`.

    Raises:
        CommandError: the text is no time.
    """
    try:
        return times.parse_time(text, now)
    except ValueError as error:
        raise CommandError(str(error)) from None


def log_to_console() -> None:
    """Our log on standard error, one line a record where no person watches; libraries only when they warn."""
    handler: logging.Handler = RichHandler(console=errors, show_path=False, rich_tracebacks=False, markup=False)
    if not errors.is_terminal:
        handler = logging.StreamHandler()
        formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        handler.setFormatter(formatter)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("watchkeeper").setLevel(logging.INFO)
    # APScheduler warns of every run that a long cycle skips; skipped runs are what we want.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def bars(where: Console, **how: Any) -> "Progress":
    """Bars of what is being done, how far it is and for how long; `how` as Rich's Progress takes it."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=where, **how)


def write_metrics(path: Path, figures: "Iterable[Figure]") -> None:
    """Writes what a command has found as a file of metrics.

    Raises:
        CommandError: it cannot be written.
    """
    from monitor.textfile import write

    try:
        write(path, figures)
    except OSError as error:
        raise CommandError(f"{path}: cannot be written: {error.strerror}") from None


@contextmanager
def progress_bar() -> Iterator[Callable[[str, float], None]]:
    """A bar on standard error, where a person watches; it is told what is being done and the share that is done."""
    # What is printed meanwhile goes through the bar, so that it stays whole; but never away from a file or a pipe.
    how = {"transient": True, "disable": not errors.is_terminal, "redirect_stdout": console.is_terminal}
    with bars(errors, **how) as bar:
        task = bar.add_task("opening", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)
