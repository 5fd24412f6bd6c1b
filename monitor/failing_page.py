"""The calls that a judge failed, as a page for people: texts of users, so a browser is asked for the token once."""

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool

from monitor.api_guard import knows
from monitor.api_judge import MOST, failing
from monitor.forms import HEADERS, has_pass, is_token, pass_of, read_form
from monitor.house import House
from monitor.page import render

PATH = "/judge/failing"
COOKIE = "watchkeeper_judged"
PAGE = "judged page"


def routes(house: House, token: SecretStr | None) -> APIRouter:
    """The page, and the form that asks for the token."""
    word = None if token is None else token.get_secret_value()
    router = APIRouter()

    async def look(
        request: Request,
        source: str | None = None,
        criterion: str | None = None,
        judge: str | None = None,
        limit: int = Query(50, ge=1, le=MOST),
    ) -> Response:
        if word is not None and not has_pass(request, COOKIE, word, PAGE) and not knows(request, word):
            return _shown(None, "", 401)
        return _shown(await run_in_threadpool(failing, house, (source, criterion, judge), limit))

    async def sent(request: Request) -> Response:
        form = await read_form(request)
        if word is None or not is_token(form.get("token", ""), word):
            return _shown(None, "The token is not the one of server.token.", 403)
        query = f"?{request.url.query}" if request.url.query else ""
        # Relative: behind a proxy the pages may begin elsewhere.
        answer = RedirectResponse(f"failing{query}", 303, HEADERS)
        answer.set_cookie(COOKIE, pass_of(word, PAGE), httponly=True, samesite="strict", path=PATH)
        return answer

    router.add_api_route(PATH, look, methods=["GET", "HEAD"])
    router.add_api_route(PATH, sent, methods=["POST"])
    return router


def _shown(calls: object, problem: str = "", status: int = 200) -> Response:
    """The page; without calls it asks for the token."""
    return HTMLResponse(render("judged.html", calls=calls, asks=calls is None, problem=problem), status, HEADERS)
