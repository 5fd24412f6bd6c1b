"""Whatever stands in the file or the environment, only problems are raised."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from config_files import uncommented
from hypothesis import given
from hypothesis import strategies as st

from config.problems import ConfigProblems, Problem
from config.template import template
from monitor.commands.checks import load_checked

EVERYTHING = "".join(line for line in uncommented(template()).splitlines(keepends=True) if "# " not in line)
PIECES = st.one_of(
    st.sampled_from(
        [
            *":-[]{}#&*!|>'\"%@`,?\n\t \0~<=",
            "<<: ",
            "*a",
            "&a ",
            "!!int ",
            "- ",
            "---\n",
            "${X}",
            "\ud800",
            "\U0001f4af",
        ]
    ),
    st.text(max_size=5),
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["files", "table", "slack", "1m", "calls", "service", "app", "oncall", "99999999999999d"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def only_problems(path: Path, environ: dict[str, str]) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        load_checked(path, environ)
    except ConfigProblems as raised:
        problems = raised.problems
    for problem in problems:
        assert problem.message
        assert problem.file
        str(problem).encode()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations") / "watchkeeper.yaml"


@given(edits=st.lists(st.tuples(st.integers(0, len(EVERYTHING)), st.integers(0, 30), PIECES), min_size=1, max_size=4))
def test_a_file_that_was_edited_at_random_raises_nothing_but_problems(
    scratch: Path, edits: list[tuple[int, int, str]]
) -> None:
    text = EVERYTHING
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    scratch.write_bytes(text.encode(errors="surrogatepass"))
    only_problems(scratch, {})


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


TREE = yaml.safe_load(EVERYTHING)
PLACES = [path for path in places(TREE) if path]


@given(where=st.sampled_from(PLACES), value=VALUES, name=st.none() | st.text(max_size=8))
def test_a_value_of_any_type_in_any_place_raises_nothing_but_problems(
    scratch: Path, where: tuple[Any, ...], value: Any, name: str | None
) -> None:
    tree = deepcopy(TREE)
    around = tree
    for key in where[:-1]:
        around = around[key]
    if isinstance(around, dict) and name is not None:
        del around[where[-1]]
        around[name] = value
    else:
        around[where[-1]] = value
    scratch.write_text(json.dumps(tree))
    only_problems(scratch, {})


@given(
    where=st.sampled_from([path for path in PLACES if not any(isinstance(key, int) for key in path)]),
    suffix=st.sampled_from(["", "", "_FILE", "__X", "__"]) | st.text(max_size=4),
    value=st.text(max_size=12) | VALUES.map(json.dumps),
)
def test_a_variable_of_any_text_raises_nothing_but_problems(
    scratch: Path, where: tuple[str, ...], suffix: str, value: str
) -> None:
    scratch.write_text(EVERYTHING)
    name = "WATCHKEEPER__" + "__".join(where).upper() + suffix
    only_problems(scratch, {name: value})
