"""Vectors from an OpenAI-compatible endpoint (OpenAI, vLLM, Text Embeddings Inference): POST <url>/embeddings."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

import httpx
import numpy as np
from numpy.typing import NDArray

from config.detectors import EmbeddingsApi
from detectors.embedder import EmbeddingError, Pause, fingerprint
from detectors.normalise import chunks_by_characters

TRIES: Final = 5
LONGEST_PAUSE_S: Final = 60.0

# An empty text is refused by every endpoint.
EMPTY: Final = "(empty)"
# A refused text is cut in two down to this length; what is refused then is refused for another reason.
_SHORTEST: Final = 64

# Too many texts, or one that is too long: OpenAI and vLLM say 400, TEI 413 or 422.
_TOO_LARGE: Final = frozenset({400, 413, 422})
_MEANINGS: Final[dict[int, str]] = {
    401: "does not accept the api_key",
    403: "does not let this api_key use the model",
    404: "does not know the model, or the url is wrong",
    429: "asks to slow down",
}
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_SECONDS = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*")
_NO_CREDIT: Final = "insufficient_quota"  # a 429 that no waiting helps

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
        self._pause = pause
        self._headers = _headers(settings)
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
            raise _refusal(answer)
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
        for attempt in range(TRIES):
            wait = min(2.0**attempt, LONGEST_PAUSE_S)
            try:
                answer = client.post(f"{self._settings.url}/embeddings", json=body)
            except httpx.TimeoutException:
                failure = EmbeddingError("the embeddings endpoint did not answer in time", temporary=True)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                what = f"the embeddings endpoint cannot be reached ({type(error).__name__})"
                failure = EmbeddingError(what, temporary=True)
            else:
                if not _may_change(answer):
                    return answer
                failure = _refusal(answer)
                wait = max(wait, retry_after(answer.headers) or 0.0)
            if wait > LONGEST_PAUSE_S:
                raise failure
            if attempt < TRIES - 1:
                self._pause(wait)
        raise failure


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds in `Retry-After`; None without one, or if it holds a date: nothing here has a clock."""
    match = _SECONDS.fullmatch(headers.get("retry-after", ""))
    return float(match[1]) if match else None


def _may_change(answer: httpx.Response) -> bool:
    status = answer.status_code
    return status in (408, 425) or status >= 500 or (status == 429 and _NO_CREDIT not in _codes(answer))


def _batches(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


def _headers(settings: EmbeddingsApi) -> dict[str, str]:
    if settings.api_key is None:
        return {}
    key = settings.api_key.get_secret_value().strip()
    if not key.isascii() or not key.isprintable():
        raise ValueError("the api_key holds characters that no header can carry")
    return {"Authorization": f"Bearer {key}"}


def _refusal(answer: httpx.Response) -> EmbeddingError:
    status = answer.status_code
    meaning = _MEANINGS.get(status, "is broken at the moment" if status >= 500 else "refuses the request")
    detail = ", ".join([f"HTTP {status}", *_codes(answer)])
    return EmbeddingError(f"the embeddings endpoint {meaning} ({detail})", temporary=_may_change(answer))


def _codes(answer: httpx.Response) -> list[str]:
    """The documented words of an error. Its message may quote the text or the key, and is never shown."""
    body = _json(answer)
    error = body.get("error", body) if isinstance(body, dict) else None
    found = [error.get(name) for name in ("type", "code")] if isinstance(error, dict) else []
    return [each for each in found if isinstance(each, str) and _CODE.fullmatch(each)]


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def _vectors(answer: httpx.Response, count: int) -> Numbers:
    """(count, d), ordered by `index`.

    Raises:
        EmbeddingError: the answer is not what OpenAI documents.
    """
    body = _json(answer)
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


def _nonsense(what: str) -> EmbeddingError:
    return EmbeddingError(f"the embeddings endpoint answered with {what}")
