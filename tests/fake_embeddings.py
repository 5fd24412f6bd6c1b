"""An embeddings endpoint that follows OpenAI's documented rules.

Its time is the test's: `wait` is what the client pauses with, and nothing sleeps. Its vectors are made from the hash of
a text, and come in an order of its own.
"""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
from fake_http import Answer, FakeHttp, Request

Json = dict[str, Any]

MOST_INPUTS = 2048


@dataclass
class FakeEmbeddings(FakeHttp):
    """One account with one model."""

    key: str | None = "sk-TopSecretOfTheAccount"
    model: str = "text-embedding-3-small"
    dimensions: int = 8
    most_inputs: int = MOST_INPUTS
    most_characters: int = 10_000
    requests_a_minute: int = 10_000
    too_large_status: int = 400
    now: float = 0.0
    waited: list[float] = field(default_factory=list)
    accepted: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._minute: list[float] = []

    @property
    def url(self) -> str:
        return f"{self.base}/v1"

    @property
    def embedded(self) -> list[str]:
        """Every text that got a vector."""
        return [text for texts in self.accepted for text in texts]

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.waited.append(seconds)
        self.now += seconds

    def vector(self, text: str, dimensions: int | None = None) -> list[float]:
        """What a text gets; not of unit length."""
        seed = int.from_bytes(sha256(text.encode()).digest()[:8], "big")
        return [float(each) for each in np.random.default_rng(seed).normal(size=dimensions or self.dimensions)]

    def respond(self, request: Request) -> Answer:
        if request.path != "/v1/embeddings" or request.method != "POST":
            return error(404, f"Invalid URL ({request.method} {request.path})", "invalid_request_error")
        headers = {name.lower(): value for name, value in request.headers.items()}
        if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
            given = headers.get("authorization", "")
            return error(401, f"Incorrect API key provided: {given}", "invalid_request_error", "invalid_api_key")
        self._minute = [at for at in self._minute if at > self.now - 60]
        if len(self._minute) >= self.requests_a_minute:
            seconds = self._minute[0] + 60 - self.now
            return rate_limited(f"{seconds:g}")
        self._minute.append(self.now)
        return self._embed(json.loads(request.body))

    def _embed(self, body: Json) -> Answer:
        if body.get("model") != self.model:
            return error(404, "The model does not exist", "invalid_request_error", "model_not_found")
        texts, dimensions = body.get("input"), body.get("dimensions", self.dimensions)
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
            return error(400, "'input' must be a non-empty array of non-empty strings", "invalid_request_error")
        if len(texts) > self.most_inputs or max(map(len, texts)) > self.most_characters:
            return error(self.too_large_status, f"too large: {texts[0]}", "invalid_request_error")
        if not 1 <= dimensions <= self.dimensions or body.get("encoding_format") not in (None, "float"):
            return error(400, "not supported", "invalid_request_error")
        self.accepted.append(texts)
        return embeddings([self.vector(text, dimensions) for text in texts])


def embeddings(vectors: list[Any]) -> Answer:
    """A good answer, its items in reverse."""
    data = [{"object": "embedding", "index": at, "embedding": each} for at, each in enumerate(vectors)]
    return answer(
        {"object": "list", "data": data[::-1], "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    )


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Any JSON; Python's writer allows NaN, as some servers do."""
    return Answer(status, json.dumps(body), {"Content-Type": "application/json", **(headers or {})})


def error(
    status: int, message: str, kind: str, code: str | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """A refusal as OpenAI writes it."""
    return answer({"error": {"message": message, "type": kind, "param": None, "code": code}}, status, headers)


def rate_limited(seconds: str) -> Answer:
    """Too many requests."""
    return error(429, "Rate limit reached", "requests", "rate_limit_exceeded", {"Retry-After": seconds})
