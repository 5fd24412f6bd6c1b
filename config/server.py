"""Settings of the web server and of the store."""

from datetime import timedelta

from pydantic import Field, SecretStr

from config.references import KEPT_LONG
from config.sources.common import Strict
from config.types import PositiveDuration


class Server(Strict):
    """Where metrics and the status page are served."""

    host: str = Field("127.0.0.1", description="0.0.0.0 in a container; the pages have no login.")
    port: int = Field(9464, ge=0, le=65535, description="0 picks a free port.")
    external_url: str | None = Field(
        None,
        description="How people reach this server: used for links in alerts.",
        examples=["https://watchkeeper.example.org"],
    )
    token: SecretStr | None = Field(
        None,
        description="Who asks for a report sends it as bearer token; set it where others reach the server. "
        "Metrics and the status page need none.",
        examples=["a long random word"],
    )
    reports_kept: int = Field(20, ge=1, le=1000, description="Reports that are kept, the newest; each has megabytes.")


class Store(Strict):
    """Where state is kept."""

    directory: str = Field("watchkeeper-data", description="Landed calls, and the SQLite file when no url is set.")
    url: SecretStr | None = Field(
        None,
        description="postgresql://user:password@host/database; unset is SQLite in the directory.",
        examples=["postgresql://watchkeeper:password@localhost/watchkeeper"],
    )


class Retention(Strict):
    """How long measurements are kept, by the length of their window."""

    short: PositiveDuration = Field(timedelta(days=7), description="Windows shorter than one hour.")
    long: PositiveDuration = Field(KEPT_LONG, description="Windows of one hour and longer.")
    transitions: PositiveDuration = Field(timedelta(days=400), description="Alert history, deliveries and events.")
