"""Forms of our own pages: read within bounds, and refused when another page sent them."""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from fastapi import HTTPException, Request

from monitor.page import style_hash

LONGEST = 10_000  # bytes of a form
LONGEST_TOKEN = 1_000

HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src {style_hash()}; img-src data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # with none at all a browser does not say where a form comes from
}


def _is_own(request: Request) -> bool:
    """Whether a form comes from a page of this server, as browsers say."""
    if request.headers.get("sec-fetch-site", "") == "same-origin":
        return True
    origin = request.headers.get("origin", "")
    try:
        return bool(origin) and urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
    except ValueError:
        return False


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form of ours.

    Raises:
        HTTPException: another page sent it, it is none, or it is too long.
    """
    if not _is_own(request):
        raise HTTPException(403, "this form was not sent by a page of this server")
    read = b""
    async for part in request.stream():
        read += part
        if len(read) > LONGEST:
            raise HTTPException(413, f"send at most {LONGEST:,} bytes")
    try:
        fields = parse_qs(read.decode("ascii"), max_num_fields=100)
    except ValueError:
        raise HTTPException(400, "this is no form") from None
    return {name: values[0] for name, values in fields.items()}


def is_token(said: str, token: str) -> bool:
    """Whether somebody said the token."""
    return hmac.compare_digest(said[:LONGEST_TOKEN].encode("utf-8", "replace"), token.encode())


def pass_of(token: str, page: str) -> str:
    """What a browser is given for the token: from it nobody learns the token, and another token makes it worthless."""
    return hmac.new(token.encode(), page.encode(), hashlib.sha256).hexdigest()


def has_pass(request: Request, cookie: str, token: str, page: str) -> bool:
    """Whether a browser shows what it was given for the token."""
    shown = request.cookies.get(cookie, "")
    return hmac.compare_digest(shown.encode("utf-8", "replace"), pass_of(token, page).encode())
