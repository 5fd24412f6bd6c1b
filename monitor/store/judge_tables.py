"""The tables of the judge. A change here needs a migration beside it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text
from sqlmodel import Field, SQLModel

from monitor.store.columns import UtcDateTime, counted, optional_json


class JudgeWindowRow(SQLModel, table=True):
    """A window of a source from which calls were drawn to be judged, and whether their questions are still asked."""

    __tablename__ = "judge_window"
    source: str = Field(primary_key=True)
    start: datetime = Field(sa_type=UtcDateTime, primary_key=True)
    end: datetime = Field(sa_type=UtcDateTime, index=True)
    state: str  # open, done
    planned_at: datetime = Field(sa_type=UtcDateTime)
    deadline: datetime = Field(sa_type=UtcDateTime)  # when what was not asked is given up
    facts: Any = Field(sa_type=JSON)  # calls by segment and stratum, starved segments; see `monitor.judging.drawing`


class VerdictRow(SQLModel, table=True):
    """What one judge, or the jury, says of one drawn call by one criterion; or why it says nothing."""

    __tablename__ = "judge_verdict"
    source: str = Field(primary_key=True)
    start: datetime = Field(sa_type=UtcDateTime, primary_key=True)  # of its window
    call_id: str = Field(primary_key=True)
    criterion: str = Field(primary_key=True)
    voice: str = Field(primary_key=True)  # a judge by name, or the jury
    at: datetime = Field(sa_type=UtcDateTime, index=True)  # event time of the call
    segment: str
    stratum: int
    cluster: str  # a hash of its conversation; its id where it has none
    pi: float  # the probability with which it was drawn, before money or the judge ran out
    rank: float  # its number / pi: questions are asked in this order
    state: str  # waiting, answered, or the problem
    judged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    rubric: str = ""
    judge: str = ""
    model: str = ""
    word: str | None = None
    passed: bool | None = None
    score: float | None = None
    pass_probability: float | None = None
    evidence: str = Field(default="", sa_type=Text)
    quoted: bool | None = None
    reasoning: str = Field(default="", sa_type=Text)
    detail: str = Field(default="", sa_type=Text)
    origin: str = "judge"  # judge, cache, rule
    usd: float = 0.0
    tries: int = 0
    again: bool | None = None  # whether it said the same when it was asked once more


class JudgeMeasurementRow(SQLModel, table=True):
    """What the verdicts of a window, or of several together, say of a segment, as one JSON object."""

    __tablename__ = "judge_measurement"
    source: str = Field(primary_key=True)
    segment: str = Field(primary_key=True)
    length_s: int = Field(primary_key=True)
    start: datetime = Field(sa_type=UtcDateTime, primary_key=True)
    end: datetime = Field(sa_type=UtcDateTime, index=True)
    body: Any = Field(sa_type=JSON)


class JudgeSpendRow(SQLModel, table=True):
    """US dollars of an hour, with what is only reserved."""

    __tablename__ = "judge_spend"
    hour: datetime = Field(sa_type=UtcDateTime, primary_key=True)
    usd: float


class JudgeStateRow(SQLModel, table=True):
    """How one judge is doing (wall clock)."""

    __tablename__ = "judge_state"
    judge: str = Field(primary_key=True)  # by name
    tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    problem: str = Field(default="", sa_type=Text)


class JudgeCanaryRow(SQLModel, table=True):
    """How a judge did on the texts of a criterion whose verdicts are known."""

    __tablename__ = "judge_canary"
    id: int | None = counted()
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    voice: str
    criterion: str
    judge: str
    rubric: str
    facts: Any = Field(sa_type=JSON)  # `detectors.judge.canaries.Trust`


class JudgeSeriesRow(SQLModel, table=True):
    """What the test "flags more than it used to" remembers of one criterion and voice."""

    __tablename__ = "judge_series"
    source: str = Field(primary_key=True)
    criterion: str = Field(primary_key=True)
    voice: str = Field(primary_key=True)
    series: str  # judge, rubric and model: others start it anew
    until: datetime = Field(sa_type=UtcDateTime)  # end of the last window that was read
    facts: Any = Field(sa_type=JSON)
    alarm: Any = optional_json()


class JudgePairRow(SQLModel, table=True):
    """Two answers that were compared in both orders."""

    __tablename__ = "judge_pair"
    source: str = Field(primary_key=True)
    name: str = Field(primary_key=True)  # of the comparison
    pair: str = Field(primary_key=True)  # ids of both calls
    voice: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)  # event time of the later one
    state: str  # waiting, answered, or the problem
    cluster: str  # a hash of the prompt
    judged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    rubric: str = ""
    judge: str = ""
    winner: str | None = None  # first, second, tie
    consistent: bool | None = None
    position: str | None = None  # a or b: the place that won in both orders
    usd: float = 0.0
