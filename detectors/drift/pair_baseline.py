"""A baseline of pairs: what a model answers to its prompts when nothing has changed, fitted once and then frozen.

Like a baseline of texts, its first three quarters are what pairs are compared with, and the last quarter says how
strange normal prompts come out. Texts are not in it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.archive import from_bytes, to_bytes
from detectors.baseline import MOST_BYTES
from detectors.drift.conditional import PairCalibration
from detectors.drift.judged import Judged
from detectors.drift.learn import PARTS
from detectors.drift.pair_days import PairDays
from detectors.drift.pair_learn import PairWindows, judged, learn
from detectors.drift.pair_usual import Usually
from detectors.drift.pairs import Pairs
from detectors.drift.smooth import Filter
from detectors.fitting import CALIBRATION, TooFewError, by_hash, parts
from detectors.neighbours import Numbers
from detectors.profile import LEAST_CALLS, once, window_length
from detectors.sealed import EMBEDDER, REDACTOR, refusal, seal, settled, unseal

FORMAT = "pairs 2"
_KINDS: Mapping[str, type] = {each.__name__: each for each in (Filter, PairCalibration, PairDays, Usually)}
_DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class PairSettings:
    """As `detectors.baseline.Settings`, of pairs."""

    identity: str
    redactor: str
    window_length: timedelta | None = None
    least: int = LEAST_CALLS


@dataclass(frozen=True, slots=True, eq=False)
class PairSample:
    """The calls of a stretch of the log that have both texts, in any order; n of them.

    Attributes:
        prompts: n redacted texts.
        responses: n redacted texts, the answers to them.
        vectors: (n, d) of the prompts and (n, d) of the responses.
        at: (n,) event times, seconds since 1970.
        ids: n different ids.
        hours: how many such calls each hour (its start, UTC) really had; by default those of the sample.
    """

    prompts: Sequence[str]
    responses: Sequence[str]
    vectors: tuple[NDArray[np.float32], NDArray[np.float32]]
    at: Numbers
    ids: Sequence[str]
    hours: Mapping[datetime, int] | None = None

    @property
    def joined(self) -> list[str]:
        """Both texts of each call as one, which differ where one of the two does."""
        return [json.dumps(both) for both in zip(self.prompts, self.responses, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class PairBaseline:
    """See the module.

    Attributes:
        identity: of the embedder.
        redactor: version of what took personal data out of the texts.
        fitted_from: time of the first call.
        fitted_until: time of the last call.
        count: pairs that it is fitted on, each counted once a window.
        length_s: of the windows.
        pairs: at most 12,000 of the first three quarters.
        strange: (≤ 5,000,) out-of-distribution scores of prompts of the last quarter, sorted.
        drift: what windows are when nothing has changed; None where there were too few windows to tell.
        version: SHA-256 of everything else.
    """

    identity: str
    redactor: str
    fitted_from: datetime
    fitted_until: datetime
    count: int
    length_s: float
    pairs: Pairs
    strange: Numbers
    drift: PairCalibration | None = None
    version: str = field(default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "version", settled(_header(self), _arrays(self), self.drift))

    def refuses(self, identity: str, redactor: str) -> str:
        """Why texts that were made in another way cannot be compared with it; empty when they can."""
        return refusal(((EMBEDDER, self.identity, identity), (REDACTOR, self.redactor, redactor)))

    def judge(self, start: datetime, sample: PairSample) -> Judged:
        """The pairs of a window beside the baseline's; those that repeat count once."""
        rows = once(sample.joined, sample.at, self.length_s)
        prompts, responses = (each[rows] for each in sample.vectors)
        found = judged(start.timestamp(), self.pairs, self.strange, (prompts, responses))
        return replace(found, rows=rows[found.rows])

    def to_bytes(self) -> bytes:
        """As a compressed npz file; equal baselines give equal bytes.

        Raises:
            TooLargeError: it would take more than 25 MB.
        """
        return seal(_header(self) | {"version": self.version}, _arrays(self), MOST_BYTES)

    @classmethod
    def from_bytes(cls, data: bytes) -> "PairBaseline":
        """What `to_bytes` was called on.

        Raises:
            UnreadableError: these are not its bytes.
        """
        return unseal(data, FORMAT, _read)


def fit_pairs(sample: PairSample, settings: PairSettings) -> PairBaseline:
    """Learns what is normal; the order of the sample's rows does not matter.

    Raises:
        TooFewError: the first three quarters or the last have too few pairs.
    """
    joined = sample.joined
    order = by_hash(sample.ids, sample.at, joined)
    length = settings.window_length or (window_length(sample.hours) if sample.hours else None) or timedelta(days=1)
    length_s = length.total_seconds()
    rows = order[once([joined[row] for row in order], sample.at[order], length_s)]
    at = sample.at[rows]
    part = parts(at, length_s)
    first, later = np.flatnonzero(part != PARTS - 1), np.flatnonzero(part == PARTS - 1)
    if min(len(first), len(later)) < settings.least:
        raise TooFewError(len(first), len(later), settings.least)
    windows = PairWindows(sample.vectors[0][rows], sample.vectors[1][rows], at, part, length_s)
    pairs = windows.pairs(first)
    held_out = later[:CALIBRATION]
    strange = np.sort(pairs.see(windows.prompts[held_out], windows.responses[held_out]).strange)
    return PairBaseline(
        identity=settings.identity,
        redactor=settings.redactor,
        fitted_from=datetime.fromtimestamp(float(sample.at.min()), UTC),
        fitted_until=datetime.fromtimestamp(float(sample.at.max()), UTC),
        count=len(rows),
        length_s=length_s,
        pairs=pairs,
        strange=strange,
        drift=learn(pairs, strange, windows),
    )


def _header(baseline: PairBaseline) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "identity": baseline.identity,
        "redactor": baseline.redactor,
        "fitted_from": baseline.fitted_from.isoformat(),
        "fitted_until": baseline.fitted_until.isoformat(),
        "count": baseline.count,
        "length_s": baseline.length_s,
    }


def _arrays(baseline: PairBaseline) -> dict[str, NDArray[Any]]:
    drift = {} if baseline.drift is None else {_DRIFT: np.frombuffer(to_bytes(baseline.drift), np.uint8)}
    return {"strange": baseline.strange} | baseline.pairs.arrays() | drift


def _read(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> PairBaseline:
    return PairBaseline(
        identity=header["identity"],
        redactor=header["redactor"],
        fitted_from=datetime.fromisoformat(header["fitted_from"]),
        fitted_until=datetime.fromisoformat(header["fitted_until"]),
        count=header["count"],
        length_s=header["length_s"],
        pairs=Pairs(**{name: arrays[name] for name in Pairs._fields}),
        strange=arrays["strange"],
        drift=from_bytes(arrays[_DRIFT].tobytes(), _KINDS) if _DRIFT in arrays else None,
    )
