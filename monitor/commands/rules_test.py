"""`rules test`: do the rules do what their file of tests says?"""

from collections.abc import Sequence
from pathlib import Path

from config.problems import ConfigProblems
from monitor.commands.common import CommandError, console, explain, write_metrics
from monitor.daemon import clock
from monitor.rules_test.compare import differences
from monitor.rules_test.run import run
from monitor.rules_test.suite import read_suite
from monitor.textfile import Figure, last_run


def rules_test(paths: Sequence[Path], metrics: Path | None = None) -> int:
    """Runs the tests of some files; exit status 1 when one fails, 2 when a file cannot be used."""
    failed = count = 0
    try:
        suites = [(path, read_suite(path)) for path in paths]
    except ConfigProblems as problems:
        return explain(CommandError(str(problems)))
    for path, suite in suites:
        for test, line, happened in zip(suite.tests, suite.lines, run(suite), strict=True):
            lines = differences(suite.settings, test, happened)
            count, failed = count + 1, failed + bool(lines)
            _say(f"{'FAIL' if lines else 'ok  '} {path}:{line}: {test.name}", "red" if lines else "green")
            for each in lines:
                _say(f"     {each}")
    if failed:
        _say(f"{failed} of {count} tests failed: - was expected and did not happen, + happened and was not expected")
    else:
        _say(f"{count} tests passed")
    if metrics is not None:
        states = {"passed": float(count - failed), "failed": float(failed)}
        figures = [Figure("rules_tests", "Tests of rules of the last run.", "state", states)]
        try:
            write_metrics(metrics, [*figures, last_run("rules_test", clock())])
        except CommandError as error:
            return explain(error)
    return 1 if failed else 0


def _say(text: str, style: str | None = None) -> None:
    console.print(text, style=style, markup=False, emoji=False, highlight=False)
