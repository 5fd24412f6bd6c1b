"""The web server: metrics, health, and one status page; the only door to FastAPI and uvicorn.

It runs in a thread of its own beside the scheduler and only ever reads the snapshot; a report that it is asked for is
made in a thread of its own too. There is no login, so it listens on localhost by default and, there, answers only to
its own names: a page from elsewhere must not reach it by pointing a host name of its own at 127.0.0.1 (DNS rebinding).
Reports hold texts of users, so they want the token where one is set.
"""

import socket
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

from config.server import Server as ServerSettings
from monitor.exporter import Exporter
from monitor.page import render_page, style_hash
from monitor.snapshot import Snapshot
from monitor.status_json import render_json

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 0.7  # then connections are dropped: stopping the service must not wait for a reader

HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src {style_hash()}; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class ServerError(Exception):
    """The server cannot listen; the text says where and what to change."""


class Server:
    """Serves the snapshot until it is stopped."""

    def __init__(
        self,
        settings: ServerSettings,
        exporter: Exporter,
        snapshot: Callable[[], Snapshot],
        now: Callable[[], datetime],
        alive: Callable[[], bool],
    ) -> None:
        """Prepares the server; `start` opens the port.

        Args:
            settings: where to listen.
            exporter: renders `/metrics`.
            snapshot: called once a request, from any thread.
            now: the wall clock.
            alive: whether the scheduler still works; while it does not, `/healthz` answers 503 so that it is restarted.
        """
        self._settings = settings
        self._exporter = exporter
        self._snapshot = snapshot
        self._now = now
        self._alive = alive
        self._routers: list[APIRouter] = []
        self._address = ("", 0)
        self._uvicorn: _Uvicorn | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where this machine reaches the running server, without a slash at the end."""
        host, port = self._address
        if ip_address(host).is_unspecified:
            host = "::1" if ":" in host else "127.0.0.1"
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def mount(self, router: APIRouter) -> None:
        """Adds what is served; before the start."""
        self._routers.append(router)

    def start(self) -> None:
        """Returns when connections are accepted.

        Raises:
            ServerError: the address is taken, not ours, or not allowed.
        """
        listener = _listen(self._settings.host, self._settings.port)
        self._address = listener.getsockname()[:2]
        config = uvicorn.Config(
            self._app(),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        self._uvicorn = _Uvicorn(config)
        self._thread = threading.Thread(
            target=self._uvicorn.run, args=([listener],), name="watchkeeper-server", daemon=True
        )
        self._thread.start()
        if not self._uvicorn.accepting.wait(START_TIMEOUT_S):
            raise ServerError(f"the server did not start on {self.url} within {START_TIMEOUT_S:.0f} s; see the log")

    def stop(self) -> None:
        """Closes the port; requests that are being answered get a moment."""
        if self._uvicorn is None or self._thread is None:
            return
        self._uvicorn.should_exit = True
        self._thread.join(STOP_TIMEOUT_S)
        self._uvicorn.force_exit = True
        self._thread.join(1 - STOP_TIMEOUT_S)

    def _app(self) -> FastAPI:
        # No pages of the framework's own: they load scripts from elsewhere.
        app = FastAPI(title="Watchkeeper", docs_url=None, redoc_url=None, openapi_url=None)
        app.middleware("http")(self._guard)
        pages: dict[str, Callable[[], Response]] = {
            "/": self._page,
            "/metrics": self._metrics,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/api/v1/status": self._status,
        }
        for path, page in pages.items():
            app.add_api_route(path, page, methods=["GET", "HEAD"])
        for router in self._routers:
            app.include_router(router)
        return app

    async def _guard(self, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        if self._knows(request.headers.get("host", "")):
            response = await answer(request)
        else:
            text = "This server does not go by that name; if it should, set server.external_url.\n"
            response = PlainTextResponse(text, status_code=400)
        response.headers.update(
            HEADERS | {name: response.headers[name] for name in HEADERS if name in response.headers}
        )
        return response

    def _knows(self, host_header: str) -> bool:
        if not ip_address(self._address[0]).is_loopback:
            return True
        known = {"localhost", "127.0.0.1", "::1", self._address[0], self._settings.host}
        known.add(_host_of(self._settings.external_url or ""))
        return _host_of(f"//{host_header}") in known - {""}

    def _page(self) -> Response:
        return HTMLResponse(render_page(self._snapshot(), self._now(), self._exporter.version))

    def _metrics(self) -> Response:
        return Response(self._exporter.render(), headers={"Content-Type": self._exporter.content_type})

    def _status(self) -> Response:
        return Response(render_json(self._snapshot()), media_type="application/json")

    def _healthz(self) -> Response:
        if self._alive():
            return JSONResponse({"alive": True})
        return JSONResponse({"alive": False, "reason": "the scheduler has stopped or hangs"}, status_code=503)

    def _readyz(self) -> Response:
        waiting = self._snapshot().not_ready()
        return JSONResponse({"ready": not waiting, "sources": waiting}, status_code=503 if waiting else 200)


class _Uvicorn(uvicorn.Server):
    """Uvicorn that says when it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address, family=family)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while ")[0]  # Python adds the address to the reason
        raise ServerError(
            f"cannot listen on {host} port {port}: {reason}; set server.host and server.port to a free address"
        ) from error


def _host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
