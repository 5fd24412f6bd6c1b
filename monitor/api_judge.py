"""The calls that a judge failed, with its evidence, as JSON and as a page: texts of users, so it wants the token.

What the judge quotes was redacted before the judge saw it; what it says of its own accord is redacted here too.
"""

from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool

from config.sources.common import Redaction
from monitor.api_guard import guard
from monitor.clean import clean_text
from monitor.house import House
from monitor.page import render
from monitor.redact import Redactor
from monitor.status_json import plain
from monitor.store import judging
from monitor.store.judge_tables import VerdictRow
from monitor.store.measurements import segment_of

PATH = "/api/v1/judge/failing"
PAGE = "/judge/failing"
MOST = 500


def routes(house: House, token: SecretStr | None) -> APIRouter:
    """The routes of the judge's evidence."""
    router = APIRouter(dependencies=[Depends(guard(token))])

    async def look(
        request: Request,
        source: str | None = None,
        criterion: str | None = None,
        judge: str | None = None,
        limit: int = Query(50, ge=1, le=MOST),
    ) -> Response:
        if house.settings.judge is None:
            raise HTTPException(404, "no judge is configured")
        found = await run_in_threadpool(failing, house, (source, criterion, judge), limit)
        if request.url.path == PAGE:
            return HTMLResponse(render("judged.html", calls=found))
        return JSONResponse({"failing": plain(found)})

    for path in (PATH, PAGE):
        router.add_api_route(path, look, methods=["GET", "HEAD"])
    return router


def failing(house: House, of: tuple[str | None, str | None, str | None], most: int) -> list[dict[str, Any]]:
    """The newest calls that fail, with what the judge quotes and says of them, redacted.

    Args:
        house: the service.
        of: source, criterion and judge; None is any.
        most: how many.
    """
    source, criterion, voice = of
    with house.database.reading() as session:
        rows = judging.failing(session, source, criterion, voice, most)
    return [_shown(house, row) for row in rows]


def _shown(house: House, row: VerdictRow) -> dict[str, Any]:
    watched = house.sources.get(row.source)
    settings = Redaction() if watched is None else watched.settings.redact
    redact = Redactor(settings.model_copy(update={"enabled": True})).redact
    return {
        "source": row.source,
        "segment": segment_of(row.segment).as_dict(),
        "call_id": clean_text(row.call_id, 200),
        "at": row.at,
        "criterion": row.criterion,
        "judge": row.voice,
        "judge_identity": row.judge,
        "rubric": row.rubric,
        "verdict": row.word,
        "score": row.score,
        "evidence": redact(row.evidence),
        "quoted": row.quoted,
        "reasoning": redact(row.reasoning),
        "probability": row.pi,
    }
