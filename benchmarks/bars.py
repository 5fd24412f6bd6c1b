"""What every benchmark prints: one JSON object a line, and an exit status."""

import json
import sys
from pathlib import Path

NO_DATA = 2


class Bars:
    """Collects results; `status` is 1 when a bar was missed."""

    def __init__(self) -> None:
        self.status = 0

    def check(self, name: str, value: object, bar: object, passed: bool) -> None:
        """Prints one result with the bar it was held to."""
        print(json.dumps({"name": name, "value": value, "bar": bar, "pass": passed}), flush=True)
        if not passed:
            self.status = 1

    def equal(self, name: str, value: object, bar: object) -> None:
        """Passes when the value is exactly the bar."""
        self.check(name, value, bar, value == bar)

    def close(self, name: str, value: float | None, bar: float, relative: float) -> None:
        """Passes when the value differs from the bar by at most `relative` of it."""
        passed = value is not None and abs(value - bar) <= relative * abs(bar)
        self.check(name, value, {"equal": bar, "relative": relative}, passed)


def require(files: list[Path], origin: str) -> None:
    """Ends with status 2 when the data is not there, and says where it is published."""
    missing = [str(path) for path in files if not path.exists()]
    if missing:
        print(f"no data: {', '.join(missing)} not found; {origin}", file=sys.stderr)
        raise SystemExit(NO_DATA)
