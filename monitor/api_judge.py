"""The calls that a judge failed, with its evidence, as JSON: texts of users, so it wants the token.

And what a person says to an alarm: that it is the new normal.

What the judge quotes was redacted before the judge saw it; what it says of its own accord is redacted here too.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.concurrency import run_in_threadpool

from config.sources.common import Redaction
from monitor.api_guard import asked, body, guard
from monitor.clean import clean_text
from monitor.house import House
from monitor.judging.accepting import NothingToAcceptError, accept
from monitor.redact import Redactor
from monitor.status_json import plain
from monitor.store import judging
from monitor.store.judge_tables import VerdictRow
from monitor.store.measurements import segment_of

PATH = "/api/v1/judge/failing"
ACCEPT = "/api/v1/judge/accept"
MOST = 500


class Accepted(BaseModel):
    """What `POST /api/v1/judge/accept` is sent; without a source it is about all of them."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    criterion: str = Field(min_length=1, max_length=200)
    source: str = Field("", max_length=200)


def routes(house: House, now: Callable[[], datetime], token: SecretStr | None) -> APIRouter:
    """The routes of the judge's evidence, and of a new normal."""
    router = APIRouter(dependencies=[Depends(guard(token))])

    async def look(
        source: str | None = None,
        criterion: str | None = None,
        judge: str | None = None,
        limit: int = Query(50, ge=1, le=MOST),
    ) -> Response:
        return JSONResponse(
            {"failing": plain(await run_in_threadpool(failing, house, (source, criterion, judge), limit))}
        )

    async def take(request: Request) -> Response:
        said = asked(Accepted, await body(request))
        return JSONResponse({"accepted": await run_in_threadpool(_accept, house, said, now())})

    router.add_api_route(PATH, look, methods=["GET", "HEAD"])
    router.add_api_route(ACCEPT, take, methods=["POST"])
    return router


def _accept(house: House, said: Accepted, now: datetime) -> list[dict[str, str]]:
    if house.settings.judge is None:
        raise HTTPException(404, "no judge is configured")
    try:
        with house.database.transaction() as session:
            chosen = accept(session, house.settings.judge, (said.criterion, said.source), now)
    except NothingToAcceptError as error:
        raise HTTPException(404, clean_text(str(error), 500)) from None
    return [{"source": row.source, "criterion": row.criterion, "judge": row.voice} for row in chosen]


def failing(house: House, of: tuple[str | None, str | None, str | None], most: int) -> list[dict[str, Any]]:
    """The newest calls that fail, with what the judge quotes and says of them, redacted.

    Args:
        house: the service.
        of: source, criterion and judge; None is any.
        most: how many.

    Raises:
        HTTPException: there is no judge.
    """
    if house.settings.judge is None:
        raise HTTPException(404, "no judge is configured")
    source, criterion, voice = of
    with house.database.reading() as session:
        rows = judging.failing(session, source, criterion, voice, most)
    return [_shown(house, row) for row in rows]


def _shown(house: House, row: VerdictRow) -> dict[str, Any]:
    watched = house.sources.get(row.source)
    settings = Redaction() if watched is None else watched.settings.redact
    redact = Redactor.always(settings).redact
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
