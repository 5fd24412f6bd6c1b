"""From texts to vectors: normalised, cut into chunks, each text once, remembered.

A kind of embedder is a `Model` (`detectors.embedders.sentence`, `detectors.embeddings_api`); what all have in common is
here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from threading import Event
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from config.detectors import AnyEmbedder, EmbeddingsApi, MiniLM
from detectors.normalise import CHUNKING_VERSION, NORMALISER_VERSION, normalise
from detectors.protocols import Cache

Vectors = NDArray[np.float32]
Progress = Callable[[float], None]
Pause = Callable[[float], object]

GROUP: Final = 256  # texts that are embedded, and then remembered, together
_STORED: Final = np.dtype("<f4")
_LONGEST: Final = 50_000  # characters of a text beyond which more of them cost nothing more, nearly


class EmbeddingError(Exception):
    """Texts could not be embedded; the message says why, and never quotes a text or a key.

    Attributes:
        temporary: whether the same texts may be embedded later, with the same settings.
    """

    def __init__(self, message: str, *, temporary: bool = False) -> None:
        super().__init__(message)
        self.temporary = temporary


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """The vectors of n texts, in their order; float32, unit norm.

    Attributes:
        mean: (n, d), the direction of the mean of each text's chunks.
        chunk: (m, d), the chunks of the first text, then those of the second, …; each text has at least one.
        owner: (m,) intp, the text that each chunk belongs to, ascending.
    """

    mean: Vectors
    chunk: Vectors
    owner: NDArray[np.intp]


class Embedder(Protocol):
    """Turns texts into vectors. May be shared by threads."""

    @property
    def identity(self) -> str:
        """What made the vectors: model, weights, tokenizer, normaliser, chunking. Vectors of two are not compared."""
        ...

    @property
    def dimensions(self) -> int:
        """Length d of a vector."""
        ...

    def embed(self, texts: Sequence[str], cache: Cache | None = None, progress: Progress | None = None) -> Embedded:
        """Embeds any texts; what a text gets does not depend on the others (up to 1e-5).

        Args:
            texts: n of them, any strings; equal ones are embedded once.
            cache: where vectors are looked up, and put as they are made.
            progress: told the share that is done, ascending, 1.0 at the end.

        Raises:
            EmbeddingError: the model cannot be loaded, the endpoint does not answer, or what it answers is wrong.
        """
        ...


class Model(Protocol):
    """What a kind of embedder brings."""

    @property
    def identity(self) -> str:
        """A hash of all that the vectors depend on, but for the versions of normaliser and chunking."""
        ...

    @property
    def dimensions(self) -> int:
        """Length d of a vector."""
        ...

    def chunks(self, text: str) -> list[str]:
        """Cuts a normalised text into one or more chunks that the model reads to their end."""
        ...

    def vectors(self, chunks: Sequence[str]) -> NDArray[np.floating]:
        """The vectors (k, d) of k chunks, in their order, of any length."""
        ...


def build(settings: AnyEmbedder, pause: Pause | None = None) -> Embedder:
    """The embedder that the settings ask for; nothing is loaded or asked before it is needed.

    Args:
        settings: of `text.embedder`.
        pause: waits some seconds between two tries of an endpoint: the `wait` of an event that stops the service.

    Raises:
        ValueError: the settings cannot work: a key that no header can carry.
    """
    if isinstance(settings, EmbeddingsApi):
        from detectors.embeddings_api import EndpointModel

        return TextEmbedder(EndpointModel(settings, pause or Event().wait))
    from detectors.embedders.sentence import BundledModel, NamedModel

    return TextEmbedder(BundledModel(settings) if isinstance(settings, MiniLM) else NamedModel(settings))


def fingerprint(kind: str, *parts: object) -> str:
    """An identity: a kind that people can read, and a hash of everything else."""
    return f"{kind}-{sha256(repr(parts).encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


class TextEmbedder:
    """An `Embedder` on a model."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def identity(self) -> str:
        """As in `Embedder`."""
        kind = self._model.identity.partition("-")[0]
        return fingerprint(kind, self._model.identity, NORMALISER_VERSION, CHUNKING_VERSION)

    @property
    def dimensions(self) -> int:
        """As in `Embedder`."""
        return self._model.dimensions

    def embed(self, texts: Sequence[str], cache: Cache | None = None, progress: Progress | None = None) -> Embedded:
        """As in `Embedder`."""
        read = [normalise(text) for text in texts]
        known = self._remembered(dict.fromkeys(read), cache) if cache is not None else {}
        done = _Share([text for text in dict.fromkeys(read) if text not in known], progress)
        for group in _groups(done.texts):
            made = dict(zip(group, self._made(group), strict=True))
            if cache is not None:
                cache.put({self._key(text): each.astype(_STORED).tobytes() for text, each in made.items()})
            known |= made
            done.more(group)
        done.all()
        return _together([known[text] for text in read], self.dimensions)

    def _made(self, texts: Sequence[str]) -> list[Vectors]:
        chunks = [self._model.chunks(text) for text in texts]
        vectors = self._model.vectors([chunk for each in chunks for chunk in each])
        ends = list(accumulate(len(each) for each in chunks))
        return np.split(_unit(vectors, ends[-1], self.dimensions), ends[:-1])

    def _remembered(self, texts: Mapping[str, None], cache: Cache) -> dict[str, Vectors]:
        keys = {self._key(text): text for text in texts}
        read = ((keys[key], _restored(stored, self.dimensions)) for key, stored in cache.get(list(keys)).items())
        return {text: vectors for text, vectors in read if vectors is not None}

    def _key(self, text: str) -> str:
        return f"{self.identity}:{sha256(text.encode()).hexdigest()}"


