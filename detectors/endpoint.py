"""One request to an OpenAI-compatible endpoint: sent again where that may help, every error without secrets."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from pydantic import SecretStr

Pause = Callable[[float], object]

TRIES: Final = 5
LONGEST_PAUSE_S: Final = 60.0

_MEANINGS: Final[dict[int, str]] = {
    401: "does not accept the api_key",
    403: "does not let this api_key use the model",
    404: "does not know the model, or the url is wrong",
    429: "asks to slow down",
}
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_SECONDS = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*")
_NO_CREDIT: Final = "insufficient_quota"  # a 429 that no waiting helps


class EndpointError(Exception):
    """There is no good answer; the message says why, and never quotes a text or a key.

    Attributes:
        temporary: whether the same request may be answered later.
        unsure: whether it may have been worked on, and paid for, all the same.
    """

    def __init__(self, message: str, *, temporary: bool = False, unsure: bool = False) -> None:
        super().__init__(message)
        self.temporary = temporary
        self.unsure = unsure


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go.

    Attributes:
        what: its name in messages: `the embeddings endpoint`.
        address: of the resource.
        pause: waits some seconds before a request is sent again; a true answer says that the wait was broken off.
        after_timeout: whether a request that was not answered in time is sent again: it may be paid for twice.
    """

    what: str
    address: str
    pause: Pause
    after_timeout: bool = True

    def post(self, client: httpx.Client, body: Mapping[str, Any]) -> httpx.Response:
        """The first answer that trying again would not change: good, or a refusal.

        Raises:
            EndpointError: there is none after some tries.
        """
        for attempt in range(TRIES):
            wait = min(2.0**attempt, LONGEST_PAUSE_S)
            try:
                answer = client.post(self.address, json=body)
            except httpx.TimeoutException:
                failure = EndpointError(f"{self.what} did not answer in time", temporary=True, unsure=True)
                if not self.after_timeout:
                    raise failure from None
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                failure = EndpointError(f"{self.what} cannot be reached ({type(error).__name__})", temporary=True)
            else:
                if not may_change(answer):
                    return answer
                failure = self.refusal(answer)
                wait = max(wait, retry_after(answer.headers) or 0.0)
            if wait > LONGEST_PAUSE_S:
                raise failure
            if attempt < TRIES - 1 and self.pause(wait):
                raise failure
        raise failure

    def refusal(self, answer: httpx.Response) -> EndpointError:
        """What an answer that is no good means."""
        status = answer.status_code
        meaning = _MEANINGS.get(status, "is broken at the moment" if status >= 500 else "refuses the request")
        detail = ", ".join([f"HTTP {status}", *_codes(answer)])
        return EndpointError(f"{self.what} {meaning} ({detail})", temporary=may_change(answer))


def headers(api_key: SecretStr | None) -> dict[str, str]:
    """What a request carries to be let in.

    Raises:
        ValueError: no header can carry the key.
    """
    if api_key is None:
        return {}
    key = api_key.get_secret_value().strip()
    if not key.isascii() or not key.isprintable():
        raise ValueError("the api_key holds characters that no header can carry")
    return {"Authorization": f"Bearer {key}"}


def retry_after(given: Mapping[str, str]) -> float | None:
    """The seconds in `Retry-After`; None without one, or if it holds a date: nothing here has a clock."""
    match = _SECONDS.fullmatch(given.get("retry-after", ""))
    return float(match[1]) if match else None


def may_change(answer: httpx.Response) -> bool:
    """Whether the same request may be answered differently soon."""
    status = answer.status_code
    return status in (408, 425) or status >= 500 or (status == 429 and _NO_CREDIT not in _codes(answer))


def json_of(answer: httpx.Response) -> Any:
    """The body; None when it is no JSON."""
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def _codes(answer: httpx.Response) -> list[str]:
    """The documented words of an error. Its message may quote the text or the key, and is never shown."""
    body = json_of(answer)
    error = body.get("error", body) if isinstance(body, dict) else None
    found = [error.get(name) for name in ("type", "code")] if isinstance(error, dict) else []
    return [each for each in found if isinstance(each, str) and _CODE.fullmatch(each)]
