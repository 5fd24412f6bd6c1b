"""Pairs of calls of the log: two models, prompt versions or routes that answered equal prompts, or alike ones."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from config.criteria import Need
from detectors.embedder import Embedder
from detectors.judge.matched import Alone, alone, by_meaning, matches
from detectors.judge.prompt import Item
from monitor.clean import clean_text
from monitor.evaluate.picked import Pick, columns_of, fitting, items_of, watched_of
from monitor.evaluate.question import Place
from monitor.evaluate.values import EvaluationError, Row, Rows
from monitor.house import Watched
from monitor.redact import Redactor

Ids = tuple[str, str]


def pick_pairs(place: Place, wanted: Pick, needs: Iterable[Need], now: datetime) -> Rows:
    """The pairs: first those of equal prompts, an even sample of all; then, where it is asked for, the nearest ones.

    Each call is in one pair at most. A pair counts when its first call fits `where`.

    Args:
        place: with the log, and with the model that makes embeddings.
        wanted: which calls; it has sides.
        needs: the texts that are read of both.
        now: feedback is read until then.

    Raises:
        EvaluationError: there is no pair, or the source cannot be asked for some.
        EmbeddingError: the prompts could not be embedded.
        SourceError: the source cannot be read.
    """
    sides, house = wanted.sides, place.house
    assert sides is not None
    assert house is not None
    watched = watched_of(house, wanted.source)
    columns_of(watched, [sides.column])
    longest = watched.settings.max_duration
    with watched.using:
        found = matches(watched.source, wanted.window, sides, longest)
        rest = alone(watched.source, wanted.window, sides, longest) if wanted.alike is not None else None
    fits: frozenset[str] | None = None
    if wanted.where:
        calls, rows_that_fit = fitting(house, watched, wanted, now)
        fits = frozenset(calls.ids[row] for row in rows_that_fit)
    equal = [(each.first, each.second) for each in found if fits is None or each.first in fits]
    near: list[Ids] = []
    if rest is not None and wanted.alike is not None and len(equal) < wanted.sample:
        matched = _near(watched, rest, wanted.alike, place.texts.embedder)
        near = [each for each in matched if fits is None or each[0] in fits]
    both = [*equal, *near][: wanted.sample]
    if not both:
        hint = "" if wanted.alike is not None else "; --alike 0.9 takes nearly equal prompts too"
        raise EvaluationError(f"{clean_text(str(wanted), 300)}: no prompt was answered by both{hint}")
    items = items_of(watched, [call for pair in both for call in pair], wanted.window, needs)
    rows = [_row(items[one], items[two]) for one, two in both if one in items and two in items]
    shown = min(len(equal), len(both))
    what = f"{wanted}: {shown:,} pairs of equal prompts" + (f", {len(both) - shown:,} of alike ones" if near else "")
    return Rows(what, tuple(rows), (), len(equal) + len(near))


def _row(first: Item, second: Item) -> Row:
    return Row(replace(first, id=f"{first.id} {second.id}"), second.response, versus=second)


def _near(watched: Watched, rest: tuple[Alone, Alone], least: float, embedder: Embedder) -> list[Ids]:
    """The nearest prompts of both sides among those that only one of them answered, the most alike first."""
    one, two = rest
    redact = Redactor.always(watched.settings.redact).redact
    found = by_meaning(rest, lambda texts: embedder.embed([redact(text) for text in texts]).mean, least)
    return [(one.ids[each.first], two.ids[each.second]) for each in found]
