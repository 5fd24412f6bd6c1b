"""The other end of Apprise's `json://`, which stands for its hundred services: JSON with title, message and type."""

import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from fake_http import Answer, FakeHttp, Request

Json = dict[str, Any]


@dataclass
class FakeApprise(FakeHttp):
    """Takes what is sent to its secret path with its login."""

    path = "/notify/TopSecretOfTheService"
    user = "watchkeeper"
    password = "TopSecretOfTheLogin"
    messages: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    @classmethod
    def url(cls, base: str) -> str:
        """The address as a user of Apprise writes it, with all that would make it wait and try again by itself."""
        return f"{base.replace('http://', f'json://{cls.user}:{cls.password}@')}{cls.path}?retry=3&wait=60"

    def reset(self) -> None:
        super().reset()
        self.messages.clear()

    def respond(self, request: Request) -> Answer:
        pair = b64encode(f"{self.user}:{self.password}".encode()).decode()
        if request.path.split("?")[0] != self.path:
            return Answer(404)
        if request.headers.get("Authorization") != f"Basic {pair}":
            return Answer(401)
        told = json.loads(request.body)
        if not told.get("message") or told.get("type") not in ("info", "success", "warning", "failure"):
            return Answer(400)
        self.messages.append(told)
        return Answer(200)
