"""A real HTTP server on loopback whose next answers a test can write down: the ground of the fake channels."""

import socket
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Answer:
    """What the server says to one request.

    `hangs`: says nothing until the server is closed. `hangs_up`: closes the connection without an answer.
    """

    status: int = 200
    body: bytes | str = b""
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    hangs_up: bool = False

    @property
    def content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body


HANGS = Answer(hangs=True)
HANGS_UP = Answer(hangs_up=True)


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class FakeHttp:
    """Listens from `__enter__` to `__exit__`. A subclass answers in `respond`; `script` comes before it."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._scripted: deque[Answer | None] = deque()  # None: by the rules
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def base(self) -> str:
        """The address, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def script(self, *answers: Answer) -> None:
        """The next requests get these answers, whatever they ask; nothing of them is accepted."""
        self._scripted.extend(answers)

    def script_after(self, count: int, answer: Answer) -> None:
        """One of the next requests, after `count` that are answered by the rules, gets this answer."""
        self._scripted.extend([None] * count)
        self._scripted.append(answer)

    def respond(self, request: Request) -> Answer:
        """The answer by the channel's rules."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forgets requests and scripts; subclasses forget what they accepted too."""
        self.requests.clear()
        self._scripted.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            answer = (self._scripted.popleft() if self._scripted else None) or self.respond(request)
        if answer.hangs:
            self._closing.wait()
        return answer


def refused_address() -> str:
    """An address on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def _handler(server: FakeHttp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept, as the real ones do
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self._serve()

        def do_GET(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = server._answer(Request(self.command, self.path, dict(self.headers.items()), body))
            if answer.hangs or answer.hangs_up:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            content = b"" if answer.status in (204, 304) else answer.content  # these have no body, by definition
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(ConnectionError):  # a client need not read all of it
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    return Handler
