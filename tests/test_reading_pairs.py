"""Another model behind the same prompts: learnt, measured and told as responses given their prompts, not as prompts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reading_kit
from reading_kit import AN_HOUR, CONFIG, DAY, HOUR, START, SUBJECTS, WORDS, lived, written

from detectors.measurement import Key, Segment
from detectors.sampling import PAIRS
from monitor.commands import baseline
from monitor.drifting import alarms
from monitor.house import House
from monitor.reading.place import Place, with_pairs
from monitor.store import baselines, drift, states, texts
from monitor.store.texts import TextMeasured
from monitor.survey import survey

SWAP, END = START + 8 * DAY, START + 9.5 * DAY
PAIRED = CONFIG.replace("[prompt]", "[prompt, response]").replace("baseline_days: 7", "baseline_days: 7, window: 4h")
SHIFT = Key("model_drift")


def swapped() -> Iterator[dict[str, Any]]:
    """From the ninth day on, a third of the answers is about something else; the questions are as before."""
    random = np.random.default_rng(3)
    for number in range(round((END - START) / HOUR) * AN_HOUR):
        at = START + number * HOUR / AN_HOUR
        subject, words = str(random.choice(SUBJECTS)), " ".join(random.choice(WORDS, 4))
        about = str(random.choice(SUBJECTS)) if at >= SWAP and random.random() < 0.4 else subject
        yield {
            "id": f"c{number}",
            "started_at": at.isoformat(),
            "latency_s": 1.0,
            "prompt": f"{subject} {subject} {subject} {words} {number}",
            "response": f"{about} {about} {about} is {random.choice(WORDS)} {number}",
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("pairs"), swapped(), PAIRED)


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[House]:
    """A service after a day and a half with the other model."""
    made = reading_kit.opened(folder)
    lived(made, END)
    yield made
    made.close()


def measured(house: House) -> list[TextMeasured]:
    with house.database.reading() as session:
        return [each for each in texts.between(session, "chat", START, END) if each.stream == PAIRS]


def test_pairs_are_learnt_from_the_stretch_of_the_texts_and_in_windows_of_their_own(house: House) -> None:
    with house.database.reading() as session:
        used = baselines.in_use(session)
        facts = {each.stream: baselines.facts(session, each) for each in used}
    assert {each.stream for each in used} == {"prompt", "response", PAIRS}
    assert len({(each.fitted_from, each.fitted_until, each.read_until) for each in used}) == 1
    assert (facts[PAIRS]["windows"], facts[PAIRS]["topics"]) == (42, [])


def test_the_swap_is_an_alarm_of_the_responses_given_their_prompts_and_not_of_the_prompts(house: House) -> None:
    with house.database.reading() as session:
        facts, used = drift.all_facts(session), baselines.in_use(session)
        found = alarms(facts, used, states.all_progress(session))
    by_stream = {dict(each.id.labels)["stream"]: each for each in found}
    assert "prompt" not in by_stream
    alarm = by_stream[PAIRS]
    assert dict(alarm.id.labels)["channel"] == "stranger"
    assert alarm.value.value is not None
    assert alarm.value.value > 1
    assert "standard deviations" in alarm.summary()
    assert "stand out" in alarm.summary()
    wrong = {call["id"] for call in swapped() if call["prompt"].split()[0] != call["response"].split()[0]}
    assert alarm.exemplars
    assert set(alarm.exemplars) <= wrong


def test_every_window_says_how_far_the_responses_have_moved(house: House) -> None:
    windows = measured(house)
    before = [each.values[SHIFT] for each in windows if each.window.end <= SWAP]
    after = [each.values[SHIFT] for each in windows if each.window.start >= SWAP]
    assert len(before) == 6
    assert len(after) == 9
    assert all(each.lower is not None and each.lower > 1 for each in after)
    assert all(each.value is not None and abs(each.value) < 1 for each in before)
    all_of_it = Key.of("drift_evidence", channel="all", stream=PAIRS)
    assert max(each.values[all_of_it].value or 0 for each in windows) > 1
    assert all(each.findings["responses"]["side"] == "stranger" for each in windows if each.window.start >= SWAP)


def test_the_status_names_the_stream_and_what_stands_out(house: House) -> None:
    (status,) = [each for each in survey(house, END).texts if each.stream == PAIRS]
    assert status.against == "rolling"
    assert status.measured is not None
    assert Key.of("model_drift", baseline="rolling") in status.measured.values
    assert any("of the responses are stranger" in each for each in status.findings)


def test_a_restart_goes_on_where_it_was(folder: Path, house: House) -> None:
    again = reading_kit.opened(folder)
    assert lived(again, END) == 0
    again.close()
    assert len(measured(house)) == 15


def test_the_command_lists_the_baseline_and_does_not_compare_it(
    folder: Path, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    config = folder / "watchkeeper.yaml"
    with house.database.reading() as session:
        versions = {each.stream: each.version for each in baselines.in_use(session)}
    assert baseline.show_all(config) == 0
    assert baseline.show(config, versions[PAIRS]) == 0
    listed = " ".join(capsys.readouterr().out.split())
    assert "responses given their prompts of chat" in listed
    assert baseline.compare(config, (versions["prompt"], versions[PAIRS])) != 0
    assert "not those of responses given their prompts" in " ".join("".join(capsys.readouterr()).split())


def test_without_one_of_the_texts_there_are_no_pairs() -> None:
    prompt, response = (Place("chat", Segment(), stream) for stream in ("prompt", "response"))
    other = Place("chat", Segment.of(service="a"), "prompt")
    assert with_pairs([prompt, other]) == [prompt, other]
    assert with_pairs([prompt, response, other]) == [prompt, response, other, Place("chat", Segment(), PAIRS)]
