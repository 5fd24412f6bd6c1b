"""Settings of what reads the texts: the embedder, what is sampled, the baseline."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator

from config.sources.common import Strict
from config.types import BaseUrl, Duration, GroupingColumn, PositiveDuration

Stream = Literal["prompt", "response"]
OodKind = Literal["knn", "lof", "isolation_forest", "mahalanobis"]


class CommonEmbedder(Strict):
    """What every embedder may set."""

    chunks: int = Field(
        32,
        ge=1,
        le=1000,
        description="A text longer than the model reads at once is read in chunks, at most this many, spread over it.",
    )


class MiniLM(CommonEmbedder):
    """The bundled model (all-MiniLM-L6-v2): English, 384 dimensions, no download, nothing leaves the machine."""

    kind: Literal["minilm"] = Field(
        "minilm",
        description="minilm: the bundled English model. For other languages choose sentence_transformers with a "
        "multilingual model, or openai.",
    )


class SentenceTransformersModel(CommonEmbedder):
    """Any model of the sentence-transformers library; it is downloaded once unless it is a folder."""

    kind: Literal["sentence_transformers"] = Field(
        description="sentence_transformers: a model of the Hugging Face hub, or of a folder."
    )
    model: str = Field(
        min_length=1,
        description="Name on the hub, or a folder. Multilingual: "
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2 (50 languages, as fast as the bundled one), "
        'or intfloat/multilingual-e5-small (100 languages) with the prefix "query: ".',
        examples=["sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"],
    )
    revision: str | None = Field(
        None,
        description="Branch, tag or commit on the hub; unset is the newest. A pinned one cannot change under you.",
        examples=["main"],
    )
    prefix: str | None = Field(
        None, description="Put before every text; unset is what the model itself asks for.", examples=["query: "]
    )
    device: str = Field("cpu", description="cpu, cuda, cuda:1, mps.")


class EmbeddingsApi(CommonEmbedder):
    """An OpenAI-compatible embeddings endpoint: OpenAI, vLLM, Text Embeddings Inference. It is sent every text read."""

    kind: Literal["openai"] = Field(description="openai: POST to <url>/embeddings.")
    url: BaseUrl = Field(
        "https://api.openai.com/v1",
        description="Base address, up to and with /v1.",
        examples=["http://text-embeddings:8080/v1"],
    )
    model: str = Field(
        min_length=1,
        description="As the endpoint calls it; OpenAI's text-embedding-3-small and most newer ones are multilingual.",
        examples=["text-embedding-3-small"],
    )
    api_key: SecretStr | None = Field(None, description="Sent as bearer token; unset sends none.", examples=["sk-…"])
    batch: int = Field(32, ge=1, le=2048, description="Texts per request; 32 is the most that TEI takes by default.")
    timeout: PositiveDuration = Field(timedelta(seconds=30), description="How long the endpoint may be silent.")
    dimensions: int | None = Field(
        None,
        ge=1,
        le=65_536,
        description="Asks for shorter vectors, where the model can make them; unset is what it makes.",
        examples=[512],
    )
    characters: int = Field(
        1500,
        ge=100,
        le=100_000,
        description="Length of a chunk. Keep it below what the model reads at once (512 tokens are about 2000 "
        "characters of English, 500 of Chinese): a server that cuts silently ignores the rest.",
    )


AnyEmbedder = Annotated[MiniLM | SentenceTransformersModel | EmbeddingsApi, Field(discriminator="kind")]


class Text(Strict):
    """What is read of the texts, and what they are compared with."""

    enabled: bool = Field(True, description="Whether texts are read at all.")
    streams: list[Stream] = Field(
        default=["prompt", "response"], min_length=1, description="Which texts are read: prompt, response."
    )
    by: list[GroupingColumn] = Field(
        default=["service"],
        description="Read the texts of each segment of this grouping of a source; of the whole where it has none. "
        "Few and large segments see more than many small ones.",
    )
    segments: int = Field(4, ge=1, le=50, description="Segments whose texts are read, the first that were admitted.")
    embedder: AnyEmbedder = Field(default=MiniLM(), description="What turns a text into a vector.")
    sample: int = Field(
        200,
        ge=100,
        le=5000,
        description="Texts that are read of a window and stream. Twice as many cost twice the time and see changes "
        "that are a third smaller.",
    )
    ood: OodKind = Field(
        "knn",
        description="How strange a text is: knn (distance to its neighbours in the baseline), lof, isolation_forest, "
        "mahalanobis.",
    )
    baseline_days: int = Field(
        28, ge=2, le=180, description="Days of traffic that a baseline is learnt from; four weeks know the week."
    )
    learn: int = Field(
        140_000,
        ge=2_000,
        description="About how many texts a baseline is learnt from: each of its windows gives `sample` of them, or "
        "fewer, at least 100. Fewer are learnt faster and see less.",
    )
    window: PositiveDuration | None = Field(
        None,
        description="Length of a text window: 1h, 2h, 4h, 8h or 24h; unset is the shortest in which windows have 100 "
        "texts.",
        examples=["1h"],
    )
    refit: Duration = Field(
        timedelta(days=7),
        description="How much log has to come after a baseline until it is replaced: a new one is learnt from "
        "baseline_days of log that end 7 days before, so that it does not take in what is just drifting. A pinned "
        "baseline stays beside it. 0s never replaces one.",
    )
    sentiment: bool = Field(
        False,
        description="Whether English texts are described by their sentiment too; needs watchkeeper[sentiment]. A "
        "change wants new baselines, which are learnt by themselves.",
    )
    cache: int = Field(
        300_000,
        ge=0,
        description="Texts whose vectors are kept, so that what comes again is not embedded again. As many as the "
        "prompts and responses that one segment is learnt from (twice learn) and what is read beside; a smaller one "
        "embeds them anew for the responses given their prompts. A kilobyte each.",
    )

    @field_validator("window")
    @classmethod
    def _divides_the_day(cls, value: timedelta | None) -> timedelta | None:
        hours = (1, 2, 4, 8, 24)
        if value is not None and value not in {timedelta(hours=each) for each in hours}:
            raise ValueError("must be 1h, 2h, 4h, 8h or 24h")
        return value

    @field_validator("refit")
    @classmethod
    def _whole_days(cls, value: timedelta) -> timedelta:
        if value and value < timedelta(days=1):
            raise ValueError("must be 1d or longer, or 0s for never: what is learnt ends at a day's end")
        return value

    @field_validator("streams")
    @classmethod
    def _once(cls, value: list[Stream]) -> list[Stream]:
        return list(dict.fromkeys(value))
