"""The canonical tables: every source is mapped to these columns, and everything above reads only these.

The documentation of the log format, the checks of `watchkeeper check --connect` and the schemas of the landed files are
all made from the two literal tables below.
"""

from dataclasses import dataclass
from typing import Literal, get_args

ColumnType = Literal["string", "timestamp", "float", "integer", "boolean", "json"]

ErrorType = Literal["rate_limited", "timeout", "server", "auth", "bad_request", "content_filter", "cancelled", "other"]
ERROR_TYPES: tuple[ErrorType, ...] = get_args(ErrorType)


@dataclass(frozen=True, slots=True)
class Column:
    """One canonical column. `feeds` names what is off when the column is missing; `json` is JSON in a string."""

    name: str
    type: ColumnType
    unit: str
    meaning: str
    feeds: tuple[str, ...] = ()
    required: bool = False


CALL_COLUMNS: tuple[Column, ...] = (
    Column("id", "string", "", "Identity of the call, unique in its source.", ("everything",), required=True),
    Column("started_at", "timestamp", "UTC", "When the request was sent.", ("everything",), required=True),
    Column(
        "ended_at", "timestamp", "UTC", "When the call completed or failed; windows go by this time.", ("event time",)
    ),
    Column(
        "ingested_at", "timestamp", "UTC", "When the record reached the log.", ("`latest_by`, where an id comes twice",)
    ),
    Column(
        "trace_id",
        "string",
        "",
        "The user request that this call served.",
        ("traces, calls per trace, trace latency and success",),
    ),
    Column("parent_id", "string", "", "The span or call that made this call.", ("labels of people given to a step",)),
    Column("session_id", "string", "", "The conversation.", ("effective sample size by session",)),
    Column("user_id", "string", "", "Who asked; never exported as a label.", ("retry storms by user",)),
    Column("service", "string", "", "The application or deployment that called.", ("segments by service",)),
    Column("environment", "string", "", "production, staging, …", ("segments by environment",)),
    Column("operation", "string", "", "chat, text_completion, embeddings, …", ("segments by operation",)),
    Column("provider", "string", "", "openai, anthropic, vllm, …", ("segments by provider",)),
    Column("model", "string", "", "The model that was asked for.", ("segments by model",)),
    Column(
        "response_model", "string", "", "The model that answered, as the provider names it.", ("model-swap events",)
    ),
    Column("system_fingerprint", "string", "", "The provider's backend version.", ("model-swap events",)),
    Column("route", "string", "", "Endpoint, gateway route or feature.", ("segments by route",)),
    Column("prompt_version", "string", "", "Version of the prompt template.", ("segments by prompt version",)),
    Column(
        "prompt",
        "string",
        "",
        "The last user message: a long system prompt would make all calls look alike.",
        ("prompt drift, out-of-distribution prompts and the judge",),
    ),
    Column("system_prompt", "string", "", "The system message.", ("the judge's instruction checks",)),
    Column("messages", "json", "", "All messages of the request.", ("what tools returned, in trajectories",)),
    Column("context", "string", "", "What was retrieved for the answer.", ("groundedness checks",)),
    Column(
        "response",
        "string",
        "",
        "The text of the answer.",
        ("response drift, refusal and empty ratios, and the judge",),
    ),
    Column("text_truncated", "boolean", "", "Whether the log cut prompt or response.", ("leaving cut texts out",)),
    Column("error", "string", "", "The error message.", ("error types from messages",)),
    Column("error_type", "string", "", f"One of {', '.join(ERROR_TYPES)}.", ("errors by type",)),
    Column("status_code", "integer", "", "HTTP status of the provider's answer.", ("error types from HTTP statuses",)),
    Column("finish_reason", "string", "", "stop, length, content_filter, tool_calls, …", ("truncated ratio",)),
    Column("streamed", "boolean", "", "Whether the answer was streamed.", ("streaming ratio",)),
    Column("latency_s", "float", "seconds", "From request to the end of the answer.", ("latency",)),
    Column("ttft_s", "float", "seconds", "From request to the first token.", ("time to first token",)),
    Column("input_tokens", "integer", "tokens", "Tokens read, cached ones included.", ("input tokens and TPS",)),
    Column("output_tokens", "integer", "tokens", "Tokens written, reasoning included.", ("output tokens and TPS",)),
    Column("cached_input_tokens", "integer", "tokens", "Input tokens read from a cache.", ("cached tokens",)),
    Column("cache_write_tokens", "integer", "tokens", "Input tokens written to a cache."),
    Column("reasoning_tokens", "integer", "tokens", "Output tokens spent on reasoning."),
    Column("cost_usd", "float", "US dollars", "What the call cost.", ("cost",)),
    Column("cache_hit", "boolean", "", "Answered from a response cache, no model asked.", ("cache hit ratio",)),
    Column("reference", "string", "", "The right answer, where it is known.", ("reference checks",)),
    Column("tool_calls", "json", "", "Tool calls that the answer asks for.", ("trajectories",)),
    Column("tags", "json", "", "Anything else, as an object.", ()),
)

FEEDBACK_COLUMNS: tuple[Column, ...] = (
    Column("call_id", "string", "", "The call that the feedback is about.", ("feedback by segment",), required=True),
    Column("at", "timestamp", "UTC", "When the feedback was given; its windows go by this time.", required=True),
    Column("key", "string", "", "What was rated: thumbs, helpfulness, …", ("feedback by key",)),
    Column("score", "float", "", "The rating as a number.", ("feedback score and positive ratio",)),
    Column("label", "string", "", "The rating as a word.", ()),
    Column("comment", "string", "", "Free text.", ()),
    Column("source", "string", "", "Where it was given: app, annotation queue, …", ()),
    Column("kind", "string", "", "user, human (an annotator) or model (a judge).", ("keeping judges out of feedback",)),
)

CALL_COLUMN_NAMES: tuple[str, ...] = tuple(column.name for column in CALL_COLUMNS)
FEEDBACK_COLUMN_NAMES: tuple[str, ...] = tuple(column.name for column in FEEDBACK_COLUMNS)

# Columns that may split a source into segments: bounded vocabularies only, never users, sessions or ids.
GROUPING_COLUMNS: tuple[str, ...] = (
    "service",
    "environment",
    "operation",
    "provider",
    "model",
    "response_model",
    "route",
    "prompt_version",
)

# Free text: redacted in the mapping, never a label, never in a notification unless asked for.
TEXT_COLUMNS: tuple[str, ...] = (
    "prompt",
    "system_prompt",
    "messages",
    "context",
    "response",
    "error",
    "reference",
    "tool_calls",
    "tags",
)
FEEDBACK_TEXT_COLUMNS: tuple[str, ...] = ("comment",)
