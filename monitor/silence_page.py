"""The page to which the silence link of a message leads: one alert, and a form that silences exactly it.

Nothing happens before the form is sent, so that a channel that looks at links silences nothing. A form of another page
is refused: browsers say where a form comes from.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool

from monitor import alertdesk
from monitor.alertbook import UnknownAlertError, active_labels, find
from monitor.alertdesk import RefusedError, Wanted
from monitor.clean import clean_text
from monitor.forms import HEADERS, is_token, read_form
from monitor.page import render
from monitor.store.database import Database
from monitor.ways import SILENCE_PATH

LENGTHS = ("1h", "2h", "4h", "8h", "1d", "3d", "7d")


def routes(database: Database, now: Callable[[], datetime], token: SecretStr | None) -> APIRouter:
    """The page and its form."""
    desk = _Desk(database, now, None if token is None else token.get_secret_value())
    router = APIRouter()
    router.add_api_route(SILENCE_PATH, desk.look, methods=["GET", "HEAD"])
    router.add_api_route(SILENCE_PATH, desk.sent, methods=["POST"])
    return router


class _Desk:
    def __init__(self, database: Database, now: Callable[[], datetime], token: str | None) -> None:
        self._database = database
        self._now = now
        self._token = token

    async def look(self, alert: str) -> Response:
        """The form."""
        return await run_in_threadpool(self._page, alert, {})

    async def sent(self, alert: str, request: Request) -> Response:
        """What comes of the form."""
        return await run_in_threadpool(self._silence, alert, await read_form(request))

    def _silence(self, alert: str, form: Mapping[str, str]) -> Response:
        if self._token is not None and not is_token(form.get("token", ""), self._token):
            return self._page(alert, form, (403, "The token is not the one of server.token."))
        wanted = Wanted((), form.get("by", ""), form.get("reason", ""), form.get("for", ""))
        try:
            with self._database.transaction() as session:
                made = alertdesk.silence(session, wanted, self._now(), find(session, alert))
        except (RefusedError, UnknownAlertError) as error:
            return self._page(alert, form, (422, clean_text(str(error), 300)))
        return self._page(alert, form, until=made.ends_at)

    def _page(
        self, alert: str, form: Mapping[str, str], refused: tuple[int, str] = (200, ""), until: datetime | None = None
    ) -> Response:
        with self._database.reading() as session:
            try:
                known = find(session, alert)
            except UnknownAlertError:
                raise HTTPException(404, "there is no such alert") from None
            labels = active_labels(session, known)
        page = render(
            "silence.html",
            alert=known,
            labels=None if labels is None else sorted(labels.items()),
            form={name: clean_text(text, 500) for name, text in form.items() if name != "token"},
            lengths=LENGTHS,
            problem=refused[1],
            until=until,
            wants_token=self._token is not None,
        )
        return HTMLResponse(page, refused[0], HEADERS)
