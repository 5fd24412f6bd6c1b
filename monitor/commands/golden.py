"""`golden run`, `show` and `accept`: the golden set by hand."""

from contextlib import suppress
from pathlib import Path
from threading import Event

from monitor.commands.common import CommandError, console, explain, load_or_explain
from monitor.daemon import clock
from monitor.golden.alarm import summary
from monitor.golden.run import Asking, look
from monitor.golden.status import golden_status
from monitor.house import House
from monitor.opening import open_house
from monitor.snapshot import GoldenStatus
from monitor.store import golden
from monitor.store.database import StoreError


def run(config: Path) -> int:
    """Asks the golden set now, within the budget; exit status 1 when the run did not come to its end."""
    try:
        house = _opened(config)
    except (CommandError, StoreError) as error:
        return explain(error)
    waiting = Event()
    outcome = "stopped"
    with suppress(KeyboardInterrupt):
        outcome = look(house, Asking(clock, waiting.wait, waiting.is_set), at_once=True)
    if outcome in ("busy", "stopped"):
        _say("another process asks the golden set now" if outcome == "busy" else "broken off; the next run goes on")
    _show(house)
    house.close()
    return 0 if outcome == "done" else 1


def show(config: Path) -> int:
    """How the golden set is doing; exit status 1 when it fails."""
    try:
        house = _opened(config)
    except (CommandError, StoreError) as error:
        return explain(error)
    status = _show(house)
    house.close()
    return 1 if status is not None and status.state == "failing" else 0


def accept(config: Path) -> int:
    """Freezes the newest answers: later runs are compared with them."""
    try:
        house = _opened(config)
    except (CommandError, StoreError) as error:
        return explain(error)
    with house.database.transaction() as session:
        done = golden.newest_done(session)
        if done is not None:
            golden.freeze(session, int(done.id or 0), None, clock())
            golden.change(session, int(done.id or 0), {"facts": {**done.facts, "accepted": True}})
            _say(f"the {done.facts['answers']} answers of {done.started_at:%Y-%m-%d %H:%M} UTC count from now on")
    house.close()
    return 0 if done is not None else explain(CommandError("no run has come to its end yet: watchkeeper golden run"))


def _opened(config: Path) -> House:
    """The live house.

    Raises:
        CommandError: no golden set is configured.
    """
    loaded = load_or_explain(config)
    if loaded.settings.golden is None:
        raise CommandError(f"{loaded.path}: no golden set is configured: see docs/golden.md")
    return open_house(loaded)


def _show(house: House) -> GoldenStatus | None:
    now = clock()
    with house.database.reading() as session:
        status, done = golden_status(house, session, now), golden.newest_done(session)
    if status is None:
        return None
    problem = f": {status.problem}" if status.problem else ""
    _say(f"{status.model}: {status.state}{problem}")
    _say(f"answers {status.answers}, spent today {status.spent_usd:.4g} of {status.budget_usd:.4g} US dollars")
    if status.next_at is not None:
        _say(f"asked again from {status.next_at:%Y-%m-%d %H:%M} UTC on")
    if done is not None and status.measured is not None:
        compared = done.facts["compared"]
        _say(_verdict(done.facts, status.level) if compared else "the answers are frozen; the next run is compared")
        for key, value in status.measured.values.items():
            shown = "none" if value.value is None else f"{value.value:.4g}"
            interval = "" if value.lower is None else f" ({value.lower:.4g} to {value.upper:.4g})"
            _say(f"  {key.name}{''.join(f' {text}' for _, text in key.labels)}: {shown}{interval}")
    return status


def _verdict(facts: golden.Facts, level: float) -> str:
    p = next((each[2] for each in facts["values"] if each[0] == "golden_p_value"), None)
    if p is not None and (p > level or not facts["certain"]):
        return f"no change (alarms at p of {level:.4g} and below)"
    return summary(facts) + (" Accepted." if facts["accepted"] else "")


def _say(text: str) -> None:
    console.print(text, markup=False, emoji=False, highlight=False)
