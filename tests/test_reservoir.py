"""Which texts a baseline keeps."""

import numpy as np
import pytest
from text_kit import centres, embedded

from detectors import reservoir as module
from detectors.embedder import Embedded
from detectors.reservoir import reservoir


def rows(n: int) -> np.ndarray:
    return np.random.default_rng(n).standard_normal((n, 8)).astype(np.float32)


def test_rows_that_are_equal_in_half_precision_are_kept_once_the_first_first() -> None:
    x = rows(5)
    twice = np.concatenate([x, x[::-1] * (1 + 1e-6)])
    assert reservoir(embedded(twice)).tobytes() == x.astype(np.float16).tobytes()
    assert len(reservoir(embedded(np.repeat(centres()[:1], 9, axis=0)))) == 1


def test_a_text_is_followed_by_its_chunks() -> None:
    mean, chunk = rows(2), rows(5)
    found = reservoir(Embedded(mean, chunk, np.array([0, 0, 1, 1, 1])))
    expected = np.concatenate([mean[:1], chunk[:2], mean[1:], chunk[2:]])
    assert found.tobytes() == expected.astype(np.float16).tobytes()


def test_it_is_bounded_by_rows_and_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 7)
    assert reservoir(embedded(rows(20))).tobytes() == rows(20)[:7].astype(np.float16).tobytes()
    monkeypatch.setattr(module, "_MOST_BYTES", 3 * 8 * 2 + 1)
    assert len(reservoir(embedded(rows(20)))) == 3
