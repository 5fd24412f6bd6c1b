"""Settings of what reads the texts: the embedder, what is sampled, the baseline."""

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from config.sources.common import Strict
from config.types import GroupingColumn, PositiveDuration

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
    url: str = Field(
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

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("is not a web address: write http://host:port/v1 or https://host/v1")
        if parts.username or parts.password:
            raise ValueError("must hold no user and no password: write the key as api_key")
        return value.strip().rstrip("/")


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
        300,
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
    reservoir: int = Field(
        20_000,
        ge=500,
        le=20_000,
        description="Texts that a baseline is made of. Fewer are learnt faster and know less.",
    )
    cache: int = Field(
        200_000, ge=0, description="Texts whose vectors are kept, so that what comes again is not embedded again."
    )

    @field_validator("streams")
    @classmethod
    def _once(cls, value: list[Stream]) -> list[Stream]:
        return list(dict.fromkeys(value))
