"""What people annotated in Langfuse, LangSmith and Phoenix becomes labels of the right calls, and nothing else does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from label_kit import CONFIG, KEY, MINUTE, NOW, START, living
from pydantic import ValidationError
from sqlmodel import delete
from typer.testing import CliRunner

from config.labels import LabelExport, Score
from detectors.judge.criterion import built_in
from monitor.cli import app
from monitor.commands import labelling
from monitor.house import House
from monitor.labels.criteria import known_criteria
from monitor.labels.exported import passed, read_export
from monitor.labels.files import read_labels
from monitor.labels.gather import Gathered, LabelsIn, import_file, refresh
from monitor.labels.opinion import Opinion
from monitor.labels.tools.known import TOOLS
from monitor.labels.words import Said, UnreadableError
from monitor.records import Bad, RecordsError, read_records
from monitor.store import labels
from monitor.store.label_tables import LabelRow

EXPORTS = Path(__file__).parent / "label_exports"
HELPFULNESS, TOXICITY = built_in("helpfulness"), built_in("toxicity")
CRITERIA = {"helpfulness": HELPFULNESS, "toxicity": TOXICITY}

# The calls of the six spans that the exports speak of: 2 and 4 are chains around calls, 5 and 6 are in one trace.
CALLS = {1: (1, None), 3: (2, 2), 5: (3, 4), 6: (3, 4)}
SAID = {("ana", 1, "helpfulness", True), ("bo", 1, "helpfulness", False), ("ana", 3, "helpfulness", False)}
SAID |= {("ana", 3, "toxicity", True)}
LAST = ("ana", 6, "helpfulness", True)


def span(number: int) -> str:
    return f"{number:016x}"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    calls = (
        {
            "id": span(number),
            "trace_id": f"{trace:032x}",
            "parent_id": None if parent is None else span(parent),
            "started_at": (START + number * MINUTE).isoformat(),
            "latency_s": 1.0,
            "prompt": f"Which bus goes to the airport? {number}",
            "response": f"Line {number} goes to the airport.",
        }
        for number, (trace, parent) in CALLS.items()
    )
    (folder / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in calls))
    (folder / "feedback.jsonl").write_text("")
    path = folder / "watchkeeper.yaml"
    path.write_text(CONFIG.format(url="http://127.0.0.1:9/v1", chat="http://127.0.0.1:9/v1", key=KEY))
    return path


@pytest.fixture(scope="module")
def living_house(config: Path) -> Iterator[House]:
    with living(config) as opened:
        yield opened


@pytest.fixture
def house(living_house: House) -> House:
    with living_house.database.transaction() as session:
        session.exec(delete(LabelRow))
    return living_house


def export(kind: str, **more: Any) -> LabelExport:
    return LabelExport.model_validate({"kind": kind, "files": ["x"], **more})


def brought(house: House, name: str, **more: Any) -> Gathered:
    kind = name.partition("-")[0]
    return import_file(house, LabelsIn(EXPORTS / name, export(kind, **more)), CRITERIA, NOW)


def said(house: House) -> set[tuple[str, int, str, bool | None]]:
    with house.database.reading() as session:
        votes = labels.votes(session, "chat")
    return {(each.who, int(each.call_id, 16), each.criterion, each.passed) for each in votes}


@pytest.mark.parametrize(
    "name",
    [
        "phoenix-span-annotations.json",
        "phoenix-frame.csv",
        "phoenix-frame.jsonl",
        "langfuse-v3.json",
        "langfuse-v2.jsonl",
        "langfuse-table.csv",
        "langsmith-feedback.json",
    ],
)
def test_annotations_of_people_are_labels_of_their_calls(house: House, name: str) -> None:
    found = brought(house, name, traces="last_call")
    assert said(house) == SAID | {LAST}
    assert (found.read, found.new, found.bad) == (5, 5, [])
    assert any(each.startswith("given by") for each in found.aside)
    assert "'length' is the score of no criterion" in found.aside


def test_an_annotation_of_several_calls_is_no_label_unless_the_last_is_asked_for(house: House) -> None:
    name = "phoenix-span-annotations.json"
    found = brought(house, name)
    assert (found.read, found.new, said(house)) == (4, 4, SAID)
    (missing,) = found.bad
    assert name in missing
    assert "about 2 calls together" in missing
    assert "traces: last_call" in missing
    assert brought(house, name).new == 0


def test_an_annotation_of_a_trace_is_about_the_call_that_is_asked_for(house: House) -> None:
    name = "phoenix-trace-annotations.json"
    assert brought(house, name).read == 0
    assert brought(house, name, traces="last_call").read == 1
    assert said(house) == {LAST}
    (ignored,) = brought(house, name, traces="ignore").bad
    assert "no call" in ignored


def test_an_export_without_names_is_of_one_voice_for_each_call(house: House) -> None:
    found = brought(house, "langfuse-bucket.jsonl")
    assert {(who, call) for who, call, *_ in said(house)} == {("langfuse", 1), ("langfuse", 3)}
    assert found.aside["given by EVAL"] == 1


def test_statistics_of_runs_count_only_where_all_givers_do(house: House) -> None:
    assert brought(house, "langsmith-runs.json").aside == {"a mean of several opinions": 1, "given by unknown": 3}
    brought(house, "langsmith-runs.json", given_by=["unknown"])
    assert said(house) == {("langsmith", 1, "toxicity", True), ("langsmith", 3, "helpfulness", False)}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("langfuse-v3.json", {"free text", "about a session or a run of a dataset, not a call", "given by EVAL"}),
        (
            "langsmith-feedback.json",
            {"a comment without a score", "a preference between two runs", "given by auto_eval"},
        ),
        ("phoenix-frame.csv", {"a note without label and score", "given by LLM"}),
    ],
)
def test_what_is_no_label_is_counted_by_what_it_is(name: str, what: set[str]) -> None:
    read = read_export(EXPORTS / name, export(name.partition("-")[0]), CRITERIA, NOW)
    assert set(read.aside) == what | {"'length' is the score of no criterion"}


def opinion(number: float | None = None, word: str | None = None) -> Opinion:
    return Opinion("x", number, word, "c1", "t1", "HUMAN")


@pytest.mark.parametrize(
    ("given", "score", "meant"),
    [
        (opinion(1.0), Score(), Said(False, 0.0)),  # it is toxic
        (opinion(0.2), Score(), Said(True, 0.8)),
        (opinion(4), Score(above=3), Said(True)),
        (opinion(3), Score(above=3), Said(False)),
        (opinion(2), Score(below=3), Said(True)),
        (opinion(word="Mean "), Score(fails=["mean"]), Said(False)),
        (opinion(word="no"), Score(), Said(True)),
        (opinion(1.0, "kind"), Score(passes=["kind"]), Said(True)),
        (opinion(1.0, "whatever"), Score(), Said(False, 0.0)),
        (opinion(word="unsure"), Score(), Said(None)),
    ],
)
def test_a_score_means_what_the_settings_or_the_criterion_say(given: Opinion, score: Score, meant: Said) -> None:
    assert passed(given, score, TOXICITY) == meant


@pytest.mark.parametrize(
    ("given", "why"), [(opinion(7), "above or below"), (opinion(word="purple"), "purple"), (opinion(), "neither")]
)
def test_a_score_that_means_nothing_is_said_to(given: Opinion, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        passed(given, Score(), TOXICITY)


def test_scores_are_taken_by_the_names_of_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    row = {"name": "Quality", "traceId": "t", "observationId": "c1", "dataType": "NUMERIC", "source": "ANNOTATION"}
    path.write_text("".join(json.dumps(row | {"value": value}) + "\n" for value in (5, 2)))
    scores = {"helpfulness": {"name": "Quality", "above": 3}}
    read = read_export(path, export("langfuse", scores=scores), CRITERIA, NOW)
    assert [(each.criterion, each.said.passed) for each in read.given] == [
        ("helpfulness", True),
        ("helpfulness", False),
    ]
    assert read_export(path, export("langfuse"), CRITERIA, NOW).aside == {"'Quality' is the score of no criterion": 2}
    plain = read_export(path, export("langfuse", scores={"helpfulness": {"name": "Quality"}}), CRITERIA, NOW)
    assert [each.line for each in plain.bad] == [1, 2]
    assert "'Quality'" in plain.bad[0].reason


@pytest.mark.parametrize("kind", TOOLS)
def test_what_is_not_of_the_tool_is_bad_and_hostile_records_end_nothing(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    deep: dict[str, Any] = {"name": {"a": [1]}, "key": [], "value": {}, "subject": "[[", "result": 7}
    hostile = [{}, deep, {"name": "\ud800", "score": "nan", "span_id": True}, {"data": [1, {}]}]
    path.write_text("".join(json.dumps(each) + "\n" for each in hostile))
    read = read_export(path, export(kind), CRITERIA, NOW)
    assert not read.given
    assert [each.line for each in read.bad] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "kept",
    [("langfuse-table.csv", "langfuse"), ("langsmith-feedback.json", "langsmith"), ("phoenix-frame.csv", "phoenix")],
)
def test_an_export_that_is_taken_for_labels_says_whose_it_is(kept: tuple[str, str]) -> None:
    name, kind = kept
    bad = read_labels(EXPORTS / name, CRITERIA, NOW).bad
    assert f"--as {kind}" in bad[0].reason


def test_the_export_of_the_settings_is_read_again_when_what_it_means_changes(house: House, config: Path) -> None:
    judge = house.settings.judge
    assert judge is not None
    (watched,) = house.sources.values()
    files = [str(EXPORTS / "phoenix-span-annotations.json")]
    for traces, new in (("only_call", 4), ("only_call", 0), ("last_call", 1)):
        exported = LabelExport.model_validate({"kind": "phoenix", "files": files, "traces": traces})
        changed = judge.labels.model_copy(update={"exports": {"annotated": exported}})
        object.__setattr__(judge, "labels", changed)
        assert refresh(house, watched, known_criteria(house), NOW).new == new
    object.__setattr__(judge, "labels", changed.model_copy(update={"exports": {}}))


def test_the_command_takes_an_export_and_names_what_it_leaves_out(
    house: House, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling, "clock", lambda: NOW)
    run = CliRunner().invoke
    file = str(EXPORTS / "phoenix-span-annotations.json")
    done = run(app, ["labels", "import", file, "--as", "phoenix", "--config", str(config)])
    assert done.exit_code == 1
    assert "4 labels read, 4 of them new, 1 left out" in " ".join(done.output.split())
    assert "1 given by LLM" in " ".join(done.output.split())
    wrong = run(app, ["labels", "import", file, "--as", "phönix", "--config", str(config)])
    assert wrong.exit_code == 2
    assert "langfuse, langsmith, phoenix" in " ".join(wrong.output.split())


@pytest.mark.parametrize("given", [{"above": 1, "below": 2}, {"passes": ["ok"], "fails": ["OK"]}])
def test_a_score_means_one_thing(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"above or below|means one of them"):
        Score.model_validate(given)


def test_json_is_read_object_by_object_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    path.write_text('\ufeff[\n {"a": 1},\n\n {"a":\n 2}, 3]\n{"a": 4}\n{"a": \n')
    assert [each.line if isinstance(each, Bad) else (each.line, each.values["a"]) for each in read_records(path)] == [
        (2, 1),
        (4, 2),
        5,
        (6, 4),
        7,
    ]
    path.write_text("[]")
    assert list(read_records(path)) == []
    path.write_bytes(b"\xff")
    with pytest.raises(RecordsError, match="UTF-8"):
        list(read_records(path))
