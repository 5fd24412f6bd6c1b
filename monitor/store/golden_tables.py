"""The tables of the golden set. A change here needs a migration beside it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text
from sqlmodel import Field, SQLModel

from monitor.store.columns import UtcDateTime, counted


class GoldenRunRow(SQLModel, table=True):
    """One time that the golden set was asked, from its first question to its comparison."""

    __tablename__ = "golden_run"
    id: int | None = counted()
    state: str  # running, waiting, failing, done
    started_at: datetime = Field(sa_type=UtcDateTime, index=True)
    tried_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    problem: str = Field(default="", sa_type=Text)
    facts: Any = Field(default=None, sa_type=JSON)


class GoldenAnswerRow(SQLModel, table=True):
    """An answer to a prompt of the golden set, with what it cost; without a text it was asked for and never came."""

    __tablename__ = "golden_answer"
    run: int = Field(primary_key=True)
    prompt: str = Field(primary_key=True)  # a hash of everything that the prompt is
    sample: int = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    usd: float
    text: str | None = Field(default=None, sa_type=Text)
    frozen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
