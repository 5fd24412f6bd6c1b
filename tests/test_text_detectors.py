"""What holds for everything that reads texts, whatever the texts; the samples are in `samples_texts`."""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, get_args

import numpy as np
import pytest
from samples_texts import (
    EMBEDDERS,
    HOSTILE,
    LATER,
    NORMAL,
    READERS,
    SCORERS,
    Read,
    Reader,
    embedder_kinds,
    hostile,
    leaves,
    rows_of,
)

from config.detectors import OodKind
from detectors import ood
from detectors.measurement import Key, Value
from detectors.text_catalogue import TEXTS

# Of windows in order, or of pairs of texts: `test_reading_drift`, `test_reading_pairs`.
IN_ORDER = {"drift_evidence", "model_drift"}
LEARNERS = [reader for reader in READERS if reader.kind not in EMBEDDERS]


@pytest.fixture(scope="module")
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture(scope="module")
def learnt(stack: ExitStack) -> dict[str, Any]:
    """By the name of the reader, what it learnt of normal texts: filled as tests ask for it."""
    return {}


@pytest.fixture(autouse=True)
def small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds for any reader holds for few trees."""
    monkeypatch.setattr(ood, "_TREES", 20)


@pytest.fixture(params=READERS, ids=lambda reader: reader.name)
def reader(request: pytest.FixtureRequest) -> Reader:
    return request.param


def of_normal(reader: Reader, learnt: dict[str, Any], stack: ExitStack) -> Any:
    if reader.name not in learnt:
        learnt[reader.name] = reader.learn(NORMAL, stack)
    return learnt[reader.name]


def assert_same(found: Any, expected: Any, rounding: float = 0.0) -> None:
    one, other = list(leaves(found)), list(leaves(expected))
    assert len(one) == len(other)
    differ = [(a, b) for a, b in zip(one, other, strict=True) if a is not b and not _same(a, b, rounding)]
    assert differ[:3] == []


def _same(a: Any, b: Any, rounding: float) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.shape == b.shape and _all_same(a, b, rounding)
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= rounding * max(1.0, abs(b))
    return bool(a == b)


def _all_same(a: np.ndarray, b: np.ndarray, rounding: float) -> bool:
    if not (np.issubdtype(a.dtype, np.floating) and np.issubdtype(b.dtype, np.floating)):
        return np.array_equal(a, b)
    one, other = a.astype(np.float64), b.astype(np.float64)
    near = np.abs(one - other) <= rounding * np.maximum(1.0, np.abs(other))
    return bool((near | (one == other) | (np.isnan(one) & np.isnan(other))).all())


def assert_sound(read: Read, count: int) -> None:
    """A number is finite or unknown, a value has its reason or lies within its interval."""
    assert len(read.rows) in (0, count)
    assert not any(_infinite(leaf) for leaf in leaves(read))
    for value in _values(read.whole):
        known = [each for each in (value.lower, value.value, value.upper) if each is not None]
        assert all(map(math.isfinite, known))
        assert known == sorted(known)


def _infinite(leaf: Any) -> bool:
    if isinstance(leaf, np.ndarray):
        return np.issubdtype(leaf.dtype, np.floating) and bool(np.isinf(leaf).any())
    return isinstance(leaf, float) and math.isinf(leaf)


def _values(thing: Any) -> Iterator[Value]:
    return (value for _, value in _measured(thing))


def _keys(thing: Any) -> Iterator[Key]:
    return (key for key, _ in _measured(thing))


def _measured(thing: Any) -> Iterator[tuple[Key, Value]]:
    """The measurements somewhere in a result."""
    if isinstance(thing, tuple) and len(thing) == 2 and isinstance(thing[1], Value):
        yield thing
    elif isinstance(thing, list | tuple):
        yield from (pair for each in thing for pair in _measured(each))


def test_every_kind_has_a_sample() -> None:
    assert set(SCORERS) == set(get_args(ood.Kind)) == set(get_args(OodKind))
    assert set(EMBEDDERS) == embedder_kinds()
    assert {reader.kind for reader in READERS} - {""} == {*SCORERS, *EMBEDDERS}


def test_every_measurement_of_texts_comes_from_a_sample(stack: ExitStack, learnt: dict[str, Any]) -> None:
    measure = [reader for reader in READERS if reader.name in ("effects", "descriptors")]
    keys = [key for reader in measure for key in _keys(reader(of_normal(reader, learnt, stack), LATER).whole)]
    assert {key.name for key in keys} == {spec.name for spec in TEXTS} - IN_ORDER
    for spec in TEXTS:
        if spec.name in IN_ORDER:
            continue
        labels = {name for key in keys if key.name == spec.name for name, _ in key.labels}
        assert labels == {name for name, _ in spec.labels} - {
            "baseline",
            "stream",
        }  # which are known where they are kept and shown


def test_the_order_of_rows_changes_nothing(reader: Reader, stack: ExitStack, learnt: dict[str, Any]) -> None:
    known = of_normal(reader, learnt, stack)
    sample = rows_of(LATER, np.arange(len(LATER.texts))[: reader.most])
    order = np.random.RandomState(1).permutation(len(sample.texts))
    straight, turned = reader(known, sample), reader(known, rows_of(sample, order))
    if len(straight.rows):
        assert_same(list(turned.rows), [straight.rows[row] for row in order], reader.rounding)
    assert_same(turned.whole, straight.whole, reader.rounding)


def test_the_same_texts_give_the_same_twice(reader: Reader, stack: ExitStack, learnt: dict[str, Any]) -> None:
    first = reader(of_normal(reader, learnt, stack), LATER)
    assert_same(reader(of_normal(reader, learnt, stack), LATER), first)
    assert_same(reader(reader.learn(NORMAL, stack), LATER), first)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_breaks_what_is_read(reader: Reader, name: str, stack: ExitStack, learnt: dict[str, Any]) -> None:
    sample = hostile(name)
    count = len(sample.texts[: reader.most])
    assert_sound(reader(of_normal(reader, learnt, stack), sample), count)


@pytest.mark.parametrize("reader", LEARNERS, ids=lambda reader: reader.name)
@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_breaks_what_is_learnt_nor_its_way_through_a_store(reader: Reader, name: str, stack: ExitStack) -> None:
    """Learnt of such texts, any text can be read. Only of fewer than three texts may learning be refused."""
    sample = hostile(name, first=0, hours=48)
    try:
        known = reader.learn(sample, stack)
    except ValueError:
        assert len(sample.texts) < 3
        return
    found = reader(known, LATER)
    assert_sound(found, len(LATER.texts))
    assert_sound(reader(known, sample), len(sample.texts))
    if reader.again:
        assert_same(reader(reader.again(known), LATER), found)


@pytest.mark.parametrize("reader", [reader for reader in READERS if reader.again], ids=lambda reader: reader.name)
def test_what_is_stored_comes_back_exactly(reader: Reader, stack: ExitStack, learnt: dict[str, Any]) -> None:
    known = of_normal(reader, learnt, stack)
    assert reader.again
    assert_same(reader(reader.again(known), LATER), reader(known, LATER))
