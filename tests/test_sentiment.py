"""Sentiment: of English texts only, from -1 to 1, and a version of its own that nothing else is compared with."""

import math
from pathlib import Path

import numpy as np
import pytest
from test_summary import HOSTILE

from config.load import draft
from config.problems import ConfigProblems
from detectors.change import change
from detectors.descriptors import DESCRIPTORS_VERSION, SENTIMENT, version_of
from detectors.measurement import Key
from detectors.sentiment import READ, sentiment
from detectors.summary import Summary, merged, summarise, values, with_sentiment
from monitor.commands.checks import all_problems, load_checked

GLAD = [f"Thank you, this is great and I love how well it works, order number {n}." for n in range(40)]
UPSET = [f"This is terrible, I hate it and the support is awful, order number {n}." for n in range(40)]
GERMAN = ["Wie setze ich mein Passwort zurück? Das ist furchtbar und schrecklich."] * 10
MEAN = Key.of("descriptor_mean", descriptor="sentiment")


def described(texts: list[str]) -> Summary:
    return with_sentiment(summarise(texts), texts)


def test_pleased_is_above_and_upset_below_zero() -> None:
    found = sentiment([GLAD[0], UPSET[0], "The invoice is attached to this message."], ["en"] * 3)
    assert 0.5 < found[0] <= 1
    assert -1 <= found[1] < -0.5
    assert abs(found[2]) < 0.3


def test_what_is_missing_empty_or_in_another_language_has_none() -> None:
    assert np.isnan(sentiment([None, "", GERMAN[0], GLAD[0]], ["en", "en", "de", None])).all()


def test_hostile_texts_have_one_or_none_and_only_their_beginning_is_read() -> None:
    found = sentiment(HOSTILE, ["en"] * len(HOSTILE))
    assert all(math.isnan(each) or -1 <= each <= 1 for each in found)
    calm = "The invoice is attached to this message. " * (READ // 40 + 1)
    assert sentiment([calm + UPSET[0] * 9], ["en"]) == sentiment([calm], ["en"])


def test_the_mean_has_its_sign_and_its_interval() -> None:
    low, high = values(described(UPSET + GERMAN))[MEAN], values(described(GLAD + GERMAN))[MEAN]
    assert low.n == high.n == 40
    assert -1 <= (low.lower or 0) <= (low.value or 0) <= (low.upper or 0) < -0.5
    assert 0.5 < (high.lower or 0) <= (high.value or 0) <= (high.upper or 0)
    assert MEAN not in values(summarise(GLAD))


def test_a_change_of_mood_stands_out_with_its_medians() -> None:
    mood = next(each for each in change(described(UPSET), described(GLAD * 5)) if each.name == SENTIMENT.name)
    assert mood.strength > 1
    assert -1 <= (mood.now or 0) < -0.5 < 0.5 < (mood.before or 0) <= 1


def test_summaries_with_it_merge_survive_being_stored_and_are_not_compared_with_those_without() -> None:
    whole, parts = described(GLAD + UPSET), [described(GLAD), described(UPSET)]
    assert merged(parts) == whole == Summary.from_json(whole.to_json())
    assert whole.version == version_of(sentiment=True) != DESCRIPTORS_VERSION == version_of(sentiment=False)
    with pytest.raises(ValueError, match="cannot be compared"):
        change(whole, summarise(GLAD))


def test_what_is_asked_for_and_not_installed_is_a_problem_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "watchkeeper.yaml"
    path.write_text("sources:\n  app: {kind: files, paths: [a.jsonl]}\ntext: {sentiment: true}\n")
    assert all_problems(draft(path, {})) == []
    monkeypatch.setattr("monitor.commands.checks.is_installed", lambda: False)
    (problem,) = all_problems(draft(path, {}))
    assert "watchkeeper.yaml:3: text.sentiment: needs" in str(problem)
    assert "pip install vaderSentiment" in str(problem)
    with pytest.raises(ConfigProblems, match="vaderSentiment"):
        load_checked(path, {})
