"""The language that a text is written in: the one door of the detector, py3langid."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier  # type: ignore[import-untyped, unused-ignore]

# Part of the identity of every summary of texts: another model gives other languages.
LANGUAGE_VERSION = "py3langid-0.4.0/1"

# Characters that are read. On 602 answers of AlpacaEval reading 2,000 changed no answer and took twice the time.
READ = 1_000

# A text with fewer bytes of letters (UTF-8) is too short: three Chinese characters, nine Latin ones.
LETTERS = 9

# Less probable answers are unknown. At this level 1 in 1,000 short English requests (CLINC150, test) gets a wrong
# language and 1 in 30 none; without it 1 in 85 gets a wrong one.
PROBABLE = 0.5

# Of the detector's 140 languages those with many writers. The others take texts away from close relatives: Nigerian
# Pidgin from English, Wu from Chinese (1 in 10), Luxembourgish from German. "zxx" is the class of what is no language.
NOT_A_LANGUAGE = "zxx"
_CODES = (
    "af am ar az be bg bn ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko lo"
    " lt lv mk ml mn mr ms my ne nl no pa pl ps pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi zh"
)
LANGUAGES = tuple(_CODES.split())


def language(texts: Sequence[str | None]) -> list[str | None]:
    """The ISO 639-1 code of each text's language ("tl" is Filipino), None where it is unknown.

    Unknown are missing texts, texts with too few letters, and those that the detector is not sure about: code, tables,
    identifiers. Only the first `READ` characters are read. Equal texts are read once.
    """
    known = {text: _language(text) for text in {text[:READ] for text in texts if text is not None}}
    return [None if text is None else known[text[:READ]] for text in texts]


def _language(text: str) -> str | None:
    letters = "".join(filter(str.isalpha, text)).encode("utf-8", errors="surrogatepass")
    if len(letters) < LETTERS:
        return None
    code, probability = _identifier().classify(text)
    return code if probability >= PROBABLE and code != NOT_A_LANGUAGE else None


@lru_cache(maxsize=1)
def _identifier() -> "LanguageIdentifier":
    """The model from the package's own file (no download), read on first use: about a second and 100 MB.

    An instance of our own: the package's module-level functions share one whose languages any library may change.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([*LANGUAGES, NOT_A_LANGUAGE])
    return identifier
