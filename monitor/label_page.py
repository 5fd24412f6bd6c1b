"""The page on which people label calls: one at a time, its texts redacted, a few questions, nothing of the judge.

It shows texts of users, so where a token is set nobody sees it without: who has typed the token is remembered by a
cookie that holds no token, and only this page is sent it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool

from monitor.clean import clean_text
from monitor.forms import HEADERS, has_pass, is_token, pass_of, read_form
from monitor.labels.desk import LabelDesk, Sheet
from monitor.labels.words import UnreadableError
from monitor.page import render
from monitor.sources.base import SourceError

PATH: Final = "/label"
COOKIE: Final = "watchkeeper_label"
PAGE: Final = "label page"
LONGEST_NAME: Final = 100


def routes(desk: LabelDesk, now: Callable[[], datetime], token: SecretStr | None) -> APIRouter:
    """The page and its form."""
    page = _Page(desk, now, None if token is None else token.get_secret_value())
    router = APIRouter()
    router.add_api_route(PATH, page.look, methods=["GET", "HEAD"])
    router.add_api_route(PATH, page.sent, methods=["POST"])
    return router


class _Page:
    def __init__(self, desk: LabelDesk, now: Callable[[], datetime], token: str | None) -> None:
        self._desk = desk
        self._now = now
        self._token = token

    async def look(self, request: Request, source: str = "", who: str = "") -> Response:
        """The next call of a person, or the question who they are."""
        source = source or (self._desk.sources[0] if self._desk.sources else "")
        if not who.strip() or not self._is_let_in(request):
            return self._door(source, who, "")
        return await run_in_threadpool(self._call, source, _name(who))

    async def sent(self, request: Request) -> Response:
        """Who a person is, or what they say of a call."""
        form = await read_form(request)
        source, who = form.get("source", ""), _name(form.get("who", ""))
        if not self._is_let_in(request) and not is_token(form.get("token", ""), self._token or ""):
            return self._door(source, who, "The token is not the one of server.token.", 403)
        if not who:
            return self._door(source, who, "Say who you are: labels of two people are two labels.", 422)
        if "call" in form:
            await run_in_threadpool(self._say, source, who, form)
        answer = RedirectResponse(f"{PATH}?{urlencode({'source': source, 'who': who})}", 303, HEADERS)
        if self._token is not None:
            answer.set_cookie(COOKIE, pass_of(self._token, PAGE), httponly=True, samesite="strict", path=PATH)
        return answer

    def _say(self, source: str, who: str, form: Mapping[str, str]) -> None:
        said = {name.removeprefix("criterion:"): word for name, word in form.items() if name.startswith("criterion:")}
        try:
            self._desk.say(source, form["call"], who, said, self._now())
        except KeyError:
            raise HTTPException(404, "there is no such source") from None
        except UnreadableError as error:
            raise HTTPException(422, clean_text(str(error), 300)) from None

    def _call(self, source: str, who: str) -> Response:
        try:
            sheet = self._desk.next(source, who)
        except KeyError:
            raise HTTPException(404, "there is no such source") from None
        except SourceError as error:
            raise HTTPException(503, clean_text(str(error), 300)) from None
        return HTMLResponse(self._shown(source, who, sheet), 200, HEADERS)

    def _door(self, source: str, who: str, problem: str, status: int = 200) -> Response:
        return HTMLResponse(self._shown(source, who, None, problem, asks=True), status, HEADERS)

    def _shown(self, source: str, who: str, sheet: Sheet | None, problem: str = "", *, asks: bool = False) -> str:
        return render(
            "label.html",
            sheet=sheet,
            source=clean_text(source, 200),
            sources=self._desk.sources,
            who=clean_text(who, LONGEST_NAME),
            asks=asks,
            problem=problem,
            wants_token=self._token is not None,
        )

    def _is_let_in(self, request: Request) -> bool:
        return self._token is None or has_pass(request, COOKIE, self._token, PAGE)


def _name(who: str) -> str:
    return clean_text(who.strip(), LONGEST_NAME)
