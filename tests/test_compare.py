"""Two stretches compared once: p-values that hold where days differ, and a sentence on what each number means."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reading_kit import CONFIG, DAY, END, NEW_TOPIC, START, WordVectors, lived, opened, written
from reading_kit import log as calls

from detectors.comparison import classifier, components, conditional, mmd
from detectors.comparison.compare import compare
from detectors.comparison.finding import LEAST_TEXTS, Finding
from detectors.comparison.stretch import Stretch, blocks, p_value, principal
from monitor.commands import compare as command
from monitor.commands.compare import Asked
from monitor.comparison import ComparisonError, Question, compare_stretches
from monitor.daemon import LEASE
from monitor.reading.place import Place, Segment
from monitor.report import evidently_part
from monitor.report.thresholds import EMBEDDINGS
from monitor.report.values import Method, Result
from monitor.store import states

DAY_S = 86_400.0
METHODS = ["mmd", "classifier", "ks", "context_mmd"]


@pytest.fixture(autouse=True, scope="module")
def fewer_exchanges() -> Iterator[None]:
    """Half as many classifiers are fitted: no p-value below 0.01 is asked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "EXCHANGES", 99)
        yield


def unit(x: Any) -> Any:
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def stretch(
    seed: int, days: int = 7, *, per_day: int = 20, first_day: int = 0, shift: float = 0.0, day_effect: float = 0.0
) -> Stretch:
    """Texts around one direction; `shift` moves all of them, `day_effect` each day on its own."""
    random = np.random.default_rng(seed)
    n, start = days * per_day, first_day * DAY_S
    x = random.standard_normal((n, 16)) / 4
    x[:, 0] += 1
    x[:, 1] += shift
    x[:, 2:6] += np.repeat(day_effect * random.standard_normal((days, 4)), per_day, axis=0)
    at = start + np.repeat(np.arange(days), per_day) * DAY_S + random.uniform(0, DAY_S, n)
    return Stretch(start, [f"{seed}-{row}" for row in range(n)], at, unit(x), conditional.hour_of_day(at))


def pair(seed: int, **different: Any) -> tuple[Stretch, Stretch]:
    return stretch(2 * seed), stretch(2 * seed + 1, first_day=30, **different)


def shuffled(given: Stretch) -> Stretch:
    return given.rows(np.random.default_rng(0).permutation(len(given.ids)))


def same(vectors: Any, given: Stretch) -> Stretch:
    return replace(given, vectors=np.asarray(vectors, np.float32))


def test_exchanging_days_gives_p_values_that_hold_when_nothing_differs() -> None:
    p = np.array([mmd.mmd(*given, blocks(*given)).p for given in map(pair, range(60))])
    assert np.mean(p < 0.1) < 0.2
    assert 0.4 < np.mean(p) < 0.6


def test_days_that_differ_anyway_are_no_difference_although_requests_would_say_so() -> None:
    by_day, by_request = [], []
    for seed in range(20):
        before, now = stretch(2 * seed, day_effect=0.3), stretch(2 * seed + 1, first_day=30, day_effect=0.3)
        found = mmd.mmd(before, now, blocks(before, now))
        by_day.append(found.p)
        vectors, second = np.concatenate([before.vectors, now.vectors]), np.arange(280) >= 140
        sums = mmd.block_sums(vectors, np.arange(280), found.details["bandwidth"])
        random = np.random.RandomState(0)
        marks = np.stack([second, *(random.permutation(second) for _ in range(99))])
        value, *other = mmd.squared(sums, np.ones(280), marks)
        by_request.append(p_value(value, np.array(other)))
    assert np.mean(np.array(by_day) < 0.05) <= 0.15
    assert np.mean(np.array(by_request) < 0.05) >= 0.8


def test_a_day_effect_does_not_let_the_classifier_tell_the_stretches_apart() -> None:
    found = []
    for seed in range(6):
        before, now = stretch(2 * seed, day_effect=0.3), stretch(2 * seed + 1, first_day=30, day_effect=0.3)
        found.append(classifier.classifier(before, now, blocks(before, now)))
    assert np.mean([each.p is not None and each.p < 0.05 for each in found]) <= 0.34
    assert abs(np.mean([each.value or 0 for each in found]) - 0.5) < 0.15


