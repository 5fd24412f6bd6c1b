"""The texts of a source: learnt when it is time, measured window by window, each once, and never in the way of traffic."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import reading_kit
from reading_kit import CONFIG, DAY, END, HOUR, NEW_TOPIC, START, lived, log, never, written
from sqlalchemy import event
from sqlmodel import select, update

from detectors.measurement import Key, Segment
from monitor.cycle import cycle
from monitor.house import House
from monitor.page import render_page
from monitor.reading.cycle import read_texts
from monitor.reading.place import Place
from monitor.reading.sitting import Sitting
from monitor.store import baselines, texts
from monitor.store.baselines import StoredBaseline
from monitor.store.tables import BaselineRow, ScoreRow
from monitor.survey import survey

PROMPT = Place("chat", Segment(), "prompt")
RESPONSE = Place("chat", Segment(), "response")
OUT = Key.of("out_of_distribution_ratio", stream="prompt")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], House]]:
    written(tmp_path, log())
    houses: list[House] = []

    def make(identity: str = "words") -> House:
        houses.append(reading_kit.opened(tmp_path, identity))
        return houses[-1]

    yield make
    for house in houses:
        house.close()


@pytest.fixture(scope="module")
def learnt(calm_house: Path) -> tuple[Path, int]:
    """A service that has read everything before the new topic, and how many windows that were."""
    house = reading_kit.opened(calm_house)
    with house.database.reading() as session:
        windows = len(texts.between(session, "chat", START, NEW_TOPIC))
    house.close()
    return calm_house, windows


@pytest.fixture
def reopened(tmp_path: Path, learnt: tuple[Path, int]) -> Iterator[Callable[..., House]]:
    """That service, started again."""
    folder = shutil.copytree(learnt[0], tmp_path / "again")
    houses: list[House] = []

    def make(identity: str = "words") -> House:
        houses.append(reading_kit.opened(folder, identity))
        return houses[-1]

    yield make
    for house in houses:
        house.close()


def accepted(house: House) -> list[StoredBaseline]:
    with house.database.reading() as session:
        return baselines.in_use(session)


def pin(house: House, baseline: StoredBaseline) -> None:
    with house.database.transaction() as session:
        baselines.pin(session, baseline)


def test_before_a_week_has_passed_nothing_is_measured(opened: Callable[[], House]) -> None:
    house = opened()
    (watched,) = house.sources.values()
    with watched.using:
        watched.source.poll(START + 3 * DAY, never)
    # The whole file is there already: what counts is how far the source vouches for it.
    assert lived(house, START + 6 * DAY) == 0
    assert house.desk.states[PROMPT].phase == "learning"
    assert survey(house, START + 6 * DAY).texts[0].baseline is None


def test_a_new_topic_is_found_after_learning(opened: Callable[[], House]) -> None:
    house = opened()
    assert lived(house, END) > 0
    (row,) = accepted(house)
    assert (row.fitted_from, row.fitted_until) == (START, START + 7 * DAY)
    with house.database.reading() as session:
        windows = texts.between(session, "chat", START, END)
        scores = session.exec(select(ScoreRow)).all()
    before = [each.values[OUT].value for each in windows if each.window.end <= NEW_TOPIC]
    after = [each.values[OUT].value for each in windows if each.window.start >= NEW_TOPIC]
    assert before
    assert after
    assert max(filter(None, before), default=0.0) < 0.2 < min(value or 0.0 for value in after)
    named = [topic["name"] for each in windows if each.window.start >= NEW_TOPIC for topic in each.findings["new"]]
    assert named
    assert all("recall" in name or "battery" in name or "fire" in name for name in named)
    assert {score.call_id for score in scores if score.p <= 0.05} != set()
    status = survey(house, END).texts[0]
    assert status.phase == "ready"
    assert any(finding.startswith("new topic") for finding in status.findings)


def test_a_window_is_measured_once_and_a_restart_goes_on(
    reopened: Callable[[], House], learnt: tuple[Path, int]
) -> None:
    _, first = learnt
    assert first > 0
    assert lived(reopened(), NEW_TOPIC) == 0
    again = reopened()
    more = lived(again, END)
    assert more > 0
    with again.database.reading() as session:
        assert len(texts.between(session, "chat", START, END)) == first + more
    assert len(accepted(again)) == 1


def test_stopping_ends_between_two_windows(opened: Callable[[], House]) -> None:
    house = opened()
    (watched,) = house.sources.values()
    cycle(house, watched, END, never)
    looks = iter([False, False, False, True])
    assert read_texts(house, watched, END, lambda: next(looks, True)) == 2


def test_another_model_is_refused_and_learnt_anew(reopened: Callable[..., House]) -> None:
    (before,) = accepted(reopened())
    other = reopened("another model")
    lived(other, END)
    (after,) = accepted(other)
    assert after.version != before.version
    assert other.desk.opened(after, other.database).settings.identity == "another model"


def test_a_baseline_that_another_version_of_the_service_wrote_is_refused_with_the_reason(
    reopened: Callable[..., House],
) -> None:
    house = reopened()
    with house.database.transaction() as session:
        session.exec(update(BaselineRow).values(body=b"of another time"))
    (stored,) = accepted(house)
    refused = Sitting.at(house, house.sources["chat"], END).refusal(stored)
    assert refused.startswith("no baseline")
    assert refused.endswith("fit a new baseline")


def test_a_pinned_baseline_of_another_model_is_kept_and_not_measured_against(reopened: Callable[..., House]) -> None:
    house = reopened()
    (row,) = accepted(house)
    pin(house, row)
    other = reopened("another model")
    lived(other, END)
    kept = {each.version: each for each in accepted(other)}
    assert len(kept) == 2
    assert kept[row.version].read_until == NEW_TOPIC


def test_too_little_text_is_a_reason_and_no_error(opened: Callable[[], House], tmp_path: Path) -> None:
    calls = [call for number, call in enumerate(log()) if number % 40 == 0]
    written(tmp_path, calls)
    house = opened()
    assert lived(house, END) == 0
    assert "a baseline needs" in house.desk.states[PROMPT].problem


def test_a_baseline_that_is_too_large_is_a_reason_and_not_fitted_again_at_each_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detectors.baseline.MOST_BYTES", 1_000)
    config = CONFIG.replace("baseline_days: 7", "baseline_days: 2")
    house = reading_kit.opened(written(tmp_path, log(days=2), config))
    assert lived(house, START + 2 * DAY) == 0
    assert "more than 1,000: choose a smaller embedding model" in house.desk.states[PROMPT].problem
    assert accepted(house) == []
    monkeypatch.setattr("detectors.fitting.fit", None)
    assert lived(house, START + 2 * DAY) == 0
    house.close()


def test_a_log_without_texts_is_left_alone(opened: Callable[[], House], tmp_path: Path) -> None:
    written(tmp_path, ({key: value for key, value in call.items() if key != "prompt"} for call in log()))
    house = opened()
    assert lived(house, END) == 0
    assert house.desk.states == {}


def test_responses_are_learnt_before_the_past_of_prompts_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.reading.measure.A_LOOK", 3)
    config = CONFIG.replace("[prompt]", "[prompt, response]").replace("baseline_days: 7", "baseline_days: 4")
    house = reading_kit.opened(written(tmp_path, log(days=8, response=True), config))
    (watched,) = house.sources.values()
    cycle(house, watched, START + 8 * DAY, never)
    first = read_texts(house, watched, START + 8 * DAY, never)
    assert {each.stream for each in accepted(house)} == {"prompt", "response", "response_given_prompt"}
    assert first == 3 * 3
    house.close()


def test_a_long_past_is_measured_in_order_a_part_at_each_look(
    opened: Callable[[], House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.reading.measure.A_LOOK", 3)
    house = opened()
    (watched,) = house.sources.values()
    cycle(house, watched, END, never)
    assert read_texts(house, watched, END, never) == 3
    (first,) = accepted(house)
    assert read_texts(house, watched, END, never) == 3
    (second,) = accepted(house)
    assert second.read_until - first.read_until == 3 * first.length_s * HOUR / 3600


CALM = """
sources:
  chat: {kind: files, paths: [log.jsonl], lateness: 0s, groupings: [[]], silent_after: 0s}
