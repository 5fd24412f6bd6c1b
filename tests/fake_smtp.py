"""A mail server by aiosmtpd, whose replies at every command a test can write down."""

import asyncio
import logging
import ssl
import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

HANGS = "hangs"
HANGS_UP = "hangs up"


@dataclass(frozen=True)
class Mail:
    """A mail as it was taken."""

    sender: str
    to: tuple[str, ...]
    raw: bytes

    @property
    def parsed(self) -> EmailMessage:
        made = message_from_bytes(self.raw, policy=default)
        assert isinstance(made, EmailMessage)
        return made

    def body(self, kind: str) -> str:
        """The part that a reader shows: plain or html."""
        part = self.parsed.get_body((kind,))
        assert part is not None
        text: str = part.get_content()
        return text


@dataclass
class FakeSmtp:
    """Listens from `__enter__` to `__exit__`. `script` says what a command is answered instead of being obeyed."""

    context: ssl.SSLContext | None = None
    implicit_tls: bool = False
    mails: list[Mail] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)  # the commands that came, in order
    _replies: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))

    username = "watchkeeper"
    password = "TopSecretOfTheMailServer"

    def script(self, command: str, *replies: str) -> None:
        """The next of these commands (MAIL, RCPT, DATA, AUTH, EHLO, HELO) get these replies."""
        self._replies[command].extend(replies)

    def reset(self) -> None:
        """Forgets all."""
        self.mails.clear()
        self.tried.clear()
        self._replies.clear()

    def __enter__(self) -> Self:
        logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)  # it would log what clients send
        self._loop = asyncio.new_event_loop()
        tls = self.context if self.implicit_tls else None
        starting = self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=tls)
        self._server = self._loop.run_until_complete(starting)
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _protocol(self) -> SMTP:
        offered = None if self.implicit_tls else self.context
        return SMTP(
            self,
            hostname="mail.example.org",
            tls_context=offered,
            require_starttls=offered is not None,
            authenticator=self._authenticate,
            auth_require_tls=offered is not None,
            loop=self._loop,
        )

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, login: Any) -> AuthResult:
        self.tried.append("AUTH")
        if self._replies["AUTH"]:
            return AuthResult(success=False, handled=False, message=self._replies["AUTH"].popleft())
        right = LoginPassword(self.username.encode(), self.password.encode())
        return AuthResult(success=login == right, handled=False)

    async def _scripted(self, command: str, server: SMTP) -> str | None:
        self.tried.append(command)
        reply = self._replies[command].popleft() if self._replies[command] else None
        if reply == HANGS:
            await asyncio.Event().wait()
        if reply == HANGS_UP:
            assert server.transport is not None
            server.transport.abort()
        return reply

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Any, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        reply = await self._scripted("EHLO", server)
        return responses if reply is None else [reply]

    async def handle_HELO(  # noqa: N802
        self, server: SMTP, session: Any, _envelope: Envelope, hostname: str
    ) -> str:
        session.host_name = hostname
        return await self._scripted("HELO", server) or "250 mail.example.org"

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, _session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = await self._scripted("MAIL", server)
        if reply is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply or "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        reply = await self._scripted("RCPT", server)
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        reply = await self._scripted("DATA", server)
        if reply is None:
            raw = envelope.original_content or b""
            self.mails.append(Mail(str(envelope.mail_from), tuple(envelope.rcpt_tos), raw))
        return reply or "250 2.0.0 taken"