@pytest.fixture(scope="module")
def shifted() -> list[Finding]:
    return compare(*pair(0, shift=0.4), context="hour of day")


@pytest.mark.parametrize("method", METHODS)
def test_a_planted_shift_is_seen_and_a_method_says_what_that_means(shifted: list[Finding], method: str) -> None:
    found = next(each for each in shifted if each.method == method)
    assert found.p is not None
    assert found.p < 0.05
    assert "false alarm" in found.meaning


def test_the_squared_mmd_is_that_of_the_definition() -> None:
    before, now = pair(1, shift=0.3)
    vectors, of = np.concatenate([before.vectors, now.vectors]).astype(np.float64), blocks(before, now)
    value = mmd.squared(mmd.block_sums(vectors, of.of, 0.7), np.bincount(of.of), of.second[np.newaxis])[0]
    kernel = np.exp(-((vectors[:, np.newaxis] - vectors) ** 2).sum(axis=2) / (2 * 0.49))
    x, y = kernel[:140, :140], kernel[140:, 140:]
    expected = sum((each.sum() - np.trace(each)) / (140 * 139) for each in (x, y)) - 2 * kernel[:140, 140:].mean()
    assert value == pytest.approx(expected)


def test_the_area_under_the_curve_counts_ties_half() -> None:
    assert classifier.above(np.array([2.0, 1.0]), np.array([1.0, 0.0])) == 3.5


@pytest.mark.parametrize("apart", [0.0, 0.5, 20.0])
def test_the_logistic_regression_is_that_of_scikit_learn(apart: float) -> None:
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(0)
    labels = random.random(200) < 0.3
    x = random.standard_normal((200, 5)) + apart * labels[:, np.newaxis]
    expected = LogisticRegression(C=0.1, tol=1e-8, max_iter=1_000).fit(x, labels).coef_[0]
    assert np.allclose(classifier.logistic(x, labels), expected, atol=2e-3)


def test_holm_is_holm() -> None:
    assert components.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert components.holm([]) == []


def test_the_ceiling_of_the_classifier_is_in_its_sentence() -> None:
    given = pair(0)
    assert "0.5 + π/2" in classifier.classifier(*given, blocks(*given)).meaning


def contextual(seed: int, context: float, shift: float, first_day: int) -> Stretch:
    """Texts that say what their context is, and `shift` beside it."""
    random = np.random.default_rng(seed)
    given = random.standard_normal((200, 6)) + np.eye(6)[0] * context
    x = np.hstack([0.8 * given, random.standard_normal((200, 4)) * 0.5 + np.eye(4)[0] * shift])
    at = first_day * DAY_S + np.arange(200) * 3_000.0
    return Stretch(first_day * DAY_S, [f"{seed}-{row}" for row in range(200)], at, unit(x), given).ordered()


def test_another_mix_of_prompts_is_no_change_of_the_responses() -> None:
    before, now = contextual(0, 0.0, 0.0, 0), contextual(1, 1.0, 0.0, 30)
    assert (mmd.mmd(before, now, blocks(before, now)).p or 0) < 0.05
    assert (conditional.conditional(before, now, "prompt").p or 0) > 0.05


def test_other_responses_to_the_same_prompts_are_a_change_under_any_mix() -> None:
    for context in (0.0, 1.0):
        before, now = contextual(0, 0.0, 0.0, 0), contextual(1, context, 0.8, 30)
        found = conditional.conditional(before, now, "prompt")
        assert found.p is not None
        assert found.p < 0.05


def test_responses_without_known_prompts_have_no_context_aware_number() -> None:
    before, now = contextual(0, 0.0, 0.0, 0), replace(contextual(1, 0.0, 0.0, 30), context=None)
    found = conditional.conditional(before, now, "prompt")
    assert (found.value, found.p) == (None, None)
    assert "there are 200 and 0" in found.reason


