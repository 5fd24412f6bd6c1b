"""The texts of drawn calls as the judge is shown them: redacted, read when they are asked about, never kept."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from config.criteria import Need
from detectors.judge.prompt import Item
from detectors.measurement import Window
from monitor.house import Watched
from monitor.judging.trajectories import trajectories
from monitor.redact import Redactor

READ = 1_000_000  # characters of a text: the judge is shown its start and its end
_COLUMNS: tuple[Need, ...] = ("prompt", "response", "reference", "context", "system_prompt")


def read_items(watched: Watched, calls: Sequence[str], window: Window, needs: Iterable[Need]) -> dict[str, Item]:
    """The calls of a window that the log still has, by id; one query, and two for the steps of agents.

    Args:
        watched: the source.
        calls: ids.
        window: when they ended.
        needs: the texts that are wanted; what the log has no column for is not there.

    Raises:
        SourceError: the source could not be read.
    """
    from detectors.engine import fetch

    asked = set(needs)
    wanted = [need for need in _COLUMNS if need in asked and need in watched.source.columns]
    steps: Mapping[str, str] = {}
    with watched.using:
        if "trajectory" in asked and "tool_calls" in watched.source.columns:
            steps = trajectories(watched, calls, window)
        log = watched.source.calls(window.start - watched.settings.max_duration, window.end + timedelta(seconds=1))
        log = log.filter(log.id.cast("string").isin(list(calls)))
        texts = {f"text_{need}": log[need].cast("string").left(READ) for need in wanted}
        frame = fetch(log.select(log.id.cast("string").name("id"), **texts))
    redact = Redactor(watched.settings.redact).redact
    found: dict[str, Item] = {}
    for row in frame.to_dict("records"):
        given: dict[str, str] = {need: redact(text) for need in wanted if isinstance(text := row[f"text_{need}"], str)}
        call = str(row["id"])
        found[call] = Item(call, **given, trajectory=steps.get(call))
    return found
