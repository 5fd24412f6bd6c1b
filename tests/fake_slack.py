"""A Slack that follows the documented rules of chat.postMessage, chat.update, uploads of files and incoming webhooks.

Its state is open to the test: `messages`, `files`, and switches such as `archived`.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from fake_http import Answer, FakeHttp, Request

MOST_BLOCKS = 50
LONGEST_SECTION = 3_000
LONGEST_HEADER = 150
LONGEST_CONTEXT_TEXT = 3_000
MOST_CONTEXT_ELEMENTS = 10
LONGEST_TEXT = 40_000
LONGEST_ALT = 1_000  # of an upload
LONGEST_ALT_TEXT = 2_000  # of a block
LONGEST_IMAGE_URL = 3_000
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
        return "\n".join([*texts(self.blocks), self.payload.get("text", "")])

    @property
    def blocks(self) -> list[Json]:
        """What it is made of."""
        found: list[Json] = self.payload.get("blocks", [])
        return found


@dataclass
class File:
    """An upload: bytes, and whether it was completed. It can be shown once Slack has looked at it."""

    id: str
    length: int
    alt: str
    content: bytes = b""
    is_complete: bool = False


@dataclass
class Webhook:
    """An incoming webhook: a secret path that posts to one channel."""

    channel: str
    disabled: bool = False
    prohibited: bool = False
    fetches_images: bool = True  # what a block names by its address is there for Slack


@dataclass
class FakeSlack(FakeHttp):
    """One workspace with one bot, its channels (id: name) and one webhook."""

    token: str = "xoxb-111111111111-222222222222-TopSecretOfTheBot"
    webhook_path: str = "/services/T0WATCH/B0WATCH/TopSecretOfTheHook"
    channels: dict[str, str] = field(default_factory=lambda: {"C0ALERTS": "alerts", "C0OTHER": "other"})
    messages: list[Posted] = field(default_factory=list)
    archived: set[str] = field(default_factory=set)
    not_joined: set[str] = field(default_factory=set)
    files: list[File] = field(default_factory=list)
    may_write_files: bool = True  # the scope files:write
    unseen: int = 0  # so many messages with a file come before Slack has looked at it

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
        self.files.clear()
        self.may_write_files, self.unseen = True, 0
        self.webhook = Webhook("C0ALERTS")

    def respond(self, request: Request) -> Answer:
        methods = {
            "/api/chat.postMessage": self._post,
            "/api/chat.update": self._update,
            "/api/files.getUploadURLExternal": self._promise,
            "/api/files.completeUploadExternal": self._complete,
        }
        if request.path in methods:
            body, refusal = self._refuse_caller(request)
            answer = {"ok": False, "error": refusal} if refusal else methods[request.path](body)
            return Answer(200, json.dumps(answer), {"Content-Type": "application/json; charset=utf-8"})
        if request.path.startswith("/upload/v1/"):
            return self._upload(request)
        if request.path == self.webhook_path:
            return self._hook(request.body)
        if request.path.startswith("/services/"):
            return Answer(404, "no_service")
        return Answer(200, json.dumps({"ok": False, "error": "unknown_method"}))

    def _refuse_caller(self, request: Request) -> tuple[Json, str | None]:
        headers = {name.lower(): value for name, value in request.headers.items()}
        given = headers.get("authorization", "")
        if not given:
            return {}, "not_authed"
        if given != f"Bearer {self.token}":
            return {}, "invalid_auth"
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}, None
        try:
            body = json.loads(request.body)
        except ValueError:
            return {}, "invalid_arguments"
        return (body, None) if isinstance(body, dict) else ({}, "invalid_arguments")

    def _promise(self, body: Json) -> Json:
        if not self.may_write_files:
            return {"ok": False, "error": "missing_scope", "needed": "files:write", "provided": "chat:write"}
        if not body.get("filename") or not str(body.get("length", "")).isdigit():
            return {"ok": False, "error": "invalid_arguments"}
        if len(body.get("alt_txt", "")) > LONGEST_ALT:
            return {"ok": False, "error": "alt_txt_too_large"}
        file = File(f"F0{len(self.files):08d}", int(body["length"]), body.get("alt_txt", ""))
        self.files.append(file)
        return {"ok": True, "upload_url": f"{self.base}/upload/v1/{file.id}", "file_id": file.id}

    def _upload(self, request: Request) -> Answer:
        found = self._file(request.path.rpartition("/")[2])
        if found is None or len(request.body) != found.length or "authorization" in map(str.lower, request.headers):
            return Answer(400, "no such upload, another length, or a token where none belongs")
        found.content = request.body
        return Answer(200, f"OK - {found.length}")

    def _complete(self, body: Json) -> Json:
        for each in json.loads(body.get("files", "[]")):
            found = self._file(each["id"])
            if found is None or not found.content or found.is_complete:  # it can be called only once
                return {"ok": False, "error": "file_not_found"}
            found.is_complete = True
        return {"ok": True, "files": json.loads(body["files"])}

    def _file(self, id_: str) -> File | None:
        return next((file for file in self.files if file.id == id_), None)

    def _refuse_file(self, body: Json) -> str | None:
        for block in body.get("blocks", []):
            if block["type"] == "image":
                found = self._file(block["slack_file"]["id"])
                self.unseen -= 1
                if found is None or not found.is_complete or self.unseen >= 0:
                    return "invalid_blocks"
        return None

    def _post(self, body: Json) -> Json:
        by_name = {name: id_ for id_, name in self.channels.items()}
        asked = str(body.get("channel", ""))
        channel = asked if asked in self.channels else by_name.get(asked.removeprefix("#"))
        error = self._refuse_channel(channel) or refuse_content(body) or self._refuse_file(body)
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
        error = refuse_content(body) or self._refuse_file(body)
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
        shown = [block["image_url"] for block in body.get("blocks", []) if "image_url" in block]
        if shown and not self.webhook.fetches_images:  # nothing of such a message is taken
            error = "invalid_blocks"
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
        case {"type": "image", "slack_file": {"id": str(id_)}, "alt_text": str(alt)}:
            return bool(re.fullmatch("F[A-Z0-9]{8,}", id_)) and 0 < _units(alt) <= LONGEST_ALT_TEXT
        case {"type": "image", "image_url": str(href), "alt_text": str(alt)}:
            return (
                href.startswith("https://") and len(href) <= LONGEST_IMAGE_URL and 0 < _units(alt) <= LONGEST_ALT_TEXT
            )
    return False


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2  # raises on a lone surrogate, which no JSON may hold