text: {streams: [prompt], baseline_days: 4, sample: 100, refit: 3d}
window: 1h
start: 30d
"""


@pytest.fixture(scope="module")
def twelve_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service whose baselines are of four days and learnt anew after three more, when it has lived for twelve days."""
    folder = written(tmp_path_factory.mktemp("calm") / "one", log(0.0, days=16), CALM)
    house = reading_kit.opened(folder)
    lived(house, START + 12 * DAY)
    house.close()
    return folder


@pytest.fixture
def calm(tmp_path: Path, twelve_days: Path) -> Iterator[House]:
    house = reading_kit.opened(shutil.copytree(twelve_days, tmp_path / "again"))
    yield house
    house.close()


def test_a_baseline_is_learnt_anew_from_days_that_lie_back(calm: House) -> None:
    lived(calm, START + 13 * DAY)
    (first,) = accepted(calm)
    assert (first.fitted_from, first.fitted_until, first.automatic) == (START, START + 4 * DAY, True)
    lived(calm, START + 14 * DAY)
    (second,) = accepted(calm)
    assert (second.fitted_from, second.fitted_until) == (START + 3 * DAY, START + 7 * DAY)
    with calm.database.reading() as session:
        assert [each.state for each in baselines.known(session)] == [baselines.RETIRED, baselines.ACCEPTED]
        found = texts.between(session, "chat", START, START + 14 * DAY)
    windows = {
        version: [each.window for each in found if each.baseline == version]
        for version in (first.version, second.version)
    }
    # No window is left out; the last one before is measured against both, so that the gauges have no gap.
    assert windows[first.version][-1] == windows[second.version][0]
    assert windows[second.version][-1].end == START + 14 * DAY


