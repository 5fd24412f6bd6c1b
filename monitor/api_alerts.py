"""Alerts and silences over HTTP: look, take on, note, silence. Everything here wants the token where one is set."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.concurrency import run_in_threadpool

from config.settings import Settings
from monitor import alertdesk
from monitor.alertbook import UnknownAlertError, book, entries, find, silence_json
from monitor.alertdesk import RefusedError, Wanted
from monitor.api_guard import asked, body, guard
from monitor.clean import clean_text
from monitor.explain import explain
from monitor.status_json import plain
from monitor.store import silences
from monitor.store.database import Database, Session
from monitor.store.history import Asked as Filter
from monitor.times import parse_time

MOST = 1_000  # alerts in an answer


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Said(_Question):
    """What `POST /api/v1/alerts/{id}/ack` and `…/notes` are sent."""

    by: str = Field(min_length=1, max_length=alertdesk.LONGEST_NAME)
    text: str = Field("", max_length=alertdesk.LONGEST_TEXT)


class SilenceAsked(_Question):
    """What `POST /api/v1/silences` is sent; times and lengths as on the command line."""

    matchers: list[str] = Field([], max_length=alertdesk.MOST_MATCHERS)
    alert: str = Field("", max_length=64)
    by: str = Field(min_length=1, max_length=alertdesk.LONGEST_NAME)
    reason: str = Field(min_length=1, max_length=alertdesk.LONGEST_TEXT)
    lasts: str = Field("", alias="for", max_length=100)
    start: str = Field("", alias="from", max_length=100)
    until: str = Field("", max_length=100)


def routes(database: Database, settings: Settings, now: Callable[[], datetime], token: SecretStr | None) -> APIRouter:
    """The routes of alerts and silences."""
    handlers = _Handlers(database, settings, now)
    router = APIRouter(prefix="/api/v1", dependencies=[Depends(guard(token))])
    router.add_api_route("/alerts", handlers.alerts, methods=["GET", "HEAD"])
    router.add_api_route("/alerts/{alert}", handlers.alert, methods=["GET", "HEAD"])
    router.add_api_route("/alerts/{alert}/explain", handlers.explain, methods=["GET", "HEAD"])
    router.add_api_route("/alerts/{alert}/ack", handlers.acknowledge, methods=["POST"])
    router.add_api_route("/alerts/{alert}/notes", handlers.note, methods=["POST"])
    router.add_api_route("/silences", handlers.silences, methods=["GET", "HEAD"])
    router.add_api_route("/silences", handlers.add_silence, methods=["POST"])
    router.add_api_route("/silences/{number}", handlers.end_silence, methods=["DELETE"])
    return router


class _Handlers:
    """One method a route; the store is only touched in threads."""

    def __init__(self, database: Database, settings: Settings, now: Callable[[], datetime]) -> None:
        self._database = database
        self._settings = settings
        self._now = now

    def alerts(  # noqa: PLR0913, PLR0917 - one for each filter
        self, state: str = "", rule: str = "", source: str = "", since: str = "", ended: bool = False, limit: int = 200
    ) -> Response:
        """The alerts that are not over, with `ended=true` also others; filters by state, rule and source."""
        try:
            moment = parse_time(since, self._now()) if since else None
        except (ValueError, OverflowError) as error:
            raise HTTPException(422, clean_text(f"since: {error}", 500)) from None
        wanted = Filter(rule, source, moment, max(1, min(limit, MOST)))
        with self._database.reading() as session:
            found = entries(session, self._settings, wanted, ended=ended)
        return _json({"alerts": [each.as_json() for each in found if state in ("", each.state.value)]})

    def alert(self, alert: str) -> Response:
        """Everything that is kept about an alert."""
        return _json(self._read(lambda session: book(session, self._settings, find(session, alert)).as_json()))

    def explain(self, alert: str, *, whole: bool = False) -> Response:
        """Why messages of an alert were sent or were not."""
        told = self._read(
            lambda session: explain(book(session, self._settings, find(session, alert)), self._settings, whole=whole)
        )
        return _json({"sentences": [{"at": each.at, "text": each.text, "steps": list(each.steps)} for each in told]})

    async def acknowledge(self, alert: str, request: Request) -> Response:
        """Takes an alert on."""
        said = asked(Said, await body(request))
        return await self._write(
            lambda session, now: alertdesk.acknowledge(session, find(session, alert), said.by, said.text, now)
        )

    async def note(self, alert: str, request: Request) -> Response:
        """Notes something of an alert."""
        said = asked(Said, await body(request))
        return await self._write(
            lambda session, now: alertdesk.note(session, find(session, alert), said.by, said.text, now)
        )

    def silences(self, *, ended: bool = False) -> Response:
        """The silences that hold or will, with `ended=true` also others."""
        now = self._now()
        with self._database.reading() as session:
            found = silences.newest(session, MOST) if ended else silences.not_over(session, now)
        return _json({"silences": [silence_json(each, now) for each in found]})

    async def add_silence(self, request: Request) -> Response:
        """Asks for silence."""
        said = asked(SilenceAsked, await body(request))
        wanted = Wanted(said.matchers, said.by, said.reason, said.lasts, said.start, said.until)

        def add(session: Session, now: datetime) -> dict[str, Any]:
            alert = find(session, said.alert) if said.alert else ""
            return silence_json(alertdesk.silence(session, wanted, now, alert), now)

        return await self._write(add, 201)

    async def end_silence(self, number: int) -> Response:
        """Ends a silence."""
        return await self._write(lambda session, now: alertdesk.end_silence(session, number, now))

    def _read(self, look: Callable[[Session], Any]) -> Any:
        try:
            with self._database.reading() as session:
                return look(session)
        except UnknownAlertError as error:
            raise HTTPException(404, clean_text(str(error), 500)) from None

    async def _write(self, change: Callable[[Session, datetime], Any], status: int = 200) -> Response:
        def do() -> Any:
            with self._database.transaction() as session:
                return change(session, self._now())

        try:
            done = await run_in_threadpool(do)
        except UnknownAlertError as error:
            raise HTTPException(404, clean_text(str(error), 500)) from None
        except RefusedError as error:
            raise HTTPException(409, clean_text(str(error), 500)) from None
        return _json({} if done is None else done, status)


def _json(document: Any, status: int = 200) -> Response:
    return JSONResponse(plain(document), status_code=status)
