"""Which files a source consists of at this moment."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Literal

LineFormat = Literal["jsonl", "csv", "parquet"]

_FORMATS: dict[str, LineFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is there."""

    path: Path
    device: int
    inode: int
    size: int
    changed: int


def scan(patterns: Sequence[str], folder: Path, problems: list[str]) -> list[Found]:
    """The files that match, each once, least recently written first: what is written last wins.

    Links to one file count once. A file that goes meanwhile is not there; one that may not be looked at is a problem.

    Args:
        patterns: globs; `**` is any number of folders; a relative one starts at `folder`, `~` is the home directory.
        folder: of the configuration file.
        problems: gets a line for each file that cannot be looked at.
    """
    found: dict[tuple[int, int], Found] = {}
    for pattern in patterns:
        for name in glob(os.path.expanduser(pattern), root_dir=folder, recursive=True):
            path = folder / name
            try:
                about = path.stat()
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                problems.append(f"{path}: {error.strerror}")
                continue
            if stat.S_ISREG(about.st_mode):
                key = (about.st_dev, about.st_ino)
                known = found.get(key)
                if known is None or path < known.path:
                    found[key] = Found(path, *key, about.st_size, about.st_mtime_ns)
    return sorted(found.values(), key=lambda each: (each.changed, each.path))


def format_of(name: str) -> LineFormat:
    """The format by the file name's ending, whatever rotation and compression have added after it."""
    endings = [ending for ending in Path(name).suffixes if ending.lower() in _FORMATS]
    return _FORMATS[endings[-1].lower()] if endings else "jsonl"
