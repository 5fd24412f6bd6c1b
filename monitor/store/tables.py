"""The tables of the store. A change here needs a migration beside it; a test compares the two."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel

from monitor.store.columns import UtcDateTime, counted, optional_json


class MeasurementRow(SQLModel, table=True):
    """All measurements of one segment and window, as one JSON object."""

    __tablename__ = "measurement"
    source: str = Field(primary_key=True)
    segment: str = Field(primary_key=True)
    length_s: int = Field(primary_key=True)
    start: datetime = Field(sa_type=UtcDateTime, primary_key=True)
    end: datetime = Field(sa_type=UtcDateTime, index=True)
    kept_long: bool
    revision: int = 0
    body: Any = Field(sa_type=JSON)


class ProgressRow(SQLModel, table=True):
    """How far a source has been read and decided, and how it is doing."""

    __tablename__ = "progress"
    source: str = Field(primary_key=True)
    watched_since: datetime = Field(sa_type=UtcDateTime)
    slot_end: datetime | None = Field(default=None, sa_type=UtcDateTime)
    complete_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    rechecked_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    newest: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_success_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failure: str | None = Field(default=None, sa_type=Text)


class SegmentRow(SQLModel, table=True):
    """An admitted segment (or feedback key) of a grouping: it stays, so that series do not flap."""

    __tablename__ = "segment"
    source: str = Field(primary_key=True)
    grouping: str = Field(primary_key=True)
    segment: str = Field(primary_key=True)
    admitted_at: datetime = Field(sa_type=UtcDateTime)


class PartRow(SQLModel, table=True):
    """The manifest: one immutable Parquet file of landed calls or feedback."""

    __tablename__ = "part"
    id: int | None = counted()
    source: str = Field(index=True)
    stream: str
    path: str = Field(sa_type=Text)
    rows: int
    bytes: int
    first_started: datetime = Field(sa_type=UtcDateTime)
    last_started: datetime = Field(sa_type=UtcDateTime)
    first_at: datetime = Field(sa_type=UtcDateTime)
    last_at: datetime = Field(sa_type=UtcDateTime)


class CursorRow(SQLModel, table=True):
    """How far one file (or page of an API) has been read."""

    __tablename__ = "cursor"
    source: str = Field(primary_key=True)
    stream: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    body: Any = Field(sa_type=JSON)


class QuarantineRow(SQLModel, table=True):
    """A record that could not be used: where it is and why, never what it says."""

    __tablename__ = "quarantine"
    id: int | None = counted()
    source: str = Field(index=True)
    stream: str
    place: str = Field(sa_type=Text)
    position: int
    reason: str
    at: datetime = Field(sa_type=UtcDateTime)


class AlertRow(SQLModel, table=True):
    """The state of one alert: one rule on one segment and label set."""

    __tablename__ = "alert"
    rule: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    segment: str = Field(primary_key=True)
    labels: str = Field(primary_key=True)
    body: Any = Field(sa_type=JSON)


class TransitionRow(SQLModel, table=True):
    """A change of state of an alert, kept as history."""

    __tablename__ = "transition"
    id: int | None = counted()
    rule: str
    source: str
    segment: str
    labels: str
    from_state: str
    to_state: str
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    decided_at: datetime = Field(sa_type=UtcDateTime)
    value: float | None = None
    reason: str = ""
    held: str | None = None
    exemplars: Any = Field(default=None, sa_type=JSON)
    alert: str = Field(default="", index=True)  # its fingerprint
    lower: float | None = None  # how sure the value is, of how many calls, and what it was compared with
    upper: float | None = None
    n: int | None = Field(default=None, sa_type=BigInteger)
    compared: str | None = Field(default=None, sa_type=Text)


class GroupRow(SQLModel, table=True):
    """A group of alerts of one receiver: what it was told, and what closing that needs."""

    __tablename__ = "alert_group"
    key: str = Field(primary_key=True)
    receiver: str
    is_open: bool
    delivered: bool = False
    told: Any = Field(default=None, sa_type=JSON)
    refs: Any = Field(default=None, sa_type=JSON)
    wanted: Any = optional_json()  # what fires in it; null is what was told
    waiting_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    told_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    digest: bool = False
    acknowledged: bool = False
    kept: Any = optional_json()  # what was written down last of each alert


class OutboxRow(SQLModel, table=True):
    """A message to be sent, being sent, or sent."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_state_due", "state", "due_at"),)
    id: int | None = counted()
    key: str = Field(index=True)
    receiver: str
    action: str
    message: Any = Field(sa_type=JSON)
    state: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    attempts: int = 0
    repeated: bool = False  # an earlier attempt may have arrived
    failure: str | None = None
    detail: str | None = Field(default=None, sa_type=Text)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ChannelRow(SQLModel, table=True):
    """How a receiver is doing."""

    __tablename__ = "channel"
    receiver: str = Field(primary_key=True)
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failure: str | None = None
    last_success_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class EventRow(SQLModel, table=True):
    """Something that happened: a deployment, another model. Without a source it is about everything."""

    __tablename__ = "event"
    id: int | None = counted()
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    name: str
    detail: str = Field(default="", sa_type=Text)
    source: str = ""
    service: str = ""


