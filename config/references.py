"""What the parts of a configuration say of each other: names that must exist, lengths that must fit."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from config.problems import Finding, Path
from config.types import format_duration, parse_duration
from config.words import nearest, shown

WINDOW = timedelta(minutes=1)
HISTORY = timedelta(hours=1)
_DAY = timedelta(days=1)


def findings(tree: Mapping[str, Any]) -> Iterator[Finding]:
    """What does not fit together in a tree of settings, written or dumped; what is wrong in itself is passed over."""
    yield from _unknown_names(tree)
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
    for section in ("health", "drift", "golden"):
        written = tree.get(section)
        if isinstance(written, Mapping):
            yield from _unknown(written.get("receiver"), tree, "receivers", (section, "receiver"))


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
        over = _duration(rule.get("over"))
        if over is not None and over % window:
            yield Finding(("rules", name, "over"), "is not a whole number of windows", f"a window is {spelled}")
    history = _duration(tree.get("history", HISTORY))
    if history is not None and (history % window or _DAY % history):
        what = "is not a whole number of windows that divides a day"
        if "history" in tree:
            yield Finding(("history",), what, f"a window is {spelled}")
        else:
            yield Finding(("window",), f"with it, history ({format_duration(history)}) {what}", "set history too")


def _duration(value: Any) -> timedelta | None:
    if value is None:
        return None
    try:
        return parse_duration(value) or None
    except ValueError:
        return None
