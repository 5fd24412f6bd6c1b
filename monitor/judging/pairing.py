"""Which calls of two sides are compared: those with equal prompts first, then those whose prompts mean nearly the same.

What means the same is told by the embedder of the texts, which has most of these vectors already: the calls that are
looked at are the first that the reading of texts looks at. Without the reading of texts only equal prompts are matched.
"""

import logging
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from config.judge import Pairs
from detectors.embedder import EmbeddingError
from detectors.judge.matched import Alone, Match, Sides, alone, by_meaning, matches
from detectors.measurement import Window
from monitor.house import House, Watched
from monitor.redact import Redactor
from monitor.store.texts import StoredCache

log = logging.getLogger("watchkeeper")

_BOTH = "~"  # between the hashes of two prompts that are alike


@dataclass(frozen=True, slots=True)
class Matched:
    """How the prompts of both sides were matched, for people.

    Attributes:
        equal: prompts that both answered.
        near: pairs of prompts that are alike.
        least: cosine of those of them that are least alike; None without any.
        alone: prompts of the first and of the second side that the other did not answer, before they were matched.
        looked_at: how many of these were looked at.
        problem: why nothing was matched by meaning; empty where it was.
    """

    equal: int
    near: int
    least: float | None
    alone: tuple[int, int]
    looked_at: tuple[int, int]
    problem: str = ""

    def as_json(self) -> dict[str, object]:
        """As it is kept."""
        return asdict(self)


def pairs_of(
    house: House, watched: Watched, pairs: Pairs, span: Window, now: datetime
) -> tuple[list[Match], list[Match], Matched]:
    """The pairs of a span with equal prompts, those with prompts that are alike, and how they came about.

    Raises:
        SourceError: the source could not be read.
    """
    sides, longest = Sides(pairs.by, pairs.first, pairs.second), watched.settings.max_duration
    with watched.using:
        equal = matches(watched.source, span, sides, longest)
        rest = alone(watched.source, span, sides, longest) if pairs.alike < 1 else None
    if rest is None:
        return equal, [], Matched(len(equal), 0, None, (0, 0), (0, 0), "only equal prompts are wanted")
    problem = "" if house.settings.text.enabled else "texts are not read (text.enabled), so nothing has an embedding"
    near: list[Match] = []
    cosines: list[float] = []
    if not problem:
        try:
            near, cosines = _near(house, watched, rest, pairs.alike, now)
        except EmbeddingError as error:
            problem = f"prompts could not be embedded: {error}"
            log.warning("pairs of %s are matched by equal prompts only: %s", watched.name, error)
    one, two = rest
    looked_at = (0, 0) if problem else (len(one.ids), len(two.ids))
    least = min(cosines, default=None)
    return equal, near, Matched(len(equal), len(near), least, (one.prompts, two.prompts), looked_at, problem)


def _near(
    house: House, watched: Watched, rest: tuple[Alone, Alone], least: float, now: datetime
) -> tuple[list[Match], list[float]]:
    """Pairs by meaning in the order of their prompts' hash, which says nothing of them, and their cosines."""
    one, two = rest
    redact, known = Redactor(watched.settings.redact).redact, StoredCache(house.database, now, house.desk.lender)
    found = by_meaning(
        rest, lambda texts: house.desk.embedder.embed([redact(text) for text in texts], known).mean, least
    )
    pairs = [
        Match(
            prompt=f"{one.forms[each.first]}{_BOTH}{two.forms[each.second]}",
            first=one.ids[each.first],
            second=two.ids[each.second],
            at_us=max(one.at_us[each.first], two.at_us[each.second]),
        )
        for each in found
    ]
    return sorted(pairs, key=lambda each: each.prompt), [each.cosine for each in found]


def forms_of(clusters: Collection[str]) -> set[str]:
    """The prompts that pairs are about."""
    return {form for each in clusters for form in each.split(_BOTH)}
