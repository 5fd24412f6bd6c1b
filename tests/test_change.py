"""What is said to have changed between the texts of a window and those of a baseline."""

import json

import numpy as np
import pytest
from scipy import stats

from detectors.change import Change, change
from detectors.summary import Summary, summarise

PROSE = "Please tell me how I can return the shoes that I bought last week.\nThey are too small for me."


def traffic(n: int, seed: int, at_least: int = 3) -> list[str]:
    rng = np.random.default_rng(seed)
    words = PROSE.lower().replace("\n", " ").split()
    return [" ".join(rng.choice(words, at_least + rng.poisson(12))) for _ in range(n)]


def by_name(found: list[Change]) -> dict[str, Change]:
    return {each.name: each for each in found}


def test_what_embeddings_do_not_see_is_named_first() -> None:
    before = summarise(traffic(1_000, 0))
    shouting = change(summarise([text.upper() for text in traffic(200, 1)]), before)
    assert shouting[0].name == "upper_case"
    wrapped = change(summarise([json.dumps({"q": text}) for text in traffic(200, 1)]), before)
    assert "json" in {each.name for each in wrapped[:2]}
    longer = change(summarise(traffic(200, 1, at_least=300)), before)
    assert longer[0].name in ("characters", "tokens")
    assert longer[0].before < longer[0].now
    assert longer[0].lower > 0


def test_equal_traffic_shows_little_and_rarely() -> None:
    before = summarise(traffic(2_000, 0))
    found = [each for seed in range(1, 31) for each in change(summarise(traffic(150, seed)), before)]
    sure = [each for each in found if each.strength > 0]
    assert len(sure) / len(found) < 0.05
    assert all(each.strength < 0.2 for each in sure)


def test_a_language_that_arrives_is_a_change_of_its_share() -> None:
    german = [f"Wie setze ich mein Passwort für das Konto Nummer {number} zurück?" for number in range(50)]
    english = [f"How do I reset my password for the account number {number}?" for number in range(100)]
    found = by_name(change(summarise(german + english), summarise(english * 3)))
    assert found["de"].kind == "language"
    assert (found["de"].before, found["de"].now) == (0, pytest.approx(1 / 3))
    assert 0.2 < found["de"].lower < found["de"].difference < found["de"].upper < 0.45


def test_a_large_baseline_does_not_look_fuller_of_duplicates() -> None:
    rng = np.random.default_rng(0)
    pool = traffic(2_000, 0)
    draw = rng.choice(pool, 5_200).tolist()
    now, before = summarise(draw[:200]), summarise(draw[200:])
    assert before.repeats.duplicates(5_000) > 0.5
    assert by_name(change(now, before))["duplicate"].strength == 0
    storm = by_name(change(summarise(draw[:100] + [PROSE] * 100), before))["duplicate"]
    assert storm.now > 0.45
    assert storm.strength > 0.5


def test_an_unknown_side_has_no_difference() -> None:
    found = change(summarise([None]), summarise(traffic(20, 0)))
    assert all(each.difference is None and each.strength == 0 for each in found)
    assert by_name(found)["characters"].before is not None
    single = by_name(change(summarise([PROSE]), summarise(traffic(20, 0))))
    assert (single["characters"].difference is None, single["characters"].lower) == (False, None)


def test_the_difference_of_numbers_has_welchs_interval() -> None:
    rng = np.random.default_rng(3)
    for n in (5, 12, 150):
        a, b = rng.lognormal(4.0, 0.8, n).round(), rng.lognormal(3.6, 0.6, n * 3).round()
        found = by_name(change(summarise(["x" * int(k) for k in a]), summarise(["x" * int(k) for k in b])))[
            "characters"
        ]
        x, y = np.log1p(a), np.log1p(b)
        expected = stats.ttest_ind(x, y, equal_var=False).confidence_interval()
        scale = y.std(ddof=1)
        assert found.difference == pytest.approx((x.mean() - y.mean()) / scale, abs=0.03)
        assert (found.lower, found.upper) == pytest.approx((expected.low / scale, expected.high / scale), abs=0.03)


def test_a_baseline_that_was_stored_is_compared_like_one_that_was_not() -> None:
    before = summarise(["see https://example.com/a", "plain words here"] * 40)
    now = summarise(["plain words here", '{"a": 1}'] * 40)
    stored = Summary.from_json(json.loads(json.dumps(before.to_json(), sort_keys=True)))
    assert change(now, stored) == change(now, before)
    assert {each.name: (each.before, each.now) for each in change(now, stored)}["url"] == (0.5, 0.0)
