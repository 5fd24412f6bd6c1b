"""Arrays and small values as bytes: equal values give equal bytes, and nothing in them is ever executed."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEADER = "header"


def packed(arrays: Mapping[str, NDArray[Any]], *, compressed: bool = True) -> bytes:
    """What `np.savez` writes, always with the same time of change."""
    method, file = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED, io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, array in sorted(arrays.items()):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            archive.writestr(info, member.getvalue())
    return file.getvalue()


def unpacked(data: bytes) -> dict[str, NDArray[Any]]:
    """What `packed` was given."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def to_bytes(value: Any) -> bytes:
    """A dataclass of numbers, texts, arrays, tuples and other such dataclasses; not compressed, because another release
    of zlib would give other bytes."""
    arrays: dict[str, NDArray[Any]] = {}
    header = json.dumps(_plain(value, arrays), sort_keys=True)
    return packed(arrays | {_HEADER: np.frombuffer(header.encode(), np.uint8)}, compressed=False)


def from_bytes(data: bytes, kinds: Mapping[str, type]) -> Any:
    """What `to_bytes` was given; sequences come back as tuples.

    Args:
        data: the bytes.
        kinds: the dataclasses that may be in them, by name.

    Raises:
        KeyError: another dataclass is in them.
    """
    arrays = unpacked(data)
    return _value(json.loads(arrays.pop(_HEADER).tobytes()), arrays, kinds)


def freeze(value: Any) -> None:
    """Makes the arrays of such a value read-only, so that nothing changes what was fitted."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif is_dataclass(value):
        for each in fields(value):
            freeze(getattr(value, each.name))
    elif isinstance(value, tuple | list):
        for each in value:
            freeze(each)


def _plain(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if is_dataclass(value):
        parts = {each.name: _plain(getattr(value, each.name), arrays) for each in fields(value)}
        return {"kind": type(value).__name__, "fields": parts}
    if isinstance(value, tuple | list):
        return [_plain(each, arrays) for each in value]
    return value.item() if isinstance(value, np.generic) else value


def _value(plain: Any, arrays: Mapping[str, NDArray[Any]], kinds: Mapping[str, type]) -> Any:
    if isinstance(plain, list):
        return tuple(_value(each, arrays, kinds) for each in plain)
    if not isinstance(plain, dict):
        return plain
    if "array" in plain:
        return arrays[plain["array"]]
    return kinds[plain["kind"]](**{name: _value(each, arrays, kinds) for name, each in plain["fields"].items()})
