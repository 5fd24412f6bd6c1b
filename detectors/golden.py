"""Whether a model answers the same prompts otherwise than before: distances of answers, and a test over the set.

Of each prompt there are frozen answers and new ones. Their distance is debiased: the mean distance between a frozen and
a new answer, less the mean distance within both (half the energy distance; Székely and Rizzo, 2013), so that a model
that answers at random is no change. The statistic is its mean over the prompts. Under "nothing has changed" the answers
to one prompt can be exchanged, whatever the prompts are: the test permutes them within each prompt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.catalogue import MeasurementSpec
from detectors.measurement import Key, Reason, Value

Matrix = NDArray[np.float64]

PERMUTATIONS: Final = 4_999
RESAMPLES: Final = 2_000
LEAST_PROMPTS: Final = 5  # with fewer a bootstrap over prompts says nothing
LEAST_ANSWERS: Final = 3  # of a prompt, frozen and new together: fewer have no distance within
MOST_ANSWERS: Final = 10  # frozen ones that are read of a prompt
MOST_SPLITS: Final = 5_000
LONGEST: Final = 20_000  # characters of an answer that are compared letter by letter
KINDS: Final = ("embedding", "string")
_TIE: Final = 1e-9

GOLDEN: tuple[MeasurementSpec, ...] = (
    MeasurementSpec(
        "golden_distance",
        "distance",
        "How far the new answers to the golden set are from the frozen ones, less how far answers of one time are from "
        "each other; about 0 when nothing has changed. embedding: of unit vectors. string: share of letters to edit.",
        labels=(("kind", KINDS),),
    ),
    MeasurementSpec(
        "golden_p_value",
        "probability",
        "How likely a change as large as this is when the model is the same: by permutation within each prompt.",
    ),
    MeasurementSpec("golden_cost_usd", "US dollars", "What the last finished run of the golden set cost."),
)


GOLDEN_BY_NAME: Mapping[str, MeasurementSpec] = {spec.name: spec for spec in GOLDEN}


@dataclass(frozen=True, slots=True)
class Compared:
    """One prompt: distances between all its answers by kind, (k, k), the frozen ones first."""

    prompt: str
    distances: Mapping[str, Matrix]
    frozen: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a test found.

    Attributes:
        effects: the mean distance by kind, with its 95 % interval over prompts.
        p_value: None with too few prompts.
        lead: the kind that changed most, compared with chance.
        moved: prompts by how far the leading kind moved, the farthest first.
    """

    effects: Mapping[str, Value]
    p_value: Value
    lead: str = KINDS[0]
    moved: tuple[str, ...] = ()

    @property
    def is_certain(self) -> bool:
        """Whether the interval of the leading kind lies above zero."""
        lower = self.effects[self.lead].lower
        return lower is not None and lower > 0

    def values(self) -> dict[Key, Value]:
        """As measurements."""
        found = {Key.of("golden_distance", kind=kind): value for kind, value in self.effects.items()}
        return found | {Key.of("golden_p_value"): self.p_value}


def string_distances(texts: Sequence[str]) -> Matrix:
    """(k, k): Levenshtein distance over the longer one's length."""
    from rapidfuzz.distance import Levenshtein

    read = [text[:LONGEST] for text in texts]
    matrix = np.zeros((len(read), len(read)))
    for one, two in combinations(range(len(read)), 2):
        matrix[one, two] = matrix[two, one] = Levenshtein.normalized_distance(read[one], read[two])
    return matrix


def embedding_distances(vectors: NDArray[np.floating]) -> Matrix:
    """(k, k): Euclidean between unit vectors, which makes the debiased distance non-negative in the mean."""
    rows = np.asarray(vectors, np.float64)
    matrix: Matrix = np.sqrt(np.maximum(2 - 2 * rows @ rows.T, 0))
    np.fill_diagonal(matrix, 0)
    return matrix


def compare_answers(prompts: Sequence[Compared]) -> Change:
    """The test over the set; equal answers give equal numbers."""
    usable = [
        each
        for each in prompts
        if 1 <= each.frozen < len(each.distances[KINDS[0]]) and len(each.distances[KINDS[0]]) >= LEAST_ANSWERS
    ]
    if len(usable) < LEAST_PROMPTS:
        none = Value(None, n=len(usable), reason=Reason.TOO_FEW)
        return Change(dict.fromkeys(KINDS, none), none)
    dice = np.random.default_rng(0)
    moved = {kind: np.empty(len(usable)) for kind in KINDS}
    drawn = {kind: np.zeros(PERMUTATIONS) for kind in KINDS}
    variance, centre = dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0.0)
    for number, each in enumerate(usable):
        splits = _splits(len(each.distances[KINDS[0]]), each.frozen)
        chosen = dice.integers(len(splits), size=PERMUTATIONS)
        for kind in KINDS:
            statistic = _debiased(each.distances[kind], splits)
            moved[kind][number] = statistic[0]
            drawn[kind] += statistic[chosen]
            variance[kind] += statistic.var()
            centre[kind] += statistic.mean()
    # Each kind on the scale of its own chance, exactly known; the test is about the larger of the two.
    observed = {kind: _score(moved[kind].sum(), centre[kind], variance[kind]) for kind in KINDS}
    chance = np.max([_score(drawn[kind], centre[kind], variance[kind]) for kind in KINDS], axis=0)
    lead = max(KINDS, key=lambda kind: float(observed[kind]))
    p_value = (1 + int((chance >= float(observed[lead]) - _TIE).sum())) / (1 + PERMUTATIONS)
    order = np.argsort(-moved[lead], kind="stable")
    return Change(
        effects={kind: _effect(moved[kind]) for kind in KINDS},
        p_value=Value(p_value, n=len(usable)),
        lead=lead,
        moved=tuple(usable[int(place)].prompt for place in order),
    )


def _splits(count: int, frozen: int) -> NDArray[np.bool_]:
    """(s, k): every choice of the frozen answers, the true one first."""
    if comb(count, frozen) > MOST_SPLITS:
        raise ValueError(f"{count} answers to one prompt are too many")
    rows = np.zeros((comb(count, frozen), count), bool)
    for number, members in enumerate(combinations(range(count), frozen)):
        rows[number, list(members)] = True
    return rows


def _debiased(distances: Matrix, splits: NDArray[np.bool_]) -> Matrix:
    """(s,): the statistic of one prompt for each choice of the frozen answers."""
    old = splits.astype(np.float64)
    new = 1 - old
    frozen, fresh = old[0].sum(), new[0].sum()
    between = np.einsum("si,ij,sj->s", old, distances, new) / (frozen * fresh)
    within = [
        np.einsum("si,ij,sj->s", side, distances, side) / (number * (number - 1))
        for side, number in ((old, frozen), (new, fresh))
        if number > 1
    ]
    statistic: Matrix = between - np.mean(within, axis=0)
    return statistic


def _score(total: NDArray[np.float64] | float, centre: float, variance: float) -> NDArray[np.float64]:
    spread = np.sqrt(variance)
    return np.asarray((total - centre) / spread if spread > _TIE else np.zeros_like(total))


def _effect(moved: Matrix) -> Value:
    """The mean over prompts with its percentile interval."""
    dice = np.random.default_rng(1)
    resampled = moved[dice.integers(len(moved), size=(RESAMPLES, len(moved)))].mean(axis=1)
    lower, upper = np.quantile(resampled, [0.025, 0.975])
    return Value(float(moved.mean()), float(lower), float(upper), len(moved))
