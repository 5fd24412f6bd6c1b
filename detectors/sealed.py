"""What is fitted once and then frozen, as bytes that say which version they are and notice when they were changed."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from detectors.archive import freeze, packed, unpacked

Header = dict[str, Any]
Arrays = dict[str, NDArray[Any]]


class TooLargeError(ValueError):
    """A baseline would take more than 25 MB."""


class UnreadableError(ValueError):
    """Bytes are no baseline of this version of Watchkeeper, or were changed."""


class Sealed(Protocol):
    """Something with the version of its content."""

    @property
    def version(self) -> str:
        """SHA-256 of everything else."""
        ...


Kind = TypeVar("Kind", bound=Sealed)


def version_of(header: Header, arrays: Arrays) -> str:
    """The hash of the content, not of the file: another release of zlib packs the same content differently."""
    content = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        content.update(f"{name} {array.dtype.str} {array.shape}".encode())
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


def settled(header: Header, arrays: Arrays, *parts: object) -> str:
    """The version of what was fitted, which nothing changes from now on: its arrays, and those of its parts, are
    read-only."""
    freeze([*arrays.values(), *parts])
    return version_of(header, arrays)


def seal(header: Header, arrays: Arrays, most: int) -> bytes:
    """As a compressed npz file; equal contents give equal bytes.

    Args:
        header: JSON, with the `version`.
        arrays: none of them called `header`.
        most: bytes that it may take.

    Raises:
        TooLargeError: it would take more.
    """
    text = json.dumps(header, sort_keys=True)
    data = packed(arrays | {"header": np.frombuffer(text.encode(), np.uint8)})
    if len(data) > most:
        raise TooLargeError(
            f"the baseline takes {len(data):,} bytes, more than {most:,}: choose a smaller embedding model, or the"
            " scorer knn"
        )
    return data


def unseal(data: bytes, wanted: object, read: Callable[[Header, Arrays], Kind]) -> Kind:
    """What was sealed.

    Args:
        data: the bytes.
        wanted: the `format` of the header.
        read: makes it from header and arrays.

    Raises:
        UnreadableError: these are not its bytes.
    """
    try:
        arrays = unpacked(data)
        header = json.loads(arrays.pop("header").tobytes())
        if header["format"] != wanted:
            raise UnreadableError(f"a baseline of format {header['format']}; this version reads {wanted}")
        found = read(header, arrays)
    except UnreadableError:
        raise
    except (OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise UnreadableError(f"no baseline: {error}") from error
    if found.version != header["version"]:
        raise UnreadableError(f"the baseline {header['version']} was changed")
    return found


def refusal(made: Iterable[tuple[str, str, str]]) -> str:
    """Why texts that were made in another way cannot be compared; empty when they can.

    Args:
        made: by what texts are made: its name, what it was when the baseline was fitted, what it is now.
    """
    changed = [f"{what}: fitted with {then}, now {now}" for what, then, now in made if then != now]
    return "; ".join(changed) and "another " + "; another ".join(changed) + ": fit a new baseline"


EMBEDDER = "embedder (model, tokenizer, normaliser or chunking)"
REDACTOR = "redactor"
