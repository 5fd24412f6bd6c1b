"""The command line. Nothing heavy is imported before a command needs it: `--help` answers at once."""

from pathlib import Path
from typing import Annotated

import typer

from monitor.commands.alerts import app as alerts
from monitor.commands.evaluate import evaluate
from monitor.commands.judge import app as judge
from monitor.commands.labels import app as labels
from monitor.commands.options import DEFAULT, Config, From, To
from monitor.commands.proof import backtest, canary, rules_test
from monitor.commands.rules import app as rules
from monitor.commands.silence import app as silence

app = typer.Typer(
    name="watchkeeper",
    help="Watches the log of an LLM application: traffic, drift, quality, alerts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help: drawing boxes would load Rich, which takes longer than everything else together.
    rich_markup_mode=None,
)


@app.command()
def run(config: Config = DEFAULT) -> None:
    """Run the service: read the logs, measure, alert, serve metrics, until it is stopped."""
    from monitor.commands.service import run as command

    raise typer.Exit(command(config))


@app.command()
def demo(
    directory: Annotated[Path, typer.Option(help="Where the demonstration's log and state go.")] = Path("demo-data"),
    seed: Annotated[int, typer.Option(help="Another seed is another story.")] = 7,
    days: Annotated[int, typer.Option(min=1, help="Days of history to generate.")] = 35,
    port: Annotated[int, typer.Option(help="Port of the metrics and the status page.")] = 9464,
    judge: Annotated[str, typer.Option(help="local: a small model on this machine judges answers, too.")] = "",
) -> None:
    """Run on a generated log of a support chat, with incidents: nothing to set up."""
    from monitor.commands.demo import demo as command

    raise typer.Exit(command(directory, (seed, days), port, judge))


@app.command()
def replay(
    start: From,
    to: To,
    config: Config = DEFAULT,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line; see docs/measurements.md.")] = False,
    deliver: Annotated[bool, typer.Option("--deliver", help="Send the messages, marked as a replay.")] = False,
) -> None:
    """Measure and decide over past event time, without touching any live state."""
    from monitor.commands.history import replay as command

    raise typer.Exit(command(config, (start, to), as_json=json, deliver=deliver))


@app.command()
def backfill(start: From, to: To, config: Config = DEFAULT) -> None:
    """Write measurements of past windows into the store: no alerts, no messages."""
    from monitor.commands.history import backfill as command

    raise typer.Exit(command(config, (start, to)))


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = DEFAULT,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a commented configuration file to start from."""
    from monitor.commands.config import init as command

    raise typer.Exit(command(path, force=force))


@app.command()
def check(
    config: Config = DEFAULT,
    connect: Annotated[bool, typer.Option("--connect", help="Open each source and show what it holds.")] = False,
) -> None:
    """Check the configuration: every problem at once, with file, line, key and what would be right."""
    from monitor.commands.config import check as command

    status = command(config)
    if status == 0 and connect:
        from monitor.commands.connect import connect as connect_command

        status = connect_command(config)
    raise typer.Exit(status)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    from monitor.commands.config import schema as command

    raise typer.Exit(command())


@app.command("notify-test")
def notify_test(
    config: Config = DEFAULT,
    receiver: Annotated[list[str] | None, typer.Argument(help="Receivers by name; none is all of them.")] = None,
) -> None:
    """Send a test message and its resolution to the receivers."""
    from monitor.commands.messages import notify_test as command

    raise typer.Exit(command(config, receiver or []))


@app.command()
def event(
    name: Annotated[str, typer.Argument(help="What happened: deploy, prompt-v12, …")],
    config: Config = DEFAULT,
    detail: Annotated[str, typer.Option(help="More about it.")] = "",
    at: Annotated[str, typer.Option(help="When; unset is now.")] = "",
) -> None:
    """Mark a deployment or another change, to be shown beside the measurements."""
    from monitor.commands.messages import event as command

    raise typer.Exit(command(config, name, detail, at))


@app.command()
def status(config: Config = DEFAULT) -> None:
    """Show how the sources, alerts and receivers are doing, from the store."""
    from monitor.commands.status import status as command

    raise typer.Exit(command(config))


@app.command()
def report(  # noqa: PLR0913, PLR0917 - one for each option
    config: Config = DEFAULT,
    start: Annotated[
        str, typer.Option("--from", help="Start in event time, as for replay; unset is 24 hours before the end.")
    ] = "",
    to: Annotated[str, typer.Option("--to", help="End in event time; unset is how far the log is complete.")] = "",
    source: Annotated[str, typer.Option(help="Of this source; unset is all.")] = "",
    version: Annotated[
        str, typer.Option("--baseline", help="Compare with this version, or how it begins; unset is the one in use.")
    ] = "",
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The HTML file; its JSON is written beside it.")
    ] = Path("report.html"),
    evidently: Annotated[bool, typer.Option(help="With Evidently's report; without it is faster.")] = True,
) -> None:
    """Write a drift report of a stretch of the log: one HTML file that opens offline."""
    from monitor.commands.report import report as command

    raise typer.Exit(command(config, (start, to), (source, version), output, evidently=evidently))


@app.command()
def compare(  # noqa: PLR0913, PLR0917
    source: Annotated[str, typer.Argument(help="The source by name.")],
    start: From,
    to: To,
    with_start: Annotated[str, typer.Option("--with-from", help="Start of what it is compared with, likewise.")],
    with_to: Annotated[str, typer.Option("--with-to", help="End of what it is compared with, likewise.")],
    config: Config = DEFAULT,
    stream: Annotated[str, typer.Option(help="prompt or response.")] = "prompt",
    segment: Annotated[
        list[str] | None, typer.Option(help="Only calls with this value: model=gpt-4o; may be repeated.")
    ] = None,
    sample: Annotated[int, typer.Option(min=20, max=10_000, help="Texts of each stretch that are read.")] = 1_000,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Compare the texts of two stretches of the log once, by several methods, each with its false-alarm meaning."""
    from monitor.commands.compare import Asked
    from monitor.commands.compare import compare as command

    asked = Asked(source, stream, (start, to), (with_start, with_to), tuple(segment or ()))
    raise typer.Exit(command(config, asked, sample, as_json=json))


