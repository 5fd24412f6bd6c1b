"""What every route that wants more than a look has in common: the token, and bodies that are JSON and not long."""

import hmac
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import HTTPException, Request
from pydantic import BaseModel, SecretStr, ValidationError

from monitor.clean import clean_text

LONGEST = 10_000  # bytes of a question

Asked = TypeVar("Asked", bound=BaseModel)


def guard(token: SecretStr | None) -> Callable[[Request], Awaitable[None]]:
    """Lets through who sends the token, and everybody where none is set."""

    async def check(request: Request) -> None:
        if token is not None and not knows(request, token.get_secret_value()):
            text = "this needs the token of server.token: Authorization: Bearer …"
            raise HTTPException(401, text, {"WWW-Authenticate": "Bearer"})

    return check


async def body(request: Request) -> bytes:
    """The body of a request.

    Raises:
        HTTPException: it is no JSON, or too long.
    """
    # A browser asks no other server for leave to send a form or plain text; JSON it may not send.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "send JSON, with Content-Type: application/json")
    read = b""
    async for part in request.stream():
        read += part
        if len(read) > LONGEST:
            raise HTTPException(413, f"send at most {LONGEST:,} bytes")
    return read


def asked(model: type[Asked], read: bytes) -> Asked:
    """What a body asks for.

    Raises:
        HTTPException: it is not what the model wants; says where.
    """
    try:
        return model.model_validate_json(read or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        raise HTTPException(422, clean_text(f"{where}: {first['msg']}" if where else first["msg"], 500)) from None


def knows(request: Request, token: str) -> bool:
    """Whether a request sends the token."""
    kind, _, sent = request.headers.get("authorization", "").partition(" ")
    # Headers are read as latin-1, whatever their bytes mean.
    return kind.lower() == "bearer" and hmac.compare_digest(sent.strip(" ").encode("latin-1"), token.encode())
