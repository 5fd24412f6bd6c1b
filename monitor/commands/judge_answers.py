"""What `watchkeeper judge criteria`, `judge try` and `judge accept` do."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from time import monotonic

from rich.text import Text

from config.judge import Judge as JudgeSettings
from config.load import Loaded
from config.settings import Settings
from detectors.judge.criterion import Criterion, CriterionError, criteria_of
from detectors.judge.desk import Desk
from detectors.judge.judge import Judge
from detectors.judge.prompt import Item
from detectors.judge.verdict import Verdict
from monitor.clean import clean_text
from monitor.commands.common import CommandError, console, explain, load_or_explain, parse_time
from monitor.daemon import clock
from monitor.house import Watched
from monitor.judging.accepting import NothingToAcceptError
from monitor.judging.accepting import accept as accept_
from monitor.judging.account import StoredAccount
from monitor.judging.crew import Outside
from monitor.judging.rising import LEAST_DAYS
from monitor.labels.calls import completed_at, item_of, redacted
from monitor.labels.criteria import criteria_known
from monitor.opening import open_house, open_store
from monitor.sources.base import SourceError
from monitor.store.database import StoreError

_TROUBLE = (CommandError, CriterionError, SourceError, StoreError, ValueError)
_MARKS = {True: "passes", False: "fails", None: "says nothing"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: a call of the log, or texts by name; by which criteria; how far back the call is looked for."""

    call: str
    given: Mapping[str, str]
    criteria: tuple[str, ...] = ()
    last: str = "7d"


def show_criteria(config: Path, *, as_json: bool) -> int:
    """Lists the criteria; without a configuration the built-in ones."""
    try:
        loaded = load_or_explain(config) if config.exists() else None
        known = criteria_known(loaded.settings if loaded else Settings(), loaded.folder if loaded else Path())
    except _TROUBLE as error:
        return explain(error)
    judged = set(loaded.settings.judge.criteria) if loaded is not None and loaded.settings.judge is not None else set()
    if as_json:
        print(json.dumps([_described(each, each.name in judged) for each in known.values()], ensure_ascii=False))
        return 0
    for each in known.values():
        words = ", ".join(f"{word} {_MARKS[each.passes(word)]}" for word in each.menu)
        mark = " judged" if each.name in judged else ""
        console.print(Text.assemble((each.name, "bold"), (mark, "green"), f"  needs {', '.join(each.needs)}; {words}"))
        console.print(Text(f"  {clean_text(each.question, 500)}"))
    return 0


def ask(config: Path, asked: Asked, outside: Outside | None = None) -> int:
    """Asks every judge about one call or text, within the budget of the settings; exit status 1 without any verdict.

    Args:
        config: the configuration file.
        asked: the question.
        outside: time and waiting; None is the real ones.
    """
    stop = Event()
    out = outside or Outside(clock, monotonic, stop.wait, stop.is_set)
    try:
        loaded = load_or_explain(config)
        settings = _judge(loaded)
        names = asked.criteria or tuple(settings.criteria)
        wanted = criteria_of(settings.model_copy(update={"criteria": list(names)}), loaded.folder)
        criteria = [wanted[name] for name in names]
        house = open_house(loaded)
        try:
            item = _item(house.sources.values(), asked, criteria, out.clock()) if asked.call else _text(asked.given)
            desk = Desk(out.pause, out.seconds, StoredAccount(house.database, settings, out.clock))
            judges = [Judge(name, each, desk, settings.characters) for name, each in settings.judges.items()]
            found = [verdict for each in criteria for judge in judges for verdict in judge.ask([item], each)]
        finally:
            house.close()
    except _TROUBLE as error:
        return explain(error)
    for verdict in found:
        _say(verdict)
    console.print(Text(f"${sum(each.usd for each in found):.4g} spent, of the budget of the day"))
    return 0 if any(each.word is not None for each in found) else 1


def accept(config: Path, criterion: str, source: str) -> int:
    """Starts the tests for a rise of a criterion anew; the running service goes on with them."""
    try:
        loaded = load_or_explain(config)
        settings, database = _judge(loaded), open_store(loaded)
        try:
            with database.transaction() as session:
                chosen = accept_(session, settings, (criterion, source), clock())
        finally:
            database.close()
    except (*_TROUBLE, NothingToAcceptError) as error:
        return explain(error)
    for row in chosen:
        words = f"{row.source}: what {row.voice} flags of {row.criterion} is learnt anew, for {LEAST_DAYS} days"
        console.print(Text(clean_text(words, 300)))
    return 0


def _judge(loaded: Loaded) -> JudgeSettings:
    if loaded.settings.judge is None:
        raise CommandError(f"{loaded.path}: no judge is configured: see docs/judge.md")
    return loaded.settings.judge


def _text(given: Mapping[str, str]) -> Item:
    if not given.get("response"):
        raise CommandError("name a call of the log, or give an answer with --text")
    return redacted(Item("text", **{name: text for name, text in given.items() if text}))


def _item(sources: Iterable[Watched], asked: Asked, criteria: Sequence[Criterion], now: datetime) -> Item:
    since = parse_time(asked.last, now)
    needs = {need for each in criteria for need in each.shown}
    for watched in sources:
        with watched.using:
            at = completed_at(watched, [asked.call], since, now).get(asked.call)
        item = None if at is None else item_of(watched, asked.call, at, needs)
        if item is not None:
            return item
    raise CommandError(f"no call {clean_text(asked.call, 100)!r} began since {since:%Y-%m-%d %H:%M}: see --last")


def _described(criterion: Criterion, judged: bool) -> dict[str, object]:
    return {
        "name": criterion.name,
        "judged": judged,
        "version": criterion.version,
        "identity": criterion.identity,
        "question": criterion.question,
        "polarity": criterion.polarity,
        "needs": list(criterion.needs),
        "verdicts": {each.word: each.means for each in criterion.options},
        "examples": len(criterion.examples),
        "canaries": len(criterion.canaries),
    }


def _say(verdict: Verdict) -> None:
    head = f"{verdict.criterion} by {verdict.judge}: "
    word = verdict.word or f"no verdict: {verdict.problem}"
    passed = {True: "passes", False: "fails", None: ""}[verdict.passed]
    style = {True: "green", False: "red", None: "yellow"}[verdict.passed]
    console.print(Text.assemble((clean_text(head, 300), "bold"), (clean_text(f"{word} {passed}", 300).strip(), style)))
    quoted = " (the text does not hold these words)" if verdict.quoted is False else ""
    chance = None if verdict.pass_probability is None else f"{verdict.pass_probability:.2f}"
    for name, told in (
        ("evidence", f"{verdict.evidence}{quoted}" if verdict.evidence else ""),
        ("reasons", verdict.reasoning),
        ("why", verdict.detail),
        ("chance to pass, by its own probabilities", chance),
        ("cost", f"${verdict.usd:.4g}, {verdict.tries} requests" if verdict.tries else ""),
    ):
        if told:
            console.print(Text(f"  {name}: {clean_text(told, 1_000)}"))