def test_the_left_out_loss_picks_the_ridge_by_which_contexts_predict_best() -> None:
    random = np.random.default_rng(0)
    context = random.standard_normal((80, 2))

    def kernel(x: Any) -> Any:
        return np.exp(-((x[:, np.newaxis] - x) ** 2).sum(axis=2) / 2)

    told, noise = kernel(np.sin(context)), kernel(random.standard_normal((80, 2)))
    assert conditional.ridge(told, kernel(context)) < conditional.ridge(noise, kernel(context))


def test_the_order_of_rows_changes_nothing() -> None:
    before, now = pair(3, shift=0.1)
    assert compare(before, now, "hour of day") == compare(shuffled(before), shuffled(now), "hour of day")


def test_hours_are_exchanged_where_days_are_few_and_the_sentence_says_so() -> None:
    before, now = stretch(0, days=3), stretch(1, days=7, first_day=30)
    found = mmd.mmd(before, now, blocks(before, now))
    assert blocks(before, now).hours
    assert "Hours were exchanged" in found.meaning
    assert not blocks(*pair(0)).hours
    assert "Whole days were exchanged (7 and 7 days)" in mmd.mmd(*pair(0), blocks(*pair(0))).meaning


def within(hours: int, seed: int, start: float, shift: float) -> Stretch:
    given = stretch(seed, days=1, per_day=40, shift=shift)
    return replace(given, start=start, at=start + np.arange(40) % hours * 3_600.0 + 1)


def test_too_few_blocks_for_a_small_p_value_are_named() -> None:
    before, now = within(2, 0, 0.0, 0.0), within(2, 1, 30 * DAY_S, 5.0)
    found = mmd.mmd(before, now, blocks(before, now))
    assert found.p == pytest.approx(2 / 6)
    assert "no difference, however large, can have a p-value below 0.33" in found.meaning


def test_one_block_a_side_cannot_be_told_apart_by_a_classifier() -> None:
    before, now = within(1, 0, 0.0, 0.0), within(1, 1, 30 * DAY_S, 5.0)
    found = classifier.classifier(before, now, blocks(before, now))
    assert (found.value, found.reason) == (None, "it needs two hours in each stretch")
    assert mmd.mmd(before, now, blocks(before, now)).p == 1.0


def test_days_are_counted_from_the_start_of_a_stretch() -> None:
    given = stretch(0)
    later = replace(given, start=given.start + 5 * 3_600, at=given.at + 5 * 3_600)
    assert blocks(later, stretch(1, first_day=30)).counts == (7, 7)


@pytest.mark.parametrize("size", [0, 1, LEAST_TEXTS - 1])
def test_too_few_texts_give_reasons_and_no_numbers(size: int) -> None:
    few = stretch(0).rows(np.arange(size))
    for given in ((few, stretch(1, first_day=30)), (stretch(1, first_day=30), few)):
        found = compare(*given, context="hour of day")
        assert [each.method for each in found] == METHODS
        assert all(each.value is None and each.p is None and "it needs 20 texts" in each.reason for each in found)


def fair(found: list[Finding]) -> bool:
    numbers = [number for each in found for number in (each.value, each.p) if number is not None]
    return bool(np.isfinite(numbers).all()) and all(each.p is None or each.p > 0.05 for each in found)


def test_identical_stretches_differ_by_nothing() -> None:
    before = stretch(0)
    now = replace(before, start=30 * DAY_S, at=before.at + 30 * DAY_S, ids=[f"again-{each}" for each in before.ids])
    found = compare(before, now, "hour of day")
    assert fair(found)
    assert {each.method: each.value for each in found}["ks"] == 0


def test_one_repeated_text_differs_by_nothing() -> None:
    before, now = pair(0)
    one = np.tile(unit(np.ones((1, 16))), (140, 1))
    found = compare(same(one, before), same(one, now), "hour of day")
    assert fair(found)
    assert {each.method: each.value for each in found} == pytest.approx(
        {"mmd": 0.0, "classifier": 0.5, "ks": 0.0, "context_mmd": 0.0}, abs=1e-9
    )


