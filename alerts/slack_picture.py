"""The chart of a message as a file of Slack's: asked for, uploaded, completed, and shown by an image block.

It wants the scope files:write. Whatever goes wrong, the message goes without the chart: a picture is no reason to lose
an alert, nor to send it twice.
"""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from alerts.chart import chart
from alerts.http_post import Poster, web_address
from alerts.notifier import DeliveryError, Message
from alerts.slack_blocks import LONGEST_ALT, Block
from alerts.wording import cut

# Slack says so of a message whose picture it cannot show (yet): uploaded files are looked at by and by.
REFUSED: Final = frozenset({"invalid_blocks", "invalid_blocks_format"})

# After an upload that failed so many messages are not given a picture: where Slack hangs each would cost its time-out,
# and the other receivers wait too.
SPARED: Final = 10

NAME: Final = "chart.png"

# Asks a method of the Web API, and gives its answer.
Ask = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]

log = logging.getLogger("watchkeeper")


class Pictures:
    """Uploads charts.

    Args:
        ask: one request to the Web API; raises DeliveryError.
        timeout_s: the longest that one of the three requests may take.
    """

    def __init__(self, ask: Ask, timeout_s: float) -> None:
        self._ask = ask
        self._timeout_s = timeout_s
        self._told: set[str] = set()
        self._spared = 0

    def block(self, message: Message) -> Block | None:
        """The block that shows the chart of a message, or None if there is none, or it could not be uploaded."""
        drawn = chart(message)
        if drawn is None:
            return None
        if self._spared:
            self._spared -= 1
            return None
        picture, caption = drawn
        alt = cut(caption, LONGEST_ALT)
        try:
            file = self._upload(picture, alt)
        except (DeliveryError, ValueError) as error:
            self._note(str(error))
            self._spared = SPARED
            return None
        return {"type": "image", "slack_file": {"id": file}, "alt_text": alt}

    def _upload(self, picture: bytes, alt: str) -> str:
        """The file's id.

        Without a channel the file stays private to the bot until a message shows it.
        """
        asked = {"filename": NAME, "length": len(picture), "alt_txt": alt}
        answer = self._ask("files.getUploadURLExternal", asked)
        address, file = answer.get("upload_url"), answer.get("file_id")
        if not isinstance(address, str) or not isinstance(file, str):
            raise ValueError("Slack named no address for the upload")
        poster = Poster("Slack's upload", web_address(address, "upload_url"), self._timeout_s)
        poster.post(picture, {"Content-Type": "application/octet-stream"})
        self._ask("files.completeUploadExternal", {"files": json.dumps([{"id": file, "title": NAME}])})
        return file

    def _note(self, why: str) -> None:
        """Logged once for each reason: without the scope it would be so every time."""
        if why not in self._told:
            self._told.add(why)
            log.warning("messages to Slack go without their chart: %s", why)
