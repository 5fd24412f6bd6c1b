"""One sample of everything that reads texts, for the contract suite, and the texts that the suite gives them.

To add a kind of embedder or scorer, or another reader: write a line in `READERS`.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import timedelta
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple, get_args

import numpy as np
from fake_embeddings import FakeEmbeddings
from numpy.typing import NDArray
from text_kit import DIMENSIONS, SETTINGS, START, days, mixed, traffic, unit

from config.detectors import AnyEmbedder, EmbeddingsApi, MiniLM, SentenceTransformersModel
from detectors import effects, explain, familiar, fitting, ood, topics
from detectors.baseline import Baseline
from detectors.change import change
from detectors.descriptors import describe
from detectors.embedder import Embedded, Embedder, build
from detectors.embedders import minilm
from detectors.features import take
from detectors.fitting import FitSample
from detectors.language import language
from detectors.neighbours import Indices
from detectors.summary import Summary, summarise, values

HOUR = 3_600.0
SLOW = 7  # texts that an embedder is given
CHUNKS = 3  # of a long text that it reads


class Read(NamedTuple):
    """What a reader says: of each text, and of all together."""

    rows: Sequence[Any] | NDArray[Any] = ()
    whole: Any = None


@dataclass(frozen=True)
class Reader:
    """Something that reads texts.

    `kind` is as in the settings, where they know kinds. `learn` makes what `read` needs from a sample; what it opens,
    it leaves to the stack. `again` stores what was learnt and loads it. `rounding` is what another order of rows may
    change: sums of floats. `most` texts are read.
    """

    name: str
    learn: Callable[[FitSample, ExitStack], Any]
    read: Callable[[Any, FitSample], Read]
    again: Callable[[Any], Any] | None = None
    kind: str = ""
    rounding: float = 0.0
    most: int | None = None

    def __call__(self, learnt: Any, sample: FitSample) -> Read:
        return self.read(learnt, rows_of(sample, np.arange(len(sample.texts))[: self.most]))


class Memory(dict[str, bytes]):
    """A cache that forgets nothing."""

    def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:  # type: ignore[override]
        return {key: self[key] for key in keys if key in self}

    def put(self, items: Mapping[str, bytes]) -> None:
        self.update(items)


# --- texts


def sample_of(texts: Sequence[str], first: float = 16 * 24, hours: float = 8) -> FitSample:
    """Texts spread evenly over some hours. What a text gets depends on nothing else; long ones have three chunks."""
    parts = [_chunks(text) for text in texts]
    n = len(texts)
    mean = unit(np.array([part.mean(axis=0) for part in parts]).reshape(n, DIMENSIONS))
    chunk = np.concatenate([np.zeros((0, DIMENSIONS), np.float32), *parts])
    owner = np.repeat(np.arange(n, dtype=np.intp), [len(part) for part in parts])
    at = START + (first + np.arange(n) / max(n, 1) * hours) * HOUR
    return FitSample(list(texts), Embedded(mean, chunk, owner), at, [f"odd-{row:04}" for row in range(n)])


def _chunks(text: str) -> NDArray[np.float32]:
    seed = int.from_bytes(sha256(text.encode("utf-8", "surrogatepass")).digest()[:4], "big")
    return unit(np.random.RandomState(seed).standard_normal((3 if len(text) > 1_000 else 1, DIMENSIONS)))


def rows_of(sample: FitSample, rows: Indices) -> FitSample:
    """Some rows, in their order."""
    return replace(
        sample,
        texts=[sample.texts[row] for row in rows],
        vectors=take(sample.vectors, rows),
        at=sample.at[rows],
        ids=[sample.ids[row] for row in rows],
    )


def together(one: FitSample, other: FitSample) -> FitSample:
    """The rows of both."""
    first, second = one.vectors, other.vectors
    return FitSample(
        [*one.texts, *other.texts],
        Embedded(
            np.concatenate([first.mean, second.mean]),
            np.concatenate([first.chunk, second.chunk]),
            np.concatenate([first.owner, second.owner + len(first.mean)]),
        ),
        np.concatenate([one.at, other.at]),
        [*one.ids, *other.ids],
    )


_SHORT = ["", "\x00", "\ud800\udfff\ud800", "<script>alert(1)</script>", "word " * 300, "again", "again"]
NORMAL = traffic(days(0, 4), 10)
# Odd texts, a new topic, and every call of it once more: what is read where texts need not be hostile.
_MORNING = traffic([16 * 24.0 + hour for hour in range(8)], 15, mixed(tomato=0.15), seed=5)
_RETRIED = replace(_MORNING, ids=[f"again-{name}" for name in _MORNING.ids])
LATER = together(sample_of(_SHORT), together(_MORNING, _RETRIED))

_ORDINARY = [f"{text} {number}" for number, text in enumerate(traffic([0.0], 60, seed=3).texts)]
HOSTILE: dict[str, list[str]] = {
    "HTML": [f"<script>alert('{row}')</script><img src=x onerror=y> & &lt;b&gt;" for row in range(60)],
    "a megabyte": ["the quick brown fox " * 50_000, *_ORDINARY],
    "lone surrogates": [f"\ud800 half {row} \udfff" for row in range(60)],
    "NUL": [f"a\x00b{row}\x00" for row in range(60)],
    "control characters": ["\x1b[31m\u202e\u2028" * row for row in range(60)],
    "empty": [""] * 60,
    "white space": [" " * row + "\n\t" for row in range(60)],
    "one repeated text": ["please reset my password"] * 60,
    "all duplicates": [text for text in _ORDINARY[:30] for _ in range(2)],
    "all long": [f"{text} " * 36 for text in _ORDINARY],
    "three texts": ["one", "two", "\ud800"],
    "one text": ["one"],
    "no text": [],
}


@cache
def hostile(name: str, first: float = 16 * 24, hours: float = 8) -> FitSample:
    """The sample of some texts of `HOSTILE`, made once; no test changes it."""
    return sample_of(HOSTILE[name], first, hours)


# --- readers


def _embedder(made: Callable[[ExitStack], Embedder]) -> dict[str, Any]:
    """Learns nothing; what is stored is the vectors in a cache."""

    def read(learnt: tuple[Embedder, Memory | None], sample: FitSample) -> Read:
        embedder, memory = learnt
        if memory is not None:
            embedder.embed(sample.texts, memory)
        found = embedder.embed(sample.texts, memory)
        return Read([(mean, found.chunk[found.owner == row]) for row, mean in enumerate(found.mean)])

    return {
        "learn": lambda sample, stack: (made(stack), None),
        "read": read,
        "again": lambda learnt: (learnt[0], Memory()),
        "rounding": 1e-5,
        "most": SLOW,
    }


def _endpoint(stack: ExitStack) -> Embedder:
    fake = stack.enter_context(FakeEmbeddings())
    return build(
        EmbeddingsApi.model_validate({"kind": "openai", "url": fake.url, "model": fake.model, "api_key": fake.key})
    )


def _folder(stack: ExitStack) -> Embedder:
    return build(SentenceTransformersModel(kind="sentence_transformers", model=str(minilm.folder()), chunks=CHUNKS))


EMBEDDERS: dict[str, Callable[[ExitStack], Embedder]] = {
    "minilm": lambda stack: build(MiniLM(chunks=CHUNKS)),
    "sentence_transformers": _folder,
    "openai": _endpoint,
}
# What sums rows that were cut into other blocks may differ by; knn is exact.
SCORERS: dict[str, float] = {"knn": 0.0, "lof": 1e-6, "isolation_forest": 0.0, "mahalanobis": 1e-6}


def _restored(scorer: ood.Scorer) -> ood.Scorer:
    file = io.BytesIO()
    np.savez(file, **scorer.arrays())
    with np.load(io.BytesIO(file.getvalue()), allow_pickle=False) as stored:
        return ood.load(scorer.name, {name: stored[name] for name in stored.files})


def _scorer(kind: Any) -> dict[str, Any]:
    return {
        "learn": lambda sample, stack: ood.fit(kind, sample.vectors.mean),
        "read": lambda learnt, sample: Read(ood.score_texts(learnt, sample.vectors)),
        "again": _restored,
    }


def _described(before: Summary, sample: FitSample) -> Read:
    now = summarise(sample.texts)
    rows = list(zip(*describe(sample.texts).values(), language(sample.texts), strict=True))
    return Read(rows, (now.to_json(), list(values(now).items()), change(now, before)))


def _topics(learnt: tuple[Any, ...], sample: FitSample) -> Read:
    centroids, _, found = learnt
    labels = topics.assign(centroids, sample.vectors.mean)
    kept = [row for row, label in enumerate(labels) if label >= 0]
    terms = topics.terms_of([sample.texts[row] for row in kept], labels[kept], len(found)) if kept else []
    return Read(labels, (found, terms, topics.names_of(terms)))


def fitted(sample: FitSample, stack: ExitStack | None = None) -> Baseline:
    """A baseline of whatever there is."""
    return fitting.fit(sample, replace(SETTINGS, least=1, window_length=timedelta(hours=1)))


_OF_NORMAL: list[Baseline] = []


def _fitted_once(sample: FitSample, stack: ExitStack) -> Baseline:
    """The baseline of normal texts is fitted once for what only reads it: that fitting is repeatable is its own sample."""
    if sample is not NORMAL:
        return fitted(sample)
    if not _OF_NORMAL:
        _OF_NORMAL.append(fitted(sample))
    return _OF_NORMAL[0]


def _fits(learnt: Baseline, sample: FitSample) -> Read:
    try:
        more = fitted(sample)
    except fitting.TooFewError as error:
        return Read(whole=(learnt.to_bytes(), str(error)))
    return Read(whole=(learnt.to_bytes(), more.to_bytes(), {name: getattr(more, name) for name in _FITTED}))


_FITTED = ("reservoir", "calibration", "centroids", "topics", "radius", "history", "summary", "sample_size")


def _reloaded(learnt: Baseline) -> Baseline:
    return Baseline.from_bytes(learnt.to_bytes())


def _measured(learnt: Baseline, sample: FitSample) -> Read:
    placed = effects.place(learnt, sample)
    assert learnt.familiar is not None
    unfamiliar = learnt.familiar.beside([] if placed is None else placed.texts)
    found = effects.measure(learnt, placed) | familiar.values(unfamiliar)
    return Read(whole=(list(found.items()), effects.outlier_days(learnt)))


def _explained(learnt: Baseline, sample: FitSample) -> Read:
    return Read(whole=explain.explain(learnt, effects.place(learnt, sample)))


READERS = (
    *(Reader(f"embedder {kind}", kind=kind, **_embedder(made)) for kind, made in EMBEDDERS.items()),
    *(Reader(f"scorer {kind}", kind=kind, rounding=rounding, **_scorer(kind)) for kind, rounding in SCORERS.items()),
    Reader(
        "descriptors",
        lambda sample, stack: summarise(sample.texts),
        _described,
        lambda learnt: Summary.from_json(json.loads(json.dumps(learnt.to_json()))),
    ),
    Reader("topics", lambda sample, stack: topics.fit(sample.vectors.mean, sample.texts, 0), _topics),
    Reader("baseline", fitted, _fits, _reloaded),
    Reader("effects", _fitted_once, _measured, _reloaded, rounding=1e-9),
    Reader("explain", _fitted_once, _explained, _reloaded, rounding=1e-9),
)


def embedder_kinds() -> set[str]:
    """The kinds that the settings know."""
    return {get_args(model.model_fields["kind"].annotation)[0] for model in get_args(get_args(AnyEmbedder)[0])}


# --- results


def leaves(thing: Any) -> Iterator[Any]:
    """Everything that a result holds, in order: numbers, words, bytes, None, and arrays as they are."""
    if is_dataclass(thing):
        yield from (leaf for each in fields(thing) for leaf in leaves(getattr(thing, each.name)))
    elif isinstance(thing, Mapping):
        yield from (leaf for item in thing.items() for leaf in leaves(item))
    elif isinstance(thing, list | tuple):
        yield len(thing)
        yield from (leaf for each in thing for leaf in leaves(each))
    else:
        yield thing
