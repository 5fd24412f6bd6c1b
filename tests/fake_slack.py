"""A Slack that follows the documented rules of chat.postMessage, chat.update and incoming webhooks.

Its state is open to the test: `messages`, and switches such as `archived`.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from fake_http import Answer, FakeHttp, Request

MOST_BLOCKS = 50
LONGEST_SECTION = 3_000
LONGEST_HEADER = 150
LONGEST_CONTEXT_TEXT = 3_000
MOST_CONTEXT_ELEMENTS = 10
LONGEST_TEXT = 40_000
LONGEST_BLOCKS = 13_200

Json = dict[str, Any]


@dataclass
class Posted:
    """A message as the channel shows it now."""

    channel: str
    ts: str
    payload: Json
    thread_ts: str | None = None
    edits: int = 0
    by_us: bool = True
    frozen: bool = False  # its edit window is closed

    @property
    def text(self) -> str:
        """All that a person can read of it: blocks if there are any, and the fallback."""
        return "\n".join([*texts(self.payload.get("blocks", [])), self.payload.get("text", "")])


@dataclass
class Webhook:
    """An incoming webhook: a secret path that posts to one channel."""

    channel: str
    disabled: bool = False
    prohibited: bool = False


@dataclass
class FakeSlack(FakeHttp):
    """One workspace with one bot, its channels (id: name) and one webhook."""

    token: str = "xoxb-111111111111-222222222222-TopSecretOfTheBot"
    webhook_path: str = "/services/T0WATCH/B0WATCH/TopSecretOfTheHook"
    channels: dict[str, str] = field(default_factory=lambda: {"C0ALERTS": "alerts", "C0OTHER": "other"})
    messages: list[Posted] = field(default_factory=list)
    archived: set[str] = field(default_factory=set)
    not_joined: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self.webhook = Webhook("C0ALERTS")
        self._sent = 0

    @property
    def api_url(self) -> str:
        return f"{self.base}/api/"

    @property
    def webhook_url(self) -> str:
        return self.base + self.webhook_path

    @property
    def roots(self) -> list[Posted]:
        """The messages of the channels without the replies in threads."""
        return [message for message in self.messages if message.thread_ts is None]

    def replies(self, root: Posted) -> list[Posted]:
        """The thread under a message."""
        return [message for message in self.messages if message.thread_ts == root.ts]

    def delete(self, message: Posted) -> None:
        """As if a person deleted it."""
        self.messages.remove(message)

    def reset(self) -> None:
        super().reset()
        self.messages.clear()
        self.archived.clear()
        self.not_joined.clear()
        self.webhook = Webhook("C0ALERTS")

    def respond(self, request: Request) -> Answer:
        methods = {"/api/chat.postMessage": self._post, "/api/chat.update": self._update}
        if request.path in methods:
            refusal = self._refuse_caller(request)
            answer = {"ok": False, "error": refusal} if refusal else methods[request.path](json.loads(request.body))
            return Answer(200, json.dumps(answer), {"Content-Type": "application/json; charset=utf-8"})
        if request.path == self.webhook_path:
            return self._hook(request.body)
        if request.path.startswith("/services/"):
            return Answer(404, "no_service")
        return Answer(200, json.dumps({"ok": False, "error": "unknown_method"}))

    def _refuse_caller(self, request: Request) -> str | None:
        given = {name.lower(): value for name, value in request.headers.items()}.get("authorization", "")
        if not given:
            return "not_authed"
        if given != f"Bearer {self.token}":
            return "invalid_auth"
        try:
            return None if isinstance(json.loads(request.body), dict) else "invalid_arguments"
        except ValueError:
            return "invalid_arguments"

    def _post(self, body: Json) -> Json:
        by_name = {name: id_ for id_, name in self.channels.items()}
        asked = str(body.get("channel", ""))
        channel = asked if asked in self.channels else by_name.get(asked.removeprefix("#"))
        error = self._refuse_channel(channel) or refuse_content(body)
        if error or channel is None:
            return {"ok": False, "error": error}
        return self._accept(channel, body)

    def _update(self, body: Json) -> Json:
        channel = body.get("channel")  # an id: a name is not looked up here
        error = self._refuse_channel(channel)
        if error:
            return {"ok": False, "error": error}
        found = [each for each in self.messages if each.channel == channel and each.ts == body.get("ts")]
        if not found:
            return {"ok": False, "error": "message_not_found"}
        message = found[0]
        if not message.by_us:
            return {"ok": False, "error": "cant_update_message"}
        if message.frozen:
            return {"ok": False, "error": "edit_window_closed"}
        error = refuse_content(body)
        if error:
            return {"ok": False, "error": error}
        message.payload = body  # text without blocks removes the old blocks
        message.edits += 1
        return {"ok": True, "channel": message.channel, "ts": message.ts, "text": body.get("text", "")}

    def _hook(self, raw: bytes) -> Answer:
        if self.webhook.disabled:
            return Answer(404, "no_service")
        if self.webhook.prohibited:
            return Answer(403, "action_prohibited")
        if self.webhook.channel in self.archived:
            return Answer(410, "channel_is_archived")
        try:
            body = json.loads(raw)
        except ValueError:
            return Answer(400, "invalid_payload")
        error = refuse_content(body)
        if error:
            return Answer(400, error)
        self._accept(self.webhook.channel, body)
        return Answer(200, "ok", {"Content-Type": "text/html"})

    def _accept(self, channel: str, body: Json) -> Json:
        self._sent += 1
        message = Posted(channel, f"1700000000.{self._sent:06d}", body, body.get("thread_ts"))
        self.messages.append(message)
        return {"ok": True, "channel": channel, "ts": message.ts, "message": {"text": body.get("text", "")}}

    def _refuse_channel(self, channel: str | None) -> str | None:
        if channel not in self.channels:
            return "channel_not_found"
        if channel in self.archived:
            return "is_archived"
        return "not_in_channel" if channel in self.not_joined else None


def refuse_content(body: Json) -> str | None:
    """The error code for a text or blocks that are over a limit or malformed."""
    text, blocks = body.get("text", ""), body.get("blocks", [])
    if not text and not blocks:
        return "no_text"
    if len(text) > LONGEST_TEXT:
        return "msg_too_long"
    if len(blocks) > MOST_BLOCKS or not all(map(_valid, blocks)):
        return "invalid_blocks"
    return "msg_blocks_too_long" if _units(json.dumps(blocks, ensure_ascii=False)) > LONGEST_BLOCKS else None


def texts(blocks: list[Json]) -> list[str]:
    """All texts in blocks, in order."""
    found: list[str] = []
    for block in blocks:
        found += [part["text"] for part in (block.get("text"), *block.get("elements", [])) if part]
    return found


def mentions(payload: Json) -> list[str]:
    """What in a message would call people or run as a command: `<!channel>`, `<@U1>`, `<#C1>`."""
    return re.findall(r"<[!@#][^>]*>", "\n".join([payload.get("text", ""), *texts(payload.get("blocks", []))]))


def _valid(block: Json) -> bool:
    match block:
        case {"type": "header", "text": {"type": "plain_text", "text": str(text)}}:
            return 0 < _units(text) <= LONGEST_HEADER
        case {"type": "section", "text": {"type": "mrkdwn" | "plain_text", "text": str(text)}}:
            return 0 < _units(text) <= LONGEST_SECTION
        case {"type": "context", "elements": [_, *_] as elements}:
            fitting = all(0 < _units(element["text"]) <= LONGEST_CONTEXT_TEXT for element in elements)
            return fitting and len(elements) <= MOST_CONTEXT_ELEMENTS
    return False


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2  # raises on a lone surrogate, which no JSON may hold
