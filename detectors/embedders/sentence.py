"""Models of sentence-transformers, on this machine. The only door to sentence_transformers (and torch).

Both load when the first text is embedded, once in a process for all that ask for the same model.
"""

import json
import math
import os
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from config.detectors import MiniLM, SentenceTransformersModel
from detectors.embedder import EmbeddingError, Vectors, fingerprint
from detectors.embedders import minilm
from detectors.normalise import Spans, chunks, chunks_by_characters

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH: Final = 32
# Models that read thousands of tokens get shorter chunks: cost grows with the square, and one vector for ten pages
# hides the strange one.
MOST_TOKENS: Final = 512
_FEWEST_TOKENS: Final = 16

_loading = RLock()


class BundledModel:
    """The model of the package: its identity and dimensions are known without loading it."""

    dimensions = minilm.DIMENSIONS

    def __init__(self, settings: MiniLM) -> None:
        self._most = settings.chunks
        self.identity = fingerprint("minilm", sorted(minilm.FILES.items()), self._most, MOST_TOKENS)

    def chunks(self, text: str) -> list[str]:
        """As in `detectors.embedder.Model`."""
        return self._loaded.chunks(text, self._most)

    def vectors(self, chunks: Sequence[str]) -> Vectors:
        """As in `detectors.embedder.Model`."""
        return self._loaded.vectors(chunks)

    @cached_property
    def _loaded(self) -> "Loaded":
        # Nothing may ask the hub for the bundled model; the library reads this when it is first imported.
        os.environ["HF_HUB_OFFLINE"] = "1"
        with _loading:
            return _load_bundled(minilm.folder())


class NamedModel:
    """A model of the hub or of a folder; its identity is a hash of what was loaded, wherever it came from."""

    def __init__(self, settings: SentenceTransformersModel) -> None:
        self._settings = settings

    @property
    def identity(self) -> str:
        """As in `detectors.embedder.Model`; loads the model."""
        return fingerprint("sentence_transformers", self._loaded.digest, self._settings.chunks, MOST_TOKENS)

    @property
    def dimensions(self) -> int:
        """As in `detectors.embedder.Model`; loads the model."""
        return self._loaded.dimensions

    def chunks(self, text: str) -> list[str]:
        """As in `detectors.embedder.Model`."""
        return self._loaded.chunks(text, self._settings.chunks)

    def vectors(self, chunks: Sequence[str]) -> Vectors:
        """As in `detectors.embedder.Model`."""
        return self._loaded.vectors(chunks)

    @cached_property
    def _loaded(self) -> "Loaded":
        name = os.path.expanduser(self._settings.model)
        with _loading:
            return _load(name, self._settings.revision, self._settings.device, self._settings.prefix)


class Loaded:
    """A model in memory.

    Attributes:
        dimensions: length of a vector.
        limit: tokens of a text that it reads at once, without its own.
    """

    def __init__(self, model: "SentenceTransformer", prefix: str | None) -> None:
        self._model = model.float()  # half precision would depend on the batch
        self._prefix = _own_prefix(model) if prefix is None else prefix
        self._spans = _spans(model.tokenizer)
        self._lock = Lock()  # a fast tokenizer refuses a second thread
        self.dimensions = len(self.vectors([""])[0])
        self.limit = self._limit()

    def chunks(self, text: str, most: int) -> list[str]:
        """Pieces of a text that the model reads to their end."""
        if self._spans is None:
            return chunks_by_characters(text, 2 * self.limit, most)  # 4 characters a token are usual
        with self._lock:
            return chunks(text, self._spans, self.limit, most)

    def vectors(self, chunks: Sequence[str]) -> Vectors:
        """(k, d) float32, in the order of the chunks; chunks of like length are read together."""
        with self._lock:
            made = self._model.encode(
                list(chunks), prompt=self._prefix, batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True
            )
        return np.asarray(made, np.float32)

    @cached_property
    def digest(self) -> str:
        """Hash of weights, tokenizer, the modules after the transformer, prefix and limit."""
        total = sha256(repr((self._prefix, self.limit, self._modules())).encode())
        total.update(_tokenizer_text(self._model.tokenizer).encode())
        for name, tensor in sorted(self._model.state_dict().items()):
            total.update(f"{name} {tuple(tensor.shape)}".encode())
            total.update(np.ascontiguousarray(tensor.cpu().numpy()).data)
        return total.hexdigest()

    def _modules(self) -> list[str]:
        def configured(module: Any) -> object:
            return module.get_config_dict() if hasattr(module, "get_config_dict") else None

        _, *after = self._model
        return [f"{type(each).__name__} {json.dumps(configured(each), sort_keys=True, default=str)}" for each in after]

    def _limit(self) -> int:
        longest = self._model.max_seq_length
        tokens = MOST_TOKENS if longest is None or not math.isfinite(longest) else min(int(longest), MOST_TOKENS)
        own = _own_tokens(self._model.tokenizer) + (len(self._spans(self._prefix)) if self._spans else 0)
        if tokens - own < _FEWEST_TOKENS:
            raise EmbeddingError(f"the model reads {tokens} tokens at once, and {own} of them are no text: too few")
        return tokens - own


@lru_cache(maxsize=1)
def _load_bundled(folder: Path) -> Loaded:
    return _load(str(minilm.verified(folder)), None, "cpu", "")


@lru_cache(maxsize=4)
def _load(name: str, revision: str | None, device: str, prefix: str | None) -> Loaded:
    _size_threads()
    # What a broken folder or an unreachable hub raises is nowhere listed.
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        local = os.path.isdir(name)
        model = SentenceTransformer(name, revision=revision, device=device, local_files_only=local)
        return Loaded(model, prefix)
    except EmbeddingError:
        raise
    except Exception as error:
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") == "1" else ""
        first = str(error).partition("\n")[0][:200]
        raise EmbeddingError(f"cannot load the model {name}{offline}: {type(error).__name__}: {first}") from error


def _own_prefix(model: "SentenceTransformer") -> str:
    return str(model.prompts.get(model.default_prompt_name, "")) if model.default_prompt_name else ""


def _spans(tokenizer: Any) -> Spans | None:
    """Where the tokens of a text are; None if the tokenizer does not know."""
    if getattr(tokenizer, "is_fast", False):
        return lambda text: tokenizer(
            text, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False
        )["offset_mapping"]
    return None


def _own_tokens(tokenizer: Any) -> int:
    count: Callable[[bool], int] = getattr(tokenizer, "num_special_tokens_to_add", lambda pair: 2)
    return count(False)


def _tokenizer_text(tokenizer: Any) -> str:
    """Everything that decides how it cuts, without what changes while it is used."""
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not hasattr(backend, "to_str"):
        return json.dumps(sorted(tokenizer.get_vocab().items()))
    whole = json.loads(backend.to_str())
    return json.dumps({key: each for key, each in whole.items() if key not in ("truncation", "padding")})


def _size_threads() -> None:
    """As many threads as there are cores for this process, in torch and in the BLAS of NumPy.

    Left to themselves they take one for each core of the host, of which a container may have two.
    """
    if os.environ.get("OMP_NUM_THREADS"):
        return  # somebody has decided
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    torch.set_num_threads(cores())
    threadpool_limits(limits=cores(), user_api="blas")


def cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores that this process may use: by its affinity, and by the quota of its container (cgroup v2)."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        allowed, period = quota.read_text().split()
        return max(1, min(available, math.ceil(int(allowed) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):  # no container, or "max"
        return available
