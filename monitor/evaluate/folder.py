"""The folder of a run: what it is about, and all that was answered and paid, so that nothing is asked twice."""

import base64
import fcntl
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any, Final

from monitor.evaluate.values import EvaluationError, Measure, Outcome, Row, Rows
from monitor.report.render import replace_file

VERSION: Final = 1
_DIGITS: Final = 12  # of US dollars
PLAN, ROWS, RESULTS = "plan.json", "rows.jsonl", "results.jsonl"
ANSWERS, REPLIES, VERDICTS, MONEY = "answers.jsonl", "replies.jsonl", "verdicts.jsonl", "money.jsonl"


class Lines:
    """A file of JSON lines that is only added to; a line that a crash cut is left out. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()

    def read(self) -> list[Any]:
        """All whole lines."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        whole = content.split(b"\n")[:-1]
        return [read for line in whole if (read := _json(line)) is not None]

    def add(self, lines: Iterable[Any]) -> None:
        """Adds lines; they are with the operating system when this returns, so that a killed process loses none."""
        told = b"".join(json.dumps(each).encode() + b"\n" for each in lines)
        with self._lock, self._path.open("a+b") as file:
            if file.tell() and not self._ends():
                told = b"\n" + told
            file.write(told)

    def _ends(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-1, 2)
            return file.read(1) == b"\n"


class Folder:
    """A run's folder, held by one process at a time.

    Raises:
        EvaluationError: it cannot be written, another process holds it, or it holds another evaluation.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._held = (path / "lock").open("w")
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EvaluationError(f"{path}: another evaluation is running there") from None
        except OSError as error:
            raise EvaluationError(f"{path}: cannot be written: {error.strerror}") from error
        self.answers, self.verdicts = self._lines(ANSWERS), self._lines(VERDICTS)
        self.replies, self.money = self._lines(REPLIES), self._lines(MONEY)

    def close(self) -> None:
        """Lets others have it."""
        self._held.close()

    def begin(self, plan: Mapping[str, Any]) -> None:
        """Remembers what the run is about.

        Raises:
            EvaluationError: the folder holds a run about something else.
        """
        known, wanted = self.plan(), json.dumps({"version": VERSION, **plan}, indent=1)
        if known is None:
            self._whole(PLAN, wanted)
        elif known != json.loads(wanted):
            names = sorted(name for name in {*known, *plan} - {"version"} if known.get(name) != plan.get(name))
            raise EvaluationError(
                f"{self.path}: holds a run with other {', '.join(names) or 'settings'}; choose another folder (--into)"
            )

    def plan(self) -> dict[str, Any] | None:
        """What the run is about; None before it began."""
        return read_json(self.path / PLAN)

    def keep_rows(self, rows: Rows) -> None:
        """Remembers the rows: the log may change before the run goes on."""
        head = {"what": rows.what, "left_out": rows.left_out, "population": rows.population}
        self._whole(ROWS, "".join(json.dumps(each) + "\n" for each in (head, *(row.as_json() for row in rows.rows))))

    def rows(self) -> Rows | None:
        """The rows of the run; None before they were kept."""
        lines = self._lines(ROWS).read()
        if not lines:
            return None
        rows = tuple(Row.of_json(each) for each in lines[1:])
        return Rows(lines[0]["what"], rows, tuple(lines[0]["left_out"]), lines[0]["population"])

    def keep_results(self, found: Iterable[tuple[Measure, Sequence[Outcome]]]) -> None:
        """Remembers what was found of each row, for later runs."""
        lines = [{"measure": asdict(measure), **asdict(each)} for measure, mine in found for each in mine]
        self._whole(RESULTS, "".join(json.dumps(each) + "\n" for each in lines))

    def _lines(self, name: str) -> Lines:
        return Lines(self.path / name)

    def _whole(self, name: str, content: str) -> None:
        replace_file(self.path / name, content.encode())


def results_of(path: Path) -> dict[Measure, dict[str, Outcome]]:
    """What an earlier run found, by measure and row.

    Raises:
        EvaluationError: the folder holds no finished run.
    """
    lines = Lines(path / RESULTS).read()
    if not lines:
        raise EvaluationError(f"{path}: holds no finished evaluation: --compare-with wants the folder of one")
    found: dict[Measure, dict[str, Outcome]] = {}
    try:
        for each in lines:
            outcome = Outcome(**{name: value for name, value in each.items() if name != "measure"})
            found.setdefault(Measure(**each["measure"]), {})[outcome.id] = outcome
    except (TypeError, KeyError) as error:
        raise EvaluationError(f"{path}: {RESULTS} is not one of this version of Watchkeeper") from error
    return found


class Replies:
    """`detectors.protocols.Cache` of what judges answered in this run, or in an earlier one, which is taken over."""

    def __init__(self, own: Lines, earlier: Lines | None = None) -> None:
        self._own = own
        self._earlier = {} if earlier is None else _bodies(earlier)
        self._known = _bodies(own)

    def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """What is known of the keys."""
        self.put({key: self._earlier[key] for key in keys if key not in self._known and key in self._earlier})
        return {key: self._known[key] for key in keys if key in self._known}

    def put(self, items: Mapping[str, bytes]) -> None:
        """Remembers."""
        self._known |= items
        if items:
            self._own.add({"key": key, "body": base64.b64encode(body).decode()} for key, body in items.items())


def _bodies(lines: Lines) -> dict[str, bytes]:
    return {each["key"]: base64.b64decode(each["body"]) for each in lines.read()}


class Purse:
    """`detectors.judge.price.Account` of a run, over all its tries; what a killed one had reserved stays spent."""

    def __init__(self, money: Lines, most_usd: float) -> None:
        self._money = money
        self._most = most_usd
        self._lock = Lock()
        self.spent = round(float(sum(each["usd"] for each in money.read() if isinstance(each, dict))), _DIGITS)

    def reserve(self, usd: float) -> bool:
        """Whether the amount could be taken."""
        with self._lock:
            if usd > 0 and self.spent + usd > self._most:
                return False
            self._note(usd)
            return True

    def settle(self, reserved: float, spent: float) -> None:
        """Puts what was spent in the place of what was reserved."""
        with self._lock:
            self._note(spent - reserved)

    def _note(self, usd: float) -> None:
        self.spent = round(self.spent + usd, _DIGITS)  # what is reserved and given back leaves nothing
        if usd:
            self._money.add([{"usd": usd}])


def read_json(path: Path) -> dict[str, Any] | None:
    """An object in a file; None where there is none."""
    try:
        read = _json(path.read_bytes())
    except FileNotFoundError:
        return None
    return read if isinstance(read, dict) else None


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
