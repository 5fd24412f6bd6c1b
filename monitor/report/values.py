"""What a report says: values that become the page and the JSON beside it."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from detectors.explain import Shift
from monitor.report.plain import plain

if TYPE_CHECKING:
    from monitor.report.drift_values import Drift, PairPart
    from monitor.report.judged import JudgedPart

Point = tuple[float, float]


class ReportError(Exception):
    """There is nothing to report; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One number with its 95 % interval, and what it means.

    Attributes:
        value: None when `sentence` says why there is none.
        unit: `ratio` (shown in percent), `points` (a difference of ratios) or `distance`.
        changed: whether the interval leaves out what is usual.
    """

    name: str
    title: str
    unit: str
    value: float | None
    lower: float | None
    upper: float | None
    n: int
    changed: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A call and the beginning of its redacted text; None of a call that the log no longer has."""

    id: str
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicShift(Shift):
    """A topic of the baseline whose share changed, with texts of the window and `usual` ones of the baseline."""

    name: str
    exemplars: tuple[Exemplar, ...]
    usual: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewTopic:
    """Texts near to each other where the baseline has almost none; see `detectors.explain.NewTopic`."""

    name: str
    n: int
    share: float
    expected: float
    strange: float
    per_hour_before: float
    per_hour: float
    exemplars: tuple[Exemplar, ...]
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """A descriptor that changed; see `detectors.change.Change`."""

    name: str
    kind: str
    meaning: str
    before: float | None
    now: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    strength: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """One value of a column of the log.

    Attributes:
        before: its share of the baseline's texts; None when the log no longer has them.
        now: its share of the window's texts.
        strange: the share of its texts that is out of distribution, with its interval.
        of_novelty: its part of the texts out of distribution beyond the usual; None when there is no such excess.
        of_mix: its part of the mix effect; None when there is none.
    """

    column: str
    value: str
    before: float | None
    now: float
    n: int
    strange: float | None
    lower: float | None
    upper: float | None
    of_novelty: float | None
    of_mix: float | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A topic on the map: the sign drawn, where, and what it stands for."""

    sign: str
    x: float
    y: float
    name: str
    new: bool


@dataclass(frozen=True, slots=True)
class Map:
    """Two dimensions of the embeddings, in pixels of a picture of `picture.WIDTH` by `picture.HEIGHT`.

    Attributes:
        before: texts of the baseline.
        now: texts of the window that are not out of distribution.
        strange: those that are.
        explained: share of the baseline's variance that the two dimensions have.
    """

    before: tuple[Point, ...]
    now: tuple[Point, ...]
    strange: tuple[Point, ...]
    marks: tuple[Mark, ...]
    explained: float


@dataclass(frozen=True, slots=True)
class Result:
    """What a method of Evidently gave for a column; `drifted` is what Evidently calls it."""

    column: str
    value: float
    drifted: bool


@dataclass(frozen=True, slots=True)
class Method:
    """One of Evidently's methods: its threshold, what that means, and what it gave; without results it was not used."""

    name: str
    threshold: str
    meaning: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Evidently:
    """Evidently's report of the same window.

    Attributes:
        reference: texts of the baseline's stretch that it compared with.
        current: texts of the window.
        methods: that it used, and those that it has and that were not used.
        problem: why there is none; empty when there is.
        html: its page, not part of the JSON.
    """

    reference: int
    current: int
    methods: tuple[Method, ...]
    problem: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True)
class Learnt:
    """The baseline that a window is compared with; `role` is rolling or pinned, of one that is in use."""

    version: str
    state: str
    role: str
    fitted_from: datetime
    fitted_until: datetime
    texts: int
    topics: int


@dataclass(frozen=True, slots=True)
class Part:
    """One stream of texts of one segment, in one stretch of time.

    Attributes:
        start, end: the window `[start, end)` of event time.
        population: texts of the window.
        read: texts of the sample.
        compared: texts without those that repeat within a window of the baseline.
        strangest: of the compared texts that are out of distribution, the strangest first.
        same: columns of the log that have one and the same value before and now.
        notes: what a reader should know of how it was made.
        drift: what the drift detector says of the stream.
    """

    source: str
    segment: dict[str, str]
    stream: str
    start: datetime
    end: datetime
    baseline: Learnt
    population: int
    read: int
    compared: int
    effects: tuple[Effect, ...]
    strangest: tuple[Exemplar, ...]
    new: tuple[NewTopic, ...]
    grown: tuple[TopicShift, ...]
    shrunk: tuple[TopicShift, ...]
    descriptors: tuple[Described, ...]
    contributions: tuple[Contribution, ...]
    same: tuple[str, ...]
    map: Map
    notes: tuple[str, ...]
    evidently: Evidently | None
    drift: "Drift | None" = None

    @property
    def changed(self) -> list[Effect]:
        """The effects whose interval leaves out what is usual."""
        return [effect for effect in self.effects if effect.changed]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A stream that is not in the report, and why."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the page shows."""

    version: str
    made_at: datetime
    parts: tuple[Part, ...]
    left_out: tuple[LeftOut, ...]
    pairs: "tuple[PairPart, ...]" = ()
    judged: "tuple[JudgedPart, ...]" = ()

    @property
    def end(self) -> datetime:
        """Of the newest stretch that it is about."""
        return max(each.end for some in (self.parts, self.pairs, self.judged) for each in some)

    def as_json(self) -> dict[str, Any]:
        """All numbers, findings and texts; Evidently's page is only in the HTML."""
        found: dict[str, Any] = plain(asdict(self))
        for part in found["parts"]:
            if part["evidently"] is not None:
                del part["evidently"]["html"]
        return found
