"""The chart of a group of alerts as an image, for channels that show an image by its address.

Like metrics and the status page it wants no token: it shows numbers, and no text of calls. Its address holds the
group's key, which is a hash.
"""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, HTTPException, Response
from starlette.concurrency import run_in_threadpool

from alerts.chart import chart
from monitor.house import House
from monitor.illustrate import CHART_PATH, drawn
from monitor.store import courses

LONGEST_KEY = 255


def routes(house: House, now: Callable[[], datetime]) -> APIRouter:
    """The route of the charts."""

    async def look(key: str) -> Response:
        picture = await run_in_threadpool(_picture, house, key, now())
        if picture is None:
            raise HTTPException(404, "there is no such group of alerts, or nothing to draw of it")
        return Response(picture, media_type="image/png")

    router = APIRouter()
    router.add_api_route(CHART_PATH, look, methods=["GET", "HEAD"])
    return router


def _picture(house: House, key: str, now: datetime) -> bytes | None:
    """The chart as it is now: the address is the same over the life of an incident."""
    with house.database.reading() as session:
        message = courses.newest_message(session, key[:LONGEST_KEY])
    made = None if message is None else chart(drawn(house, message, now))
    return None if made is None else made[0]