def test_what_was_pinned_stays_beside_what_is_learnt_anew_and_both_are_shown(calm: House) -> None:
    lived(calm, START + 13 * DAY)
    (first,) = accepted(calm)
    pin(calm, first)
    lived(calm, START + 14 * DAY)
    pinned, rolling = accepted(calm)
    assert (pinned.version, pinned.role, rolling.role) == (first.version, "pinned", "rolling")
    lived(calm, START + 14.5 * DAY)
    shown = survey(calm, START + 14.5 * DAY).texts
    assert [(each.against, each.baseline, each.fitted_until) for each in shown] == [
        ("rolling", rolling.version, START + 7 * DAY),
        ("pinned", first.version, START + 4 * DAY),
    ]
    keys = [set(each.measured.values) for each in shown if each.measured is not None]
    labels = [{dict(key.labels).get("baseline") for key in each if key.name == "embedding_drift"} for each in keys]
    assert labels == [{"rolling"}, {"pinned"}]
    assert not keys[0] & keys[1]
    assert any(key.name == "descriptor_mean" for key in keys[0])
    page = render_page(survey(calm, START + 14.5 * DAY), START + 14.5 * DAY, "1")
    assert "rolling, 2026-03-05 to 2026-03-09" in page
    assert "pinned, 2026-03-02 to 2026-03-06" in page
    with calm.database.reading() as session:
        scores = session.exec(select(ScoreRow.call_id, ScoreRow.baseline)).all()
    assert len(scores) == len(set(scores)) > len({call for call, _ in scores})


def test_what_a_person_accepted_stays_until_there_is_enough_after_it(calm: House) -> None:
    (first,) = accepted(calm)
    with calm.database.transaction() as session:
        baselines.accept(session, first)
    lived(calm, START + 14 * DAY)
    assert [each.version for each in accepted(calm)] == [first.version]
    lived(calm, START + 15 * DAY)
    (second,) = accepted(calm)
    assert (second.fitted_from, second.fitted_until) == (START + 4 * DAY, START + 8 * DAY)


def test_the_body_of_a_baseline_is_read_once_however_often_one_looks(reopened: Callable[[], House]) -> None:
    house, bodies = reopened(), []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.lower().startswith("select") and "baseline.body" in statement:
            bodies.append(statement)

    event.listen(house.database.engine, "before_cursor_execute", note)
    for until in (NEW_TOPIC, NEW_TOPIC + DAY / 2, END):
        lived(house, until)
        survey(house, until)
    assert len(bodies) == 1


def test_sentiment_makes_another_baseline_and_is_measured(tmp_path: Path, reopened: Callable[[], House]) -> None:
    (before,) = accepted(reopened())
    config = tmp_path / "again" / "watchkeeper.yaml"
    config.write_text(CONFIG.replace("sample: 200", "sample: 200, sentiment: true"))
    other = reopened()
    lived(other, END)
    (after,) = accepted(other)
    assert after.version != before.version
    assert "descriptors" in other.desk.opened(before, other.database).refuses(
        "words", other.desk.opened(after, other.database).settings.redactor, "x"
    )
    (status,) = survey(other, END).texts
    assert status.measured is not None
    assert Key.of("descriptor_mean", descriptor="sentiment", stream="prompt") in status.measured.values
