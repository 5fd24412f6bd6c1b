"""The tables of labels, and of the calls drawn for them. A change here needs a migration beside it."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from monitor.store.columns import UtcDateTime


class LabelRow(SQLModel, table=True):
    """What one person says of one call by one criterion; without a verdict the person cannot tell."""

    __tablename__ = "label"
    source: str = Field(primary_key=True)
    criterion: str = Field(primary_key=True)
    call_id: str = Field(primary_key=True)
    who: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)  # completion of the call
    passed: bool | None = None
    score: float | None = None
    kind: str  # page, import, feedback
    given_at: datetime = Field(sa_type=UtcDateTime)


class LabelDrawRow(SQLModel, table=True):
    """A judged call that was drawn to be labelled, and with which probability."""

    __tablename__ = "label_draw"
    source: str = Field(primary_key=True)
    criterion: str = Field(primary_key=True)
    call_id: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)  # completion of the call
    probability: float
    place: float  # people are asked in this order, so that those who stop early leave a sample
    drawn_at: datetime = Field(sa_type=UtcDateTime)
