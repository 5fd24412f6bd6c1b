"""Settings of the judge: which models judge which criteria, on how many calls, for how much money."""

from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from config.alerts import Severity
from config.criteria import BUILT_IN, CriterionText
from config.golden import ChatApi
from config.labels import Labels
from config.sources.common import Strict
from config.types import Duration, GroupingColumn, Name, NameList, PositiveDuration
from config.words import choose

AnswerForm = Literal["auto", "json_schema", "json_object", "text"]
_OURS = ("response_format", "logprobs", "top_logprobs", "tools", "tool_choice")


class JudgeApi(ChatApi):
    """One judge: a model behind an OpenAI-compatible endpoint (OpenAI, Azure, vLLM, Ollama, llama.cpp, LiteLLM …)."""

    temperature: float | None = Field(
        0.0, ge=0, le=2, description="0 unless the model refuses it; unset sends none.", examples=[0]
    )
    azure_api_version: str | None = Field(
        None,
        min_length=1,
        description="For Azure's older addresses: url is https://<resource>.openai.azure.com, model the deployment. "
        "Azure's newer address, up to and with /openai/v1, needs none.",
        examples=["2024-10-21"],
    )
    answer_form: AnswerForm = Field(
        "auto",
        description="How the endpoint is made to answer in JSON. auto: by schema, and by less where it refuses that.",
    )
    logprobs: bool = Field(
        True, description="Whether probabilities of tokens are asked for; an endpoint without them is asked no more."
    )
    concurrency: int = Field(4, ge=1, le=256, description="Requests under way at a time.")
    requests_per_minute: float | None = Field(
        None, ge=0.1, description="Never more than these; unset is no limit of ours.", examples=[60]
    )
    tries: int = Field(
        4, ge=1, le=10, description="How often a question is sent when the endpoint is busy; each may cost money."
    )

    @field_validator("params")
    @classmethod
    def _not_the_judges(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if name in _OURS:
                raise ValueError(f"must not hold {name}: Watchkeeper sets it")
        return value


class OwnCriterion(CriterionText):
    """A criterion of your own: written here, or in a file with the same keys."""

    file: str | None = Field(
        None, min_length=1, description="The YAML file that says all of it.", examples=["criteria/house-style.yaml"]
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in ("question", "critique_request", "file") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("must have exactly one of question, critique_request and file: write what is to be judged")
        others = sorted(self.model_fields_set - {"file"})
        if self.file is not None and others:
            raise ValueError(f"has a file, so it must not hold {others[0]} too: write it into the file")
        return self


class Risk(Strict):
    """How many times more often a call is judged for what is strange about it."""

    out_of_distribution: float = Field(6, ge=1, le=100, description="Its prompt is unlike the baseline.")
    negative_feedback: float = Field(8, ge=1, le=100, description="Somebody was not content with it.")
    new_topic: float = Field(6, ge=1, le=100, description="It belongs to a topic that the baseline does not have.")
    error: float = Field(4, ge=1, le=100, description="Its answer was cut, or its prompt was sent again at once.")


class JudgeSampling(Strict):
    """Which calls are judged. Every call has a known probability, so that the numbers speak of all of them."""

    share: float = Field(0.02, ge=0.0001, le=1, description="Share of the calls that are judged, in the mean.")
    floor: float = Field(
        0.005, ge=0.0001, le=1, description="No call is picked with a lower probability, so that none weighs too much."
    )
    by: list[GroupingColumn] = Field(
        default=["service", "model"], description="Segments of which none may starve.", examples=[["service"]]
    )
    segment_share: float = Field(
        0.05, ge=0, le=1, description="Least part of all verdicts that a segment gets, while it has calls."
    )
    risk: Risk = Risk()

    @model_validator(mode="after")
    def _floor_below_share(self) -> Self:
        if self.floor > self.share:
            raise ValueError(f"floor must be at most share ({self.share:g}): it is the lowest of the probabilities")
        return self


class Pairs(Strict):
    """Two models, prompt versions or routes beside each other, on the same or matched prompts."""

    by: GroupingColumn = Field(description="The column that tells them apart.", examples=["model"])
    first: str = Field(min_length=1, description="Its value in one.", examples=["gpt-4o"])
    second: str = Field(min_length=1, description="Its value in the other.", examples=["gpt-4o-mini"])
    criterion: Name = Field("helpfulness", description="What the better answer is better at.")
    most: int = Field(200, ge=1, le=100_000, description="Pairs that are judged in a day at most, each twice.")
    alike: float = Field(
        0.9,
        ge=0.5,
        le=1,
        description="Prompts without an equal one on the other side are matched, one to one, where the cosine of their"
        " embeddings is this or more; 1 is equal prompts only.",
    )

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.first == self.second:
            raise ValueError("first and second must differ: an answer is not compared with itself")
        return self


class Judge(Strict):
    """Language models that judge a sample of the answers, within a budget. It costs money, and sends them texts."""

    judges: dict[Name, JudgeApi] = Field(
        min_length=1, description="Who judges, by name; several are a jury that decides by majority."
    )
    criteria: NameList = Field(
        min_length=1,
        description=f"What is judged: {', '.join(BUILT_IN)}, or names of own_criteria.",
        examples=[["helpfulness", "groundedness"]],
    )
    own_criteria: dict[Name, OwnCriterion] = Field(default={}, description="Criteria of your own, by name.")
    budget_usd_per_day: float = Field(
        ge=0.001, description="What may be spent on a day (UTC), evenly over its hours.", examples=[2]
    )
    budget_usd_per_month: float | None = Field(
        None, ge=0.001, description="What may be spent in a month (UTC).", examples=[40]
    )
    every: PositiveDuration = Field(
        timedelta(minutes=15), description="How often it is looked whether there is something to ask."
    )
    window: PositiveDuration | None = Field(
        None,
        description="Length of the windows whose calls are judged, a divisor of a day; unset is that of the texts.",
        examples=["4h"],
    )
    sampling: JudgeSampling = JudgeSampling()
    characters: int = Field(
        12_000,
        ge=200,
        le=1_000_000,
        description="Of a longer text the judge reads the start and the end, these many characters together.",
    )
    repeat: float = Field(
        0.05, ge=0, le=1, description="Share of the verdicts that are asked for again, to see whether they stay."
    )
    canaries: Duration = Field(
        timedelta(days=1), description="How often each judge is asked what is known; 0s is never."
    )
    tolerance: float = Field(
        0.02, ge=0, le=1, description="Nobody is called while the share that fails has risen by less than this."
    )
    keep_texts: PositiveDuration = Field(
        timedelta(days=30), description="How long what a judge quotes and says of a call is kept; its verdict stays."
    )
    labels: Labels = Labels()
    pairs: dict[Name, Pairs] = Field(default={}, description="Comparisons, by name.")
    severity: Severity = Field("error", description="Of its alarms.")
    receiver: NameList | None = Field(
        None, description="Receivers by name; unset is all of them, [] is none.", examples=[["oncall"]]
    )

    @field_validator("window")
    @classmethod
    def _divides_a_day(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and timedelta(days=1) % value:
            raise ValueError("must divide a day, so that windows stay aligned: write 1h, 4h or 1d")
        return value

    @model_validator(mode="after")
    def _criteria_are_known(self) -> Self:
        known = (*BUILT_IN, *self.own_criteria)
        taken = [name for name in self.own_criteria if name in BUILT_IN]
        if taken:
            raise ValueError(f"own_criteria must not hold {taken[0]}: a built-in criterion has that name, take another")
        wanted = [("criteria", name) for name in self.criteria]
        wanted += [(f"pairs.{name}.criterion", each.criterion) for name, each in self.pairs.items()]
        wanted += self.labels.wanted
        for key, name in wanted:
            if name not in known:
                raise ValueError(f"{key} has a criterion that is not known: {choose(name, known)}")
        if len(set(self.criteria)) < len(self.criteria):
            raise ValueError("criteria holds a name twice: keep one of them")
        if self.budget_usd_per_month is not None and self.budget_usd_per_month < self.budget_usd_per_day:
            raise ValueError("budget_usd_per_month must be at least budget_usd_per_day: it holds for all its days")
        return self
