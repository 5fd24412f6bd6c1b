"""Vectors from an OpenAI-compatible endpoint (OpenAI, vLLM, Text Embeddings Inference): POST <url>/embeddings."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

import httpx
import numpy as np
from numpy.typing import NDArray

from config.detectors import EmbeddingsApi
from detectors.embedder import EmbeddingError, Pause, fingerprint
from detectors.endpoint import Endpoint, EndpointError, headers, json_of
from detectors.normalise import chunks_by_characters

# An empty text is refused by every endpoint.
EMPTY: Final = "(empty)"
# A refused text is cut in two down to this length; what is refused then is refused for another reason.
_SHORTEST: Final = 64

# Too many texts, or one that is too long: OpenAI and vLLM say 400, TEI 413 or 422.
_TOO_LARGE: Final = frozenset({400, 413, 422})
Numbers = NDArray[np.float64]


class EndpointModel:
    """A `detectors.embedder.Model` behind HTTP.

    Args:
        settings: where, and how much at once.
        pause: called with the seconds to wait before a request is sent again.

    Raises:
        ValueError: no header can carry the key.
    """

    def __init__(self, settings: EmbeddingsApi, pause: Pause) -> None:
        self._settings = settings
        self._endpoint = Endpoint("the embeddings endpoint", f"{settings.url}/embeddings", pause)
        self._headers = headers(settings.api_key)
        self.identity = fingerprint(
            "openai", settings.url, settings.model, settings.dimensions, settings.characters, settings.chunks
        )

    @cached_property
    def dimensions(self) -> int:
        """As in `detectors.embedder.Model`; asks the endpoint once unless the settings say it."""
        return self._settings.dimensions or self.vectors([EMPTY]).shape[1]

    def chunks(self, text: str) -> list[str]:
        """As in `detectors.embedder.Model`."""
        return chunks_by_characters(text, self._settings.characters, self._settings.chunks)

    def vectors(self, chunks: Sequence[str]) -> Numbers:
        """As in `detectors.embedder.Model`.

        Raises:
            EmbeddingError: the endpoint refuses, cannot be reached after some tries, or answers nonsense.
        """
        with httpx.Client(headers=self._headers, timeout=self._settings.timeout.total_seconds()) as client:
            batches = _batches([chunk or EMPTY for chunk in chunks], self._settings.batch)
            made = [self._accepted(client, batch) for batch in batches]
        lengths = {each.shape[1] for each in made} | {self._settings.dimensions or made[0].shape[1]}
        if len(lengths) > 1:
            raise _nonsense(
                f"embeddings of {' and '.join(map(str, sorted(lengths)))} numbers: they must be equally long"
            )
        return np.concatenate(made)

    def _accepted(self, client: httpx.Client, texts: Sequence[str]) -> Numbers:
        """The vectors of a batch; of one that is refused as too large, those of its halves."""
        answer = self._answer(client, texts)
        if answer.status_code == HTTPStatus.OK:
            return _vectors(answer, len(texts))
        if answer.status_code not in _TOO_LARGE or (len(texts) == 1 and len(texts[0]) <= _SHORTEST):
            raise _embedding_error(self._endpoint.refusal(answer))
        if len(texts) > 1:
            middle = len(texts) // 2
            return np.concatenate([self._accepted(client, half) for half in (texts[:middle], texts[middle:])])
        middle = len(texts[0]) // 2
        halves = [half for half in (texts[0][:middle].strip(), texts[0][middle:].strip()) if half]
        parts = np.concatenate([self._accepted(client, [half]) for half in halves])
        mean: Numbers = (parts / np.linalg.norm(parts, axis=1, keepdims=True)).mean(axis=0, keepdims=True)
        return mean

    def _answer(self, client: httpx.Client, texts: Sequence[str]) -> httpx.Response:
        """The first answer that trying again would not change."""
        body: dict[str, Any] = {"model": self._settings.model, "input": list(texts), "encoding_format": "float"}
        if self._settings.dimensions is not None:
            body["dimensions"] = self._settings.dimensions
        try:
            return self._endpoint.post(client, body)
        except EndpointError as error:
            raise _embedding_error(error) from error


def _batches(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


def _vectors(answer: httpx.Response, count: int) -> Numbers:
    """(count, d), ordered by `index`.

    Raises:
        EmbeddingError: the answer is not what OpenAI documents.
    """
    body = json_of(answer)
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise _nonsense("no list `data` of embeddings")
    if len(data) != count:
        raise _nonsense(f"{len(data)} embeddings of {count} texts")
    by_index = {each["index"]: each.get("embedding") for each in data if type(each.get("index")) is int}
    if sorted(by_index) != list(range(count)):
        raise _nonsense("embeddings whose `index` are not those of the texts")
    return np.stack(_of_one_length([_vector(by_index[index]) for index in range(count)]))


def _vector(numbers: Any) -> Numbers:
    if not isinstance(numbers, list) or not numbers or not all(type(each) in (int, float) for each in numbers):
        raise _nonsense("an embedding that is not a list of numbers")
    try:
        vector = np.array(numbers, np.float64)
    except OverflowError as error:
        raise _nonsense("an embedding with numbers that are not finite") from error
    if not np.isfinite(vector).all():
        raise _nonsense("an embedding with numbers that are not finite (NaN or infinity)")
    if not vector.any():
        raise _nonsense("an embedding that is zero")
    return vector


def _of_one_length(vectors: list[Numbers]) -> list[Numbers]:
    lengths = sorted({len(each) for each in vectors})
    if len(lengths) > 1:
        raise _nonsense(f"embeddings of {' and '.join(map(str, lengths[:2]))} numbers")
    return vectors


def _embedding_error(error: EndpointError) -> EmbeddingError:
    return EmbeddingError(str(error), temporary=error.temporary)


def _nonsense(what: str) -> EmbeddingError:
    return EmbeddingError(f"the embeddings endpoint answered with {what}")
