"""Reports over HTTP: ask for one, see how far it is, fetch it.

They hold texts of users, so they want the token where one is set.
"""

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.concurrency import run_in_threadpool

from monitor.api_guard import asked, body, guard
from monitor.clean import clean_text
from monitor.report.jobs import BusyError, Format, Job, Reports
from monitor.report.values import ReportError

# A report brings the policy that its own scripts need; besides, it is kept apart from everything else that is served.
POLICY = "sandbox allow-scripts; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
MISSING = "there is no such report, or it is not done yet, or newer ones took its place"
KINDS: dict[str, tuple[Format, str]] = {"html": ("html", "text/html"), "json": ("json", "application/json")}


class Asked(BaseModel):
    """What `POST /api/v1/reports` is sent; times as on the command line."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    start: str = Field("", alias="from", max_length=100)
    end: str = Field("", alias="to", max_length=100)
    source: str = Field("", max_length=200)
    baseline: str = Field("", max_length=64)


def routes(reports: Reports, token: SecretStr | None) -> APIRouter:
    """The routes of the reports of a service."""

    async def ask(request: Request) -> Response:
        question = asked(Asked, await body(request))
        job = await run_in_threadpool(_start, reports, question)
        return JSONResponse({"id": job.id}, status_code=202, headers={"Location": f"/api/v1/reports/{job.id}"})

    def look(name: str) -> Response:
        job = reports.job(name)
        return JSONResponse(job.as_json()) if job is not None else made(reports, name)

    router = APIRouter(prefix="/api/v1/reports", dependencies=[Depends(guard(token))])
    router.add_api_route("", ask, methods=["POST"])
    router.add_api_route("/{name}", look, methods=["GET", "HEAD"])
    return router


def made(reports: Reports, name: str) -> Response:
    """A report that is done, by its id and how its file ends.

    Raises:
        HTTPException: there is none.
    """
    key, _, ending = name.partition(".")
    kind, media_type = KINDS.get(ending, (None, ""))
    content = None if kind is None else reports.file(key, kind)
    if content is None:
        raise HTTPException(404, MISSING)
    headers = {"Content-Security-Policy": POLICY} if kind == "html" else {}
    return Response(content, media_type=media_type, headers=headers)


def _start(reports: Reports, question: Asked) -> Job:
    try:
        return reports.ask(question.start, question.end, question.source, question.baseline)
    except ReportError as error:
        raise HTTPException(422, clean_text(str(error), 500)) from None
    except BusyError as error:
        raise HTTPException(429, str(error)) from None
