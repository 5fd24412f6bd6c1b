"""Values as bytes: they come back, equal ones are equal, and nothing in them is executed."""

import io
import json
import pickle
import zipfile
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from detectors.archive import from_bytes, packed, to_bytes, unpacked


@dataclass(frozen=True)
class Leaf:
    number: float = 0.0
    text: str = ""
    known: bool | None = None


@dataclass(frozen=True, eq=False)
class Tree:
    array: np.ndarray
    leaves: tuple[Any, ...] = ()
    leaf: Leaf = field(default_factory=Leaf)


KINDS = {"Leaf": Leaf, "Tree": Tree}
leaves = st.builds(
    Leaf, st.floats(allow_nan=False) | st.integers(-(2**60), 2**60), st.text(), st.sampled_from([None, True, False])
)
values = arrays.arrays(
    st.sampled_from([np.float64, np.float32, np.float16, np.int16, np.int64, np.bool_]),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
trees = st.builds(Tree, values, st.lists(st.one_of(leaves, st.tuples(leaves, st.none()))).map(tuple), leaves)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


@given(trees)
def test_a_value_comes_back(tree: Tree) -> None:
    data = to_bytes(tree)
    again = from_bytes(data, KINDS)
    assert same(again.array, tree.array)
    assert (again.leaves, again.leaf) == (tree.leaves, tree.leaf)
    assert to_bytes(again) == data


@given(trees)
def test_equal_values_give_equal_bytes(tree: Tree) -> None:
    other = Tree(np.array(tree.array, order="F"), tuple(tree.leaves), Leaf(**vars(tree.leaf)))
    assert to_bytes(other) == to_bytes(tree)


def test_how_an_array_lies_in_memory_does_not_change_a_byte() -> None:
    one = np.arange(6.0).reshape(2, 3)
    others = (np.asfortranarray(one), np.repeat(one, 2, axis=1)[:, ::2], one.T.copy().T)
    assert {to_bytes(Tree(each)) for each in others} == {to_bytes(Tree(one))}


def test_another_number_gives_other_bytes() -> None:
    assert to_bytes(Tree(np.zeros(3))) != to_bytes(Tree(np.array([0.0, 0.0, 1e-300])))
    assert to_bytes(Leaf(1.0)) != to_bytes(Leaf(1.5))


def test_numbers_of_numpy_and_lists_come_back_plain() -> None:
    again = from_bytes(to_bytes(Tree(np.zeros(1), [np.float64(0.1), np.int16(3), np.bool_(True)])), KINDS)  # type: ignore[arg-type]
    assert again.leaves == (0.1, 3, True)
    assert [type(each) for each in again.leaves] == [float, int, bool]


def test_infinite_and_unknown_numbers_come_back() -> None:
    again = from_bytes(to_bytes(Tree(np.array([np.nan, np.inf]), (float("inf"), float("nan")))), KINDS)
    assert again.leaves[0] == float("inf")
    assert np.isnan(again.leaves[1])
    assert np.isnan(again.array[0])


def test_a_kind_that_nobody_named_is_refused() -> None:
    data = to_bytes(Tree(np.zeros(2)))
    with pytest.raises(KeyError, match="Leaf"):
        from_bytes(data, {"Tree": Tree})
    with pytest.raises(KeyError, match="Tree"):
        from_bytes(data, {"Leaf": Leaf})


def test_a_name_in_the_bytes_reaches_nothing_but_the_kinds() -> None:
    header = json.dumps({"kind": "builtins.eval", "fields": {"source": "1/0"}}).encode()
    with pytest.raises(KeyError):
        from_bytes(packed({"header": np.frombuffer(header, np.uint8)}), KINDS)


class Bomb:
    """Says so when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("it was executed",)


def test_objects_are_neither_written_nor_read() -> None:
    bombs = np.array([Bomb()], dtype=object)
    with pytest.raises(ValueError, match="allow_pickle"):
        to_bytes(Tree(bombs))
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a0.npy", member.getvalue() + pickle.dumps(bombs))
    with pytest.raises(ValueError, match="allow_pickle"):
        unpacked(file.getvalue())


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), values), st.booleans())
def test_arrays_come_back_whatever_the_order_they_were_given_in(given_arrays: dict[str, Any], compressed: bool) -> None:
    data = packed(given_arrays, compressed=compressed)
    again = unpacked(data)
    assert sorted(again) == sorted(given_arrays)
    assert all(same(again[name], array) for name, array in given_arrays.items())
    assert packed(dict(reversed(given_arrays.items())), compressed=compressed) == data
