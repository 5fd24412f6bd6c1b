"""The tables of what people and the pipeline do with alerts. A change here needs a migration beside it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text
from sqlmodel import Field, SQLModel

from monitor.store.columns import UtcDateTime, counted


class NotificationRow(SQLModel, table=True):
    """What became of an alert on its way to a receiver, and by which steps."""

    __tablename__ = "notification"
    id: int | None = counted()
    alert: str = Field(index=True)  # its fingerprint
    receiver: str
    key: str  # of the group
    outcome: str
    steps: Any = Field(sa_type=JSON)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    outbox: int | None = None  # the message that tells of it


class NoteRow(SQLModel, table=True):
    """What a person says of an alert: a note, or that it is taken on, which holds until the alert ends."""

    __tablename__ = "note"
    id: int | None = counted()
    alert: str = Field(index=True)
    kind: str  # note, acknowledge
    author: str
    text: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SilenceRow(SQLModel, table=True):
    """Alerts that say nothing new until a moment, because somebody asked for it."""

    __tablename__ = "silence"
    id: int | None = counted()
    matchers: Any = Field(sa_type=JSON)
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime, index=True)
    author: str
    reason: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime)