class IdentityRow(SQLModel, table=True):
    """A model's name or fingerprint in the calls of a service, and when it first and last came."""

    __tablename__ = "identity"
    source: str = Field(primary_key=True)
    column: str = Field(primary_key=True)
    service: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    first_at: datetime = Field(sa_type=UtcDateTime)
    last_at: datetime = Field(sa_type=UtcDateTime)
    is_news: bool = False


class LeaseRow(SQLModel, table=True):
    """Who leads: two services on one store must not both decide and send."""

    __tablename__ = "lease"
    name: str = Field(primary_key=True)
    holder: str
    until: datetime = Field(sa_type=UtcDateTime)


class BaselineRow(SQLModel, table=True):
    """What was learnt of one text stream of one segment: immutable; only its state and how far it was used change."""

    __tablename__ = "baseline"
    source: str = Field(primary_key=True)
    segment: str = Field(primary_key=True)
    stream: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    state: str  # candidate, accepted, retired
    pinned: bool = False
    automatic: bool = False  # accepted by the service, not by a person
    fitted_at: datetime = Field(sa_type=UtcDateTime)
    fitted_from: datetime = Field(sa_type=UtcDateTime)
    fitted_until: datetime = Field(sa_type=UtcDateTime)
    length_s: int
    read_until: datetime = Field(sa_type=UtcDateTime)  # end of the last window that was measured against it
    facts: Any = Field(sa_type=JSON)
    body: bytes = Field(sa_type=LargeBinary)


class TextRow(SQLModel, table=True):
    """What the sampled texts of one stream in one window are against one baseline, as one JSON object."""

    __tablename__ = "text_measurement"
    source: str = Field(primary_key=True)
    segment: str = Field(primary_key=True)
    stream: str = Field(primary_key=True)
    length_s: int = Field(primary_key=True)
    start: datetime = Field(sa_type=UtcDateTime, primary_key=True)
    end: datetime = Field(sa_type=UtcDateTime, index=True)
    baseline: str = Field(primary_key=True)
    body: Any = Field(sa_type=JSON)
    findings: Any = Field(sa_type=JSON)


class DriftRow(SQLModel, table=True):
    """What the drift detector of one stream against one baseline remembers, and what it says."""

    __tablename__ = "drift_state"
    source: str = Field(primary_key=True)
    segment: str = Field(primary_key=True)
    stream: str = Field(primary_key=True)
    baseline: str = Field(primary_key=True)
    until: datetime = Field(sa_type=UtcDateTime)  # end of the last window that was read
    facts: Any = Field(sa_type=JSON)
    body: bytes = Field(sa_type=LargeBinary)


class ScoreRow(SQLModel, table=True):
    """How strange one sampled text is to one baseline."""

    __tablename__ = "score"
    source: str = Field(primary_key=True)
    stream: str = Field(primary_key=True)
    call_id: str = Field(primary_key=True)
    baseline: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    segment: str
    score: float
    p: float


class CacheRow(SQLModel, table=True):
    """Bytes by key that cost something to compute: embeddings."""

    __tablename__ = "cache"
    key: str = Field(primary_key=True)
    used_at: datetime = Field(sa_type=UtcDateTime, index=True)
    body: bytes = Field(sa_type=LargeBinary)
