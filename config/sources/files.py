"""Settings of a log in files."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from config.sources.common import CommonFeedback, CommonSource
from config.types import CallColumn, NameList, PositiveDuration

FileFormat = Literal["auto", "jsonl", "csv", "parquet"]


class FilesFeedback(CommonFeedback):
    """Feedback beside the calls, in files of its own."""

    paths: NameList = Field(
        min_length=1, description="Globs of the feedback files.", examples=[["logs/feedback-*.jsonl"]]
    )
    format: FileFormat = Field("auto", description="auto, jsonl, csv or parquet; auto goes by the file name's ending.")


class FilesSource(CommonSource):
    """JSONL or CSV files, plain or compressed, that grow and rotate; or Parquet files, read in place.

    Expressions in `columns` are DuckDB SQL. In JSONL and CSV every top-level field is text: nested fields are
    `usage->>'$.prompt_tokens'`, arithmetic needs a cast (`latency_ms::DOUBLE / 1000`).
    """

    kind: Literal["files"] = Field(description="files: a log in files.")
    paths: NameList = Field(
        min_length=1,
        description="Globs; a relative one starts at the configuration file.",
        examples=[["logs/calls-*.jsonl*"]],
    )
    format: FileFormat = Field("auto", description="auto, jsonl, csv or parquet; auto goes by the file name's ending.")
    delimiter: str = Field(",", min_length=1, max_length=1, description="Of CSV files.")
    retention: PositiveDuration = Field(timedelta(days=35), description="How long landed calls are kept.")
    latest_by: CallColumn | None = Field(
        None,
        description="Parquet only: the canonical column whose largest value wins when an id comes twice.",
        examples=["ingested_at"],
    )
    feedback: FilesFeedback | None = Field(None, description="Where the feedback on the calls is, if there is any.")
