"""Settings of a log in a database table, queried where it lies."""

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from config.sources.common import CommonFeedback, CommonSource
from config.types import CallColumn, PositiveDuration


class TableFeedback(CommonFeedback):
    """Feedback in a table of the same database."""

    table: str | None = Field(
        None, description="Name of the table or view, with its schema if needed.", examples=["public.llm_feedback"]
    )
    query: str | None = Field(
        None, description="Or a SELECT in the database's own dialect.", examples=["SELECT * FROM public.llm_feedback"]
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        require_table_or_query(self.table, self.query)
        return self


class TableSource(CommonSource):
    """A table of PostgreSQL, DuckDB or another engine that Ibis speaks to.

    Expressions in `columns` are in the engine's own dialect, one a column. The connection is read-only and every
    statement has a time limit.
    """

    kind: Literal["table"] = Field(description="table: a log in a table of a database.")
    url: SecretStr = Field(
        description="postgresql://user:password@host/database, or duckdb:///path/to/file.db",
        examples=["postgresql://watchkeeper:password@localhost/app"],
    )
    table: str | None = Field(
        None, description="Name of the table or view, with its schema if needed.", examples=["public.llm_calls"]
    )
    query: str | None = Field(
        None, description="Or a SELECT in the database's own dialect.", examples=["SELECT * FROM public.llm_calls"]
    )
    where: str | None = Field(
        None,
        description="A condition in the database's dialect that lets an index serve, when started_at is an expression; "
        "{since} and {until} stand for the ends of the stretch that is read.",
        examples=['"startTime" >= {since} AND "startTime" < {until}'],
    )
    statement_timeout: PositiveDuration = Field(timedelta(seconds=60), description="The longest a query may run.")
    recheck_after: PositiveDuration = Field(
        timedelta(hours=1), description="When closed windows are measured once more, for rows that came late."
    )
    latest_by: CallColumn | None = Field(
        None,
        description="The canonical column whose largest value wins when an id comes twice.",
        examples=["ingested_at"],
    )
    feedback: TableFeedback | None = Field(None, description="Where the feedback on the calls is, if there is any.")

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        require_table_or_query(self.table, self.query)
        return self


def require_table_or_query(table: str | None, query: str | None) -> None:
    """Exactly one of the two must be set."""
    if (table is None) == (query is None):
        raise ValueError("set exactly one of table and query")
