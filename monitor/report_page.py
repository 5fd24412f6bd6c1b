"""The pages to which the report link of a message leads: a form that asks for the report of one alert, and the page
where one waits for it.

Nothing happens before the form is sent. Reports hold texts of users: where a token is set a browser is shown none
before somebody has typed it, which is remembered by a cookie that holds no token.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool

from alerts.rules import ACTIVE
from alerts.view import labels_of
from monitor import alertbook
from monitor.alertbook import Book, UnknownAlertError
from monitor.clean import clean_text
from monitor.forms import HEADERS, has_pass, is_token, pass_of, read_form
from monitor.house import House
from monitor.illustrate import baseline_of
from monitor.page import render
from monitor.report import api
from monitor.report.jobs import BusyError, Reports
from monitor.report.values import ReportError
from monitor.ways import REPORT_PATH, is_reported

WAIT_PATH = "/reports/{name}"
COOKIE = "watchkeeper_report"
PAGE = "report page"
DOOR = "this needs the token of server.token: open the report from the page that asks for it"

# A report of an alert is about the time that it fires, within these.
LEAST, MOST = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Subject:
    """What the report of an alert is about, in the words of the form; all of it can be changed but the source."""

    source: str
    labels: Mapping[str, str]
    start: str
    end: str
    baseline: str


def routes(house: House, reports: Reports, now: Callable[[], datetime], token: SecretStr | None) -> APIRouter:
    """The form, and the page that waits for what it asked for."""
    desk = _Desk(house, reports, now, None if token is None else token.get_secret_value())
    router = APIRouter()
    router.add_api_route(REPORT_PATH, desk.look, methods=["GET", "HEAD"])
    router.add_api_route(REPORT_PATH, desk.sent, methods=["POST"])
    router.add_api_route(WAIT_PATH, desk.wait, methods=["GET", "HEAD"])
    return router


class _Desk:
    def __init__(self, house: House, reports: Reports, now: Callable[[], datetime], token: str | None) -> None:
        self._house = house
        self._reports = reports
        self._now = now
        self._token = token

    async def look(self, alert: str) -> Response:
        """The form."""
        return await run_in_threadpool(self._page, alert, {})

    async def sent(self, alert: str, request: Request) -> Response:
        """What comes of the form."""
        return await run_in_threadpool(self._ask, alert, await read_form(request))

    def wait(self, name: str, request: Request) -> Response:
        """How far a report is, and the report."""
        if self._token is not None and not has_pass(request, COOKIE, self._token, PAGE):
            raise HTTPException(401, DOOR)
        job = self._reports.job(name)
        if job is None:
            return api.made(self._reports, name)
        if job.state == "done":
            return RedirectResponse(f"{name}.html", 303, HEADERS)
        return HTMLResponse(render("report_wait.html", job=job), 200, HEADERS)

    def _ask(self, alert: str, form: Mapping[str, str]) -> Response:
        subject = self._subject(alert)
        if self._token is not None and not is_token(form.get("token", ""), self._token):
            return self._page(alert, form, (403, "The token is not the one of server.token."))
        start, end, baseline = (form.get(name, "").strip() for name in ("from", "to", "baseline"))
        try:
            job = self._reports.ask(start, end, subject.source, baseline)
        except ReportError as error:
            return self._page(alert, form, (422, clean_text(str(error), 500)))
        except BusyError as error:
            return self._page(alert, form, (429, str(error)))
        # Relative: behind a proxy the pages may begin elsewhere.
        answer = RedirectResponse(f"../{job.id}", 303, HEADERS)
        if self._token is not None:
            answer.set_cookie(COOKIE, pass_of(self._token, PAGE), httponly=True, samesite="strict", path="/")
        return answer

    def _page(self, alert: str, form: Mapping[str, str], refused: tuple[int, str] = (200, "")) -> Response:
        page = render(
            "report_ask.html",
            subject=self._subject(alert),
            form={name: clean_text(text, 100) for name, text in form.items() if name != "token"},
            problem=refused[1],
            wants_token=self._token is not None,
        )
        return HTMLResponse(page, refused[0], HEADERS)

    def _subject(self, alert: str) -> Subject:
        with self._house.database.reading() as session:
            try:
                book = alertbook.book(session, self._house.settings, alertbook.find(session, alert))
            except UnknownAlertError:
                raise HTTPException(404, "there is no such alert") from None
            labels = labels_of(book.entry.alert)
            if not is_reported(self._house.settings, labels):
                raise HTTPException(404, "this alert is not about texts of a source: there is nothing to report")
            baseline = baseline_of(session, labels)
        start, end = stretch(book, self._now())
        return Subject(
            source=labels["source"],
            labels=labels,
            start=f"{start:%Y-%m-%dT%H:%MZ}",
            end=f"{end:%Y-%m-%dT%H:%MZ}",
            baseline="" if baseline is None else baseline.version[:12],
        )


def stretch(book: Book, now: datetime) -> tuple[datetime, datetime]:
    """The time that an alert fires, or fired last: at least a day, because it is told after what it is about has begun,
    and at most a week."""
    end = book.entry.ended or now
    begun = (row.at for row in reversed(book.transitions) if row.to_state in ACTIVE and row.from_state not in ACTIVE)
    since = book.entry.since or next(begun, end)
    return max(min(since, end - LEAST), end - MOST), end