class _Share:
    """Tells how much is done, weighed by length."""

    def __init__(self, texts: Sequence[str], progress: Progress | None) -> None:
        self.texts = texts
        self._progress = progress
        self._total = sum(_cost(text) for text in texts)
        self._done = 0

    def more(self, texts: Sequence[str]) -> None:
        self._done += sum(_cost(text) for text in texts)
        if self._progress and self._done < self._total:
            self._progress(self._done / self._total)

    def all(self) -> None:
        if self._progress:
            self._progress(1.0)


def _cost(text: str) -> int:
    return min(len(text), _LONGEST) + 20


def _groups(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts of like length together: a batch takes as long as its longest."""
    ordered = sorted(texts, key=len)
    for start in range(0, len(ordered), GROUP):
        yield ordered[start : start + GROUP]


def _unit(vectors: NDArray[np.floating], count: int, dimensions: int) -> Vectors:
    """Checked, and scaled to length 1.

    Raises:
        EmbeddingError: they are not `count` finite directions of `dimensions` numbers.
    """
    if vectors.shape != (count, dimensions):
        raise EmbeddingError(f"the model made vectors of shape {vectors.shape}, not {(count, dimensions)}")
    wide = vectors.astype(np.float64)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    if not np.isfinite(length).all():
        raise EmbeddingError("the model made vectors with numbers that are not finite (NaN or infinity)")
    if not (length > 0).all():
        raise EmbeddingError("the model made vectors that are zero: they have no direction")
    unit: Vectors = (wide / length).astype(np.float32)
    return unit


def _restored(stored: bytes, dimensions: int) -> Vectors | None:
    """What was stored of a text, (m, d); None if it is damaged: then it is made again."""
    if not stored or len(stored) % (dimensions * _STORED.itemsize):
        return None
    vectors = np.frombuffer(stored, _STORED).reshape(-1, dimensions).astype(np.float32)
    return vectors if np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4) else None


def _together(each: Sequence[Vectors], dimensions: int) -> Embedded:
    none = np.zeros((0, dimensions), np.float32)
    return Embedded(
        mean=np.stack([_mean(vectors) for vectors in each]) if each else none,
        chunk=np.concatenate(each) if each else none,
        owner=np.repeat(np.arange(len(each), dtype=np.intp), [len(vectors) for vectors in each]),
    )


def _mean(vectors: Vectors) -> Vectors:
    """(d,): the direction of the mean; that of the first where the mean has none."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    length = np.linalg.norm(mean)
    direction: Vectors = vectors[0] if len(vectors) == 1 or length < 1e-6 else (mean / length).astype(np.float32)
    return direction
