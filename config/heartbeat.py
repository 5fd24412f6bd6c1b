"""Settings of the heartbeat: an address that is asked as long as everything works, so that silence is noticed."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from config.sources.common import Strict
from config.types import PositiveDuration


class Heartbeat(Strict):
    """A dead man's switch: somebody outside alarms when the pings stop."""

    url: SecretStr = Field(
        description="Asked with GET while everything works; of Healthchecks, Dead Man's Snitch, Uptime Kuma, …",
        examples=["https://hc-ping.com/your-uuid"],
    )
    every: PositiveDuration = Field(
        timedelta(minutes=1), description="How often; set the period on the other side to a few times this."
    )
    timeout: PositiveDuration = Field(timedelta(seconds=10), description="How long the other end may take to answer.")

    @field_validator("url")
    @classmethod
    def _is_web_address(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value():  # what is empty, or could not be read, is said where secrets are read
            return value
        try:
            parts = urlsplit(value.get_secret_value().strip())
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            has_user = parts.username is not None or parts.password is not None
        except ValueError:
            usable = has_user = False
        if not usable or not re.fullmatch(r"[!-~]+", value.get_secret_value().strip()):
            raise ValueError("must be a web address that begins with https:// or http://")
        if has_user:
            raise ValueError("must hold no user and no password")
        return value

    @field_validator("every")
    @classmethod
    def _not_too_often(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=10):
            raise ValueError("must be 10s or longer")
        return value