def test_two_different_repeated_texts_differ_and_half_of_the_hours_apart_too() -> None:
    before, now = pair(0)
    found = compare(
        same(np.tile(np.eye(16)[0], (140, 1)), before), same(np.tile(np.eye(16)[1], (140, 1)), now), "hour of day"
    )
    assert {each.method: each.value for each in found if each.method in ("classifier", "ks")} == {
        "classifier": 1.0,
        "ks": 1.0,
    }
    assert all(each.p is not None and each.p < 0.05 for each in found)


@pytest.mark.parametrize("rows", [np.tile(np.eye(16)[0], (60, 1)), np.random.default_rng(0).standard_normal((60, 16))])
def test_evidently_says_nothing_of_stretches_that_are_the_same(rows: Any) -> None:
    found, problem = evidently_part.of_embeddings(rows, rows)
    assert not problem
    assert not any(each.results[0].drifted for each in found)


def test_evidently_refuses_few_texts_with_a_reason() -> None:
    assert evidently_part.of_embeddings(np.eye(16), np.eye(16)) == (
        (),
        "Evidently needs 50 texts on both sides; there are 16 and 16.",
    )


def test_more_dimensions_than_texts_have_the_same_components() -> None:
    x = np.random.default_rng(0).standard_normal((30, 12))
    wide = np.hstack([x, np.zeros((30, 40))])
    assert np.allclose(principal(x, 5), principal(wide, 5))


# The command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service that has read a log of prompts and responses."""
    config = CONFIG.replace("streams: [prompt]", "streams: [prompt, response]")
    folder = written(tmp_path_factory.mktemp("compared"), calls(response=True), config)
    house = opened(folder)
    lived(house, START + 3 * DAY)  # nothing is learnt yet: a comparison needs no baseline
    (watched,) = house.sources.values()
    from monitor.cycle import cycle

    cycle(house, watched, END, lambda: False)
    house.close()
    return folder


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.embedder.build", lambda _settings: WordVectors())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Evidently, which takes seconds to load."""
    made = tuple(Method(title, limit, means, (Result("x", 0.1, False),)) for _, title, limit, means in EMBEDDINGS)
    monkeypatch.setattr(evidently_part, "of_embeddings", lambda _before, _now: (made, ""))