baseline = typer.Typer(help="What was learnt of the texts.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(baseline, name="baseline")

Version = Annotated[str, typer.Argument(help="The version, or how it begins; see baseline list.")]


@baseline.command("fit")
def baseline_fit(  # noqa: PLR0913, PLR0917
    config: Config = DEFAULT,
    start: Annotated[str, typer.Option("--from", help="Start in event time, as for replay; unset is all.")] = "",
    to: Annotated[str, typer.Option("--to", help="End in event time; unset is now.")] = "",
    source: Annotated[str, typer.Option(help="Of this source; unset is all.")] = "",
    file: Annotated[Path | None, typer.Option(help="From the calls of this file in place of the log.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Measure against it from now on.")] = False,
) -> None:
    """Learn what is normal from a stretch of the log, or from a file: a candidate until it is accepted."""
    from monitor.commands.baseline import Asked, fit

    raise typer.Exit(fit(config, Asked(start, to, source, file), accept=accept))


@baseline.command("list")
def baseline_list(config: Config = DEFAULT) -> None:
    """Show every baseline on a line."""
    from monitor.commands.baseline import show_all

    raise typer.Exit(show_all(config))


@baseline.command("show")
def baseline_show(version: Version, config: Config = DEFAULT) -> None:
    """Show the topics of a baseline, and its days that are unlike the others."""
    from monitor.commands.baseline import show

    raise typer.Exit(show(config, version))


@baseline.command("accept")
def baseline_accept(version: Version, config: Config = DEFAULT) -> None:
    """Measure against a baseline from now on; the one before it retires unless it is pinned."""
    from monitor.commands.baseline import change

    raise typer.Exit(change(config, version, "accept"))


@baseline.command("pin")
def baseline_pin(
    version: Version,
    config: Config = DEFAULT,
    off: Annotated[bool, typer.Option("--off", help="Let it retire when another one is accepted.")] = False,
) -> None:
    """Keep a baseline in use beside those that are learnt later, so that slow change is not absorbed."""
    from monitor.commands.baseline import change

    raise typer.Exit(change(config, version, "unpin" if off else "pin"))


@baseline.command("compare")
def baseline_compare(before: Version, after: Version, config: Config = DEFAULT) -> None:
    """Show how one baseline differs from an earlier one."""
    from monitor.commands.baseline_compare import compare

    raise typer.Exit(compare(config, (before, after)))


app.add_typer(rules, name="rules")
app.add_typer(alerts, name="alerts")
app.add_typer(silence, name="silence")
app.add_typer(labels, name="labels")
app.add_typer(judge, name="judge")
rules.command("test")(rules_test)
app.command()(backtest)
app.command()(canary)
app.command()(evaluate)

golden = typer.Typer(
    help="Fixed prompts that are asked again and again; costs money.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(golden, name="golden")


@golden.command("run")
def golden_run(config: Config = DEFAULT) -> None:
    """Ask the golden set now, within the budget of the day, and compare."""
    from monitor.commands.golden import run

    raise typer.Exit(run(config))


@golden.command("show")
def golden_show(config: Config = DEFAULT) -> None:
    """Show how the golden set is doing and what its last run found."""
    from monitor.commands.golden import show

    raise typer.Exit(show(config))


@golden.command("accept")
def golden_accept(config: Config = DEFAULT) -> None:
    """Compare with the newest answers from now on."""
    from monitor.commands.golden import accept

    raise typer.Exit(accept(config))


def main() -> None:
    """The console script."""
    app()
