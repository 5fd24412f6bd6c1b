"""A baseline: what is normal for the texts of one stream, fitted once from a stretch of the log and then frozen.

What is fitted is spread over time: the first three quarters of the stretch are what texts are compared with, the last
quarter, which the scorer never saw, says how strange normal texts come out. A text that repeats within a window counts
once, here and wherever a baseline is used: a retry loop is no change of meaning.
"""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import ood
from detectors.archive import from_bytes, to_bytes
from detectors.descriptors import DESCRIPTORS_VERSION
from detectors.drift.calibrate import KINDS, Calibration
from detectors.familiar import Familiar
from detectors.features import Features
from detectors.neighbours import Numbers
from detectors.ood import Scorer
from detectors.profile import LEAST_CALLS, History
from detectors.sealed import EMBEDDER, REDACTOR, refusal, seal, settled, unseal
from detectors.storms import Storms
from detectors.summary import Summary
from detectors.topics import LIMIT, Topic

Stream = Literal["prompt", "response"]

FORMAT = 2
MOST_BYTES = 25_000_000
_DRIFT = "drift"
_FAMILIAR = "familiar_"
_STORMS = "storms_"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a baseline is fitted, and by what its texts were made.

    Attributes:
        stream: whose texts they are.
        identity: of the embedder: model, tokenizer, normaliser, chunking.
        redactor: version of what took personal data out of the texts.
        scorer: kind of out-of-distribution score.
        window_length: to be frozen; by default chosen by the counts of calls.
        topics: at most.
        least: texts in either part.
        seed: of everything that is drawn.
    """

    stream: Stream
    identity: str
    redactor: str
    scorer: ood.Kind = "knn"
    window_length: timedelta | None = None
    topics: int = LIMIT
    least: int = LEAST_CALLS
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """See the module. Texts are not in it, but for the beginnings of the topics' exemplars.

    Attributes:
        version: SHA-256 of everything else.
        settings: as fitted; `window_length` is the frozen one, None below 100 calls a day (windows then have a day).
        fitted_from: time of the first text.
        fitted_until: time of the last text.
        texts: how many it is fitted on, each counted once a window.
        sample_size: n_s, the number of texts that windows are cut to where more would make them incomparable: the 5 %
            quantile of the windows that have 100.
        reservoir: (≤ 20,000, d) different chunks and texts of the first part, float16.
        scorer: fitted on the reservoir.
        calibration: (≤ 5,000,) scores of texts of the last part, sorted.
        centroids: (k, d) of the topics.
        topics: k of them, the largest first.
        features: whose means `history` holds.
        radius: the cosine within which two texts are of one kind.
        history: the windows.
        summary: the descriptors of all texts.
        drift: what windows score when nothing has changed; None where there were too few windows to tell.
        familiar: its words and templates; None of a baseline that was fitted before these were counted.
        storms: its retries; None where they are not known, and of a baseline that was fitted before they were counted.
    """

    settings: Settings
    fitted_from: datetime
    fitted_until: datetime
    texts: int
    sample_size: int
    reservoir: NDArray[np.float16]
    scorer: Scorer
    calibration: Numbers
    centroids: NDArray[np.float32]
    topics: tuple[Topic, ...]
    features: Features
    radius: float
    history: History
    summary: Summary
    drift: Calibration | None = None
    familiar: Familiar | None = None
    storms: Storms | None = None
    version: str = field(default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "version", settled(_header(self), _arrays(self), self.drift))

    @property
    def length_s(self) -> float:
        """Length of the windows in seconds."""
        return self.history.length_s

    def refuses(self, identity: str, redactor: str, descriptors: str = DESCRIPTORS_VERSION) -> str:
        """Why texts that were made in another way cannot be compared with it; empty when they can."""
        return refusal(
            (
                (EMBEDDER, self.settings.identity, identity),
                (REDACTOR, self.settings.redactor, redactor),
                ("descriptors", self.summary.version, descriptors),
            )
        )

    def to_bytes(self) -> bytes:
        """As a compressed npz file; equal baselines give equal bytes.

        Raises:
            TooLargeError: it would take more than 25 MB.
        """
        return seal(_header(self) | {"version": self.version}, _arrays(self), MOST_BYTES)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Baseline":
        """What `to_bytes` was called on.

        Raises:
            UnreadableError: these are not its bytes.
        """
        return unseal(data, FORMAT, _read)


def _header(baseline: Baseline) -> dict[str, Any]:
    settings, length = baseline.settings, baseline.settings.window_length
    return {
        "format": FORMAT,
        "settings": {**asdict(settings), "window_length": length and length.total_seconds()},
        "fitted_from": baseline.fitted_from.isoformat(),
        "fitted_until": baseline.fitted_until.isoformat(),
        "texts": baseline.texts,
        "sample_size": baseline.sample_size,
        "topics": [asdict(topic) for topic in baseline.topics],
        "features": asdict(baseline.features),
        "radius": baseline.radius,
        "length_s": baseline.length_s,
        "summary": baseline.summary.to_json(),
    }


def _arrays(baseline: Baseline) -> dict[str, NDArray[Any]]:
    scorer = {f"scorer_{name}": array for name, array in baseline.scorer.arrays().items() if name != "reference"}
    history = {f"history_{name}": array for name, array in baseline.history.arrays().items()}
    own = {name: getattr(baseline, name) for name in ("reservoir", "calibration", "centroids")}
    drift = {} if baseline.drift is None else {_DRIFT: np.frombuffer(to_bytes(baseline.drift), np.uint8)}
    known = {} if baseline.familiar is None else baseline.familiar.arrays()
    storms = {} if baseline.storms is None else baseline.storms.arrays()
    later = {f"{_FAMILIAR}{name}": array for name, array in known.items()}
    return own | scorer | history | drift | later | {f"{_STORMS}{name}": array for name, array in storms.items()}


def _read(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Baseline:
    def part(prefix: str) -> dict[str, NDArray[Any]]:
        return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}

    settings, length = dict(header["settings"]), header["settings"]["window_length"]
    settings["window_length"] = length and timedelta(seconds=length)
    return Baseline(
        settings=Settings(**settings),
        fitted_from=datetime.fromisoformat(header["fitted_from"]),
        fitted_until=datetime.fromisoformat(header["fitted_until"]),
        texts=header["texts"],
        sample_size=header["sample_size"],
        reservoir=arrays["reservoir"],
        scorer=ood.load(settings["scorer"], {"reference": arrays["reservoir"]} | part("scorer_")),
        calibration=arrays["calibration"],
        centroids=arrays["centroids"],
        topics=tuple(
            Topic(**{**topic, "terms": tuple(topic["terms"]), "exemplars": tuple(topic["exemplars"])})
            for topic in header["topics"]
        ),
        features=Features(**header["features"]),
        radius=header["radius"],
        history=History(length_s=header["length_s"], **part("history_")),
        summary=Summary.from_json(header["summary"]),
        drift=from_bytes(arrays[_DRIFT].tobytes(), KINDS) if _DRIFT in arrays else None,
        familiar=Familiar.from_arrays(part(_FAMILIAR)) if part(_FAMILIAR) else None,
        storms=Storms(**part(_STORMS)) if part(_STORMS) else None,
    )