NORMAL, CHANGED = ("2026-03-03", "2026-03-09"), ("2026-03-10", "2026-03-11")
Said = Callable[[], str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    return lambda: " ".join("".join(capsys.readouterr()).split())


def ask(folder: Path, span: tuple[str, str] = CHANGED, *segment: str, stream: str = "prompt", **more: Any) -> int:
    asked = Asked(more.pop("source", "chat"), stream, span, more.pop("beside", NORMAL), segment)
    return command.compare(folder / "watchkeeper.yaml", asked, more.pop("sample", 200), as_json=more.pop("json", False))


@pytest.mark.parametrize("stream", ["prompt", "response"])
def test_a_new_topic_is_seen_by_the_command_and_evidently_is_beside_it(
    folder: Path, stream: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(folder, stream=stream, json=True) == 0
    made = json.loads(capsys.readouterr().out)
    found = {each["method"]: each for each in made["findings"]}
    assert list(found) == [
        *METHODS,
        "evidently_model",
        "evidently_distance",
        "evidently_ratio",
        "evidently_mmd",
    ]
    assert found["mmd"]["p"] < 0.05
    assert found["evidently_model"]["details"] == {"threshold": "> 0.55", "passed": True}
    assert all(each["value"] is not None and each["meaning"] for each in made["findings"])
    assert (made["stream"], made["now"]["read"], made["now"]["population"]) == (stream, 200, 480)
    assert made["now"]["start"] == NEW_TOPIC.isoformat()


@pytest.mark.usefixtures("quick")
def test_the_same_log_gives_the_same_object(folder: Path, said: Said) -> None:
    made = []
    for _ in range(2):
        assert ask(folder, json=True, sample=60) == 0
        made.append(said())
    assert made[0] == made[1]


@pytest.mark.usefixtures("quick")
def test_a_person_reads_a_table_and_a_sentence_for_each_method(folder: Path, said: Said) -> None:
    assert ask(folder) == 0
    text = said()
    assert "prompts of chat" in text
    assert "200 of 480 texts read" in text
    assert "Hours were exchanged (" in text
    assert "Evidently: MMD²: No false-alarm rate" in text
    assert "Evidently: Classifier AUC: No false-alarm rate. Cannot see" in text
    assert "> 0.015: not passed" in text


@pytest.mark.usefixtures("quick")
def test_few_texts_give_reasons_and_a_stretch_is_cut_where_the_log_ends(folder: Path, said: Said) -> None:
    assert ask(folder, ("2026-03-10T23:30Z", "2026-03-12")) == 0
    text = said()
    assert "it needs 20 texts in each stretch; there are 200 and 10" in text
    assert "The log is complete until 2026-03-11 00:00:00 UTC: a stretch ends there." in text
    assert "only an earthquake is seen" in text


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"span": ("2026-03-08", "2026-03-10")}, "the stretches overlap"),
        ({"span": ("2026-03-08", "2026-03-07")}, "--from (2026-03-08 00:00) must be before --to (2026-03-07 00:00)"),
        ({"beside": ("2026-03-08", "2026-03-07")}, "--with-from (2026-03-08 00:00) must be before --with-to"),
        ({"span": ("2026-02-01", "2026-02-02")}, "there is no text from 2026-02-01 00:00 to 2026-02-02 00:00"),
        ({"span": ("2026-04-01", "2026-04-02")}, "begins where the log is not complete yet (2026-03-11 00:00)"),
        ({"span": ("soon", "2026-04-02")}, "'soon' is not a time"),
        ({"source": "nobody"}, "there is no source 'nobody': configured are chat"),
        ({"stream": "thought"}, "'thought' is no stream: prompt or response"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(
    folder: Path, said: Said, asked: dict[str, Any], why: str
) -> None:
    assert ask(folder, **asked) == 2
    assert why in said()


@pytest.mark.parametrize(
    ("segment", "why"),
    [
        (("model",), "write a column and its value: --segment model=gpt-4o"),
        (("model=a", "model=b"), "a column can have one value only"),
        (("mood=good",), "'mood' is no column to choose calls by"),
    ],
)
def test_a_segment_that_cannot_be_chosen_is_refused(
    folder: Path, said: Said, segment: tuple[str, ...], why: str
) -> None:
    assert ask(folder, CHANGED, *segment) == 2
    assert why in said()


@pytest.mark.usefixtures("quick")
def test_a_log_that_no_service_has_read_is_read_first_and_can_be_read_by_one_after(tmp_path: Path, said: Said) -> None:
    folder = written(tmp_path / "new", calls())
    assert ask(folder, sample=60) == 0
    assert "60 of 480 texts read" in said()
    house = opened(folder)
    with house.database.transaction() as session:
        assert states.take_lease(session, LEASE, "a service", END, 9_000 * DAY)
    house.close()
    assert ask(folder, sample=60) == 2
    assert "is being read for the first time: wait for the service" in said()


@pytest.mark.usefixtures("quick")
def test_only_the_calls_of_a_segment_are_compared(tmp_path: Path) -> None:
    every = ({**call, "model": ("large", "small")[n % 2]} for n, call in enumerate(calls()))
    house = opened(written(tmp_path / "segmented", every))
    (watched,) = house.sources.values()
    from monitor.cycle import cycle

    cycle(house, watched, END, lambda: False)
    place = Place("chat", Segment((("model", "large"),)), "prompt")
    windows = [replace(watched_window, end=watched_window.end) for watched_window in spans()]
    made = compare_stretches(house, Question(place, *windows, 100), END)
    assert (made.now.population, made.segment) == (240, {"model": "large"})
    with pytest.raises(ComparisonError, match="no text"):
        compare_stretches(house, Question(replace(place, segment=Segment((("model", "x"),))), *windows, 100), END)
    house.close()


def spans() -> list[Any]:
    from detectors.measurement import Window

    return [Window(START + DAY, START + 7 * DAY), Window(NEW_TOPIC, NEW_TOPIC + timedelta(days=1))]
