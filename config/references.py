"""What the parts of a configuration say of each other: names that must exist, lengths that must fit."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from config.problems import Finding, Path
from config.types import format_duration, parse_duration
from config.words import nearest, shown

WINDOW = timedelta(minutes=1)
HISTORY = timedelta(hours=1)
KEPT_LONG = timedelta(days=400)
_DAY = timedelta(days=1)


def findings(tree: Mapping[str, Any]) -> Iterator[Finding]:
    """What does not fit together in a tree of settings, written or dumped; what is wrong in itself is passed over."""
    yield from _unknown_names(tree)
    yield from _unknown_intervals(tree)
    yield from _misfits(tree)


def sections(tree: Mapping[str, Any], key: str) -> dict[str, Mapping[str, Any]]:
    """The named sections under a key that really are sections."""
    named = tree.get(key)
    return (
        {name: each for name, each in named.items() if isinstance(each, Mapping)} if isinstance(named, Mapping) else {}
    )


def names(value: Any) -> Iterator[tuple[Path, str]]:
    """The names in a list of them, or the one that stands for a list; each with its path below the key."""
    if isinstance(value, str):
        yield (), value
    elif isinstance(value, list):
        yield from (((number,), name) for number, name in enumerate(value) if isinstance(name, str))


def _unknown_names(tree: Mapping[str, Any]) -> Iterator[Finding]:
    for rule_name, rule in sections(tree, "rules").items():
        for key, where in (("receiver", "receivers"), ("sources", "sources")):
            yield from _unknown(rule.get(key), tree, where, ("rules", rule_name, key))
    for section in ("health", "drift", "golden", "judge"):
        written = tree.get(section)
        if isinstance(written, Mapping):
            yield from _unknown(written.get("receiver"), tree, "receivers", (section, "receiver"))


def _unknown_intervals(tree: Mapping[str, Any]) -> Iterator[Finding]:
    routing = tree.get("routing")
    known = {"time_intervals": routing.get("time_intervals") if isinstance(routing, Mapping) else None}
    for name, receiver in sections(tree, "receivers").items():
        for key in ("mute_time_intervals", "active_time_intervals"):
            yield from _unknown(receiver.get(key), known, "time_intervals", ("receivers", name, key))


def _unknown(written: Any, tree: Mapping[str, Any], where: str, path: Path) -> Iterator[Finding]:
    known = tree.get(where) or {}
    if not isinstance(known, Mapping):
        return
    for below, name in names(written):
        if name not in known:
            meant = nearest(name, known)
            there_are = f"{where} are {', '.join(map(str, known))}" if known else f"no {where} are configured"
            hint = f"did you mean {meant!r}?" if meant else there_are
            yield Finding((*path, *below), f"{shown(name)} is not among the {where}", hint)


def _misfits(tree: Mapping[str, Any]) -> Iterator[Finding]:
    window = _duration(tree.get("window", WINDOW))
    if window is None:
        return
    if _DAY % window:
        yield Finding(("window",), "does not divide a day, so windows would not stay aligned", "write 30s, 1m or 5m")
        return
    spelled = format_duration(window)
    for name, rule in sections(tree, "rules").items():
        for path, length in _trailing(rule):
            if length % window:
                yield Finding(("rules", name, *path), "is not a whole number of windows", f"a window is {spelled}")
    history = _duration(tree.get("history", HISTORY))
    if history is not None and (history % window or _DAY % history):
        what = "is not a whole number of windows that divides a day"
        if "history" in tree:
            yield Finding(("history",), what, f"a window is {spelled}")
        else:
            yield Finding(("window",), f"with it, history ({format_duration(history)}) {what}", "set history too")
    elif history is not None:
        yield from _baselines(tree, history)


def _trailing(rule: Mapping[str, Any]) -> Iterator[tuple[Path, timedelta]]:
    """The trailing windows of a rule."""
    over = _duration(rule.get("over"))
    if over is not None:
        yield ("over",), over
    burn = rule.get("burn")
    windows = burn.get("windows") if isinstance(burn, Mapping) else None
    for number, pair in enumerate(windows if isinstance(windows, list) else ()):
        for key in ("long", "short") if isinstance(pair, Mapping) else ():
            length = _duration(pair.get(key))
            if length is not None:
                yield ("burn", "windows", number, key), length


def _baselines(tree: Mapping[str, Any], history: timedelta) -> Iterator[Finding]:
    """The baselines of changes: made of history windows, before the value, and kept that long."""
    retention = tree.get("retention")
    keep = _duration(retention.get("long", KEPT_LONG) if isinstance(retention, Mapping) else KEPT_LONG)
    for name, rule in sections(tree, "rules").items():
        change, drop = rule.get("change"), rule.get("traffic_drop")
        if isinstance(change, Mapping) and change.get("value") is None:
            yield from _change(("rules", name, "change"), rule, change, (history, keep))
        weeks = drop.get("weeks", 8) if isinstance(drop, Mapping) else 0
        if isinstance(weeks, int) and keep is not None and weeks * 7 * _DAY > keep:
            hint = f"retention.long is {format_duration(keep)}"
            yield Finding(("rules", name, "traffic_drop", "weeks"), "is longer than measurements are kept", hint)


def _change(
    path: Path, rule: Mapping[str, Any], change: Mapping[str, Any], kept: tuple[timedelta, timedelta | None]
) -> Iterator[Finding]:
    history, keep = kept
    ago, length = _duration(change.get("ago", 7 * _DAY)), _duration(change.get("length"))
    if length is not None and length % history:
        hint = f"a history window is {format_duration(history)}"
        yield Finding((*path, "length"), "is not a whole number of history windows", hint)
    # So that no call is in the value and in its baseline.
    least = (_duration(rule.get("over")) or timedelta(0)) + (history if length is None else timedelta(0))
    if ago is not None and ago < least:
        yield Finding((*path, "ago"), "reaches into the window of the value", f"write {format_duration(least)} or more")
    elif ago is not None and keep is not None and ago + (length or history) > keep:
        hint = f"retention.long is {format_duration(keep)}"
        yield Finding((*path, "ago"), "is longer than measurements are kept", hint)


def _duration(value: Any) -> timedelta | None:
    if value is None:
        return None
    try:
        return parse_duration(value) or None
    except ValueError:
        return None
