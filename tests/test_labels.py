"""Labels: read from files and feedback with every bad line named, drawn as a sample, given on a page, never mixed."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
import stores
from label_kit import CALLS, HOSTILE, MINUTE, NOW, START, judged, living, verdict, written
from pydantic import SecretStr
from typer.testing import CliRunner

from config.server import Server as ServerSettings
from detectors.judge.criterion import built_in
from monitor import label_page
from monitor.cli import app
from monitor.commands import labelling
from monitor.house import House
from monitor.labels.criteria import known_criteria
from monitor.labels.desk import LabelDesk
from monitor.labels.files import read_labels
from monitor.labels.gather import LabelsIn, import_feedback, import_file, refresh
from monitor.labels.judged import judged_calls
from monitor.labels.sample import ODDS, JudgedCall, draw_for_labels
from monitor.labels.words import Said, UnreadableError, read_verdict
from monitor.records import RecordsError
from monitor.server import Server
from monitor.store import labels
from monitor.store.database import Database
from monitor.store.labels import ENOUGH_DRAWN, Draw, Vote

TOXICITY, RELEVANCE = built_in("toxicity"), built_in("relevance")
CRITERIA = {"toxicity": TOXICITY, "relevance": RELEVANCE}
TOKEN = "s3cret-wörd"
OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("labels") / "service")


@pytest.fixture(scope="module")
def house(config: Path) -> Iterator[House]:
    with living(config) as opened:
        judged(opened.database)
        yield opened


@pytest.fixture
def store() -> Iterator[Database]:
    database = stores.in_memory()
    yield database
    database.close()


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelling, "clock", lambda: NOW)


def vote(number: int, passed: bool | None = True, who: str = "ana", **more: object) -> Vote:
    given: dict[str, object] = {"at": START + number * MINUTE, "kind": "import", "given_at": NOW} | more
    return Vote(f"c{number}", "relevance", who, passed=passed, **given)  # type: ignore[arg-type]


def a_draw(number: int, probability: float) -> Draw:
    return Draw(f"c{number}", "relevance", START + number * MINUTE, probability, number / 100)


def known(store: Database) -> list[tuple[str, bool, float]]:
    with store.reading() as session:
        found = labels.labels_of(session, "chat", "relevance", START, START + timedelta(days=1))
        return [(each.call_id, each.passed, each.probability) for each in found]


@pytest.mark.parametrize(
    ("given", "score", "said"),
    [
        ("pass", None, Said(True)),
        (" FAIL ", "", Said(False)),
        ("yes", None, Said(False)),  # yes, it is toxic
        ("no", None, Said(True)),
        (True, None, Said(True)),
        (0, None, Said(False)),
        ("unsure", None, Said(None)),
        ("cannot_tell", None, Said(None)),
        ("", "0.7", Said(True, 0.7)),
        (None, 0.5, Said(False, 0.5)),
    ],
)
def test_a_verdict_is_read_by_the_polarity_of_its_criterion(given: object, score: object, said: Said) -> None:
    assert read_verdict(given, score, TOXICITY) == said


@pytest.mark.parametrize(("given", "score"), [("maybe", None), (None, None), ("", 7), (None, "nan"), ("pass", 0.2)])
def test_what_is_no_verdict_is_said_to_be_none(given: object, score: object) -> None:
    with pytest.raises(UnreadableError, match=r"verdict|score"):
        read_verdict(given, score, TOXICITY)


def test_every_line_that_cannot_be_used_is_named_and_the_others_count(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        "call_id;criterion;verdict;who;at\n"
        "c1;relevance;pass;ana;2026-03-05T12:01Z\n"
        "c2;relevance\n"
        ";relevance;pass;ana;\n"
        "c3;politeness;pass;ana;\n"
        "\n"
        "c4;toxicity;purple;ana;\n"
        "c5;relevance;fail;ana;yesterday\n"
        'c6;relevance;"fail;ana;\n'
    )
    found = read_labels(path, CRITERIA, NOW)
    assert [(each.line, each.call_id, each.said.passed, each.at) for each in found.given] == [
        (2, "c1", True, START + MINUTE)
    ]
    assert [each.line for each in found.bad] == [3, 4, 5, 7, 8, 9]
    told = [each.reason for each in found.bad]
    assert "has 2 fields where the header has 5" in told[0]
    assert "call_id" in told[1]
    assert "'politeness' is not known" in told[2]
    assert "pass, fail or unsure, or one of yes, no" in told[3]
    assert "at must be a time" in told[4]
    lines = tmp_path / "labels.jsonl"
    lines.write_bytes(
        b'{"call_id": "c1", "criterion": "relevance", "passed": true}\n{"call_id": \n[1]\n\xff\xfe\n'
        b'{"call_id": 7, "criterion": "relevance", "score": 0.1, "annotator": "bo"}\n'
    )
    read = read_labels(lines, CRITERIA, NOW)
    assert [(each.call_id, each.said, each.who) for each in read.given] == [
        ("c1", Said(True), ""),
        ("7", Said(False, 0.1), "bo"),
    ]
    assert [str(each) for each in read.bad] == [
        "line 2: is no JSON",
        "line 3: must be a JSON object, {…}",
        "line 4: is not UTF-8 text",
    ]


def test_a_file_that_cannot_be_read_at_all_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("\n")
    (tmp_path / "twice.csv").write_text("call_id,call_id\n")
    for name, why in (("none.csv", "cannot be read"), ("empty.csv", "no header"), ("twice.csv", "twice")):
        with pytest.raises(RecordsError, match=f"{name}.*{why}"):
            read_labels(tmp_path / name, CRITERIA, NOW)


def test_the_majority_of_those_who_could_tell_decides_and_a_draw_is_no_label(store: Database) -> None:
    with store.transaction() as session:
        votes = [vote(1, who="a"), vote(1, False, who="b"), vote(1, False, who="c"), vote(1, None, who="d")]
        votes += [vote(2, who="a"), vote(2, False, who="b"), vote(3, None)]
        assert labels.keep(session, "chat", votes) == len(votes)
    assert known(store) == [("c1", False, 1.0)]


def test_who_says_it_again_changes_their_mind_and_older_words_do_not(store: Database) -> None:
    with store.transaction() as session:
        labels.keep(session, "chat", [vote(1)])
        assert labels.keep(session, "chat", [vote(1)]) == 0
        assert labels.keep(session, "chat", [vote(1, False, given_at=NOW - MINUTE)]) == 0
        assert labels.keep(session, "chat", [vote(1, False, given_at=NOW + MINUTE)]) == 1
    assert known(store) == [("c1", False, 1.0)]


def test_drawn_labels_and_chosen_ones_are_never_mixed(store: Database) -> None:
    with store.transaction() as session:
        labels.draw(session, "chat", [a_draw(number, 0.25) for number in range(ENOUGH_DRAWN)], NOW)
        labels.keep(session, "chat", [vote(0), vote(1, False)])
    assert known(store) == [("c0", True, 0.25), ("c1", False, 0.25)]
    with store.transaction() as session:
        labels.keep(session, "chat", [vote(900)])
    assert known(store) == [("c900", True, 1.0)]
    with store.transaction() as session:
        labels.keep(session, "chat", [vote(number) for number in range(ENOUGH_DRAWN)])
    assert len(known(store)) == ENOUGH_DRAWN
    assert {probability for _, _, probability in known(store)} == {0.25}


def test_two_draws_take_a_call_with_the_larger_of_both_probabilities(store: Database) -> None:
    with store.transaction() as session:
        assert labels.draw(session, "chat", [a_draw(1, 0.25), a_draw(2, 0.5)], NOW) == 2
        assert labels.draw(session, "chat", [a_draw(1, 0.75), a_draw(2, 0.3), a_draw(3, 1.0)], NOW) == 1
        labels.keep(session, "chat", [vote(number) for number in (1, 2, 3)])
    assert known(store) == [("c1", True, 0.75), ("c2", True, 0.5), ("c3", True, 1.0)]


def test_labels_of_calls_long_past_are_forgotten(store: Database) -> None:
    with store.transaction() as session:
        labels.keep(session, "chat", [vote(1), vote(2)])
        labels.draw(session, "chat", [a_draw(1, 0.25)], NOW)
        labels.expire(session, START + 2 * MINUTE)
        assert labels.drawn(session, "chat", "c1") == []
    assert known(store) == [("c2", True, 1.0)]


def test_the_draw_is_a_sample_of_the_judged_calls_whose_weights_give_their_rate_back() -> None:
    at = START
    calls = [JudgedCall(str(number), at, number % 10 != 0) for number in range(4_000)]
    drawn = draw_for_labels(calls, "relevance", 800)
    assert abs(len(drawn) - 800) < 80
    weights = np.array([1 / each.probability for each in drawn])
    failed = np.array([int(each.call_id) % 10 == 0 for each in drawn])
    assert abs(np.average(failed, weights=weights) - 0.1) < 0.02
    assert np.mean(failed) > 0.25  # those that the judge failed come `ODDS` times as often
    assert max(weights) / min(weights) == pytest.approx(ODDS)
    assert drawn == draw_for_labels(calls, "relevance", 800)
    assert {each.call_id for each in draw_for_labels(calls, "relevance", 100)} < {each.call_id for each in drawn}
    assert {each.call_id for each in drawn} != {each.call_id for each in draw_for_labels(calls, "toxicity", 800)}
    assert draw_for_labels([], "relevance", 10) == []


def test_only_calls_about_which_the_judge_said_something_are_drawn_from(store: Database) -> None:
    with store.transaction() as session:
        session.add_all([verdict(1), verdict(2, passed=False), verdict(3, passed=None), verdict(4, "toxicity")])
    with store.reading() as session:
        found = judged_calls(session, "chat", "relevance", START, NOW)
    assert [(each.call_id, each.passed) for each in found] == [("c1", True), ("c2", False)]


def test_a_file_is_imported_for_the_calls_of_the_log_at_the_time_of_each_call(house: House, tmp_path: Path) -> None:
    path = tmp_path / "ana.jsonl"
    rows = [
        {"call_id": "c7", "criterion": "relevance", "verdict": "fail"},
        {"call_id": "nowhere", "criterion": "relevance", "verdict": "pass"},
        {"call_id": "c8", "criterion": "relevance", "verdict": "pass", "source": "shop"},
        {"call_id": "archived", "criterion": "relevance", "verdict": "pass", "at": (START - 9 * MINUTE).isoformat()},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = import_file(house, LabelsIn(path), CRITERIA, NOW)
    assert (found.read, found.new) == (2, 2)
    assert len(found.bad) == 2
    assert "ana.jsonl, line 2: no call of the log since" in found.bad[0]
    assert "ana.jsonl, line 3: its source is none of chat" in found.bad[1]
    with house.database.reading() as session:
        mine = [each for each in labels.votes(session, "chat") if each.who == "ana"]
    assert [(each.call_id, each.at) for each in mine] == [
        ("archived", START - 9 * MINUTE),
        ("c7", START + 7 * MINUTE + timedelta(seconds=1)),
    ]
    assert import_file(house, LabelsIn(path), CRITERIA, NOW).new == 0


def test_annotations_are_labels_by_the_mapping_of_the_settings_and_other_feedback_is_not(house: House) -> None:
    (watched,) = house.sources.values()
    found = import_feedback(house, watched, known_criteria(house), (START, NOW))
    assert (found.read, found.new) == (2, 2)
    assert found.bad == ["feedback 'quality': the score must be a number from 0 to 1"]
    with house.database.reading() as session:
        mine = [each for each in labels.votes(session, "chat", "relevance") if each.kind == "feedback"]
    assert [(each.call_id, each.passed, each.who) for each in mine] == [("c0", False, "queue"), ("c1", True, "queue")]


def test_the_files_of_the_settings_are_read_and_a_broken_one_stops_nothing(house: House) -> None:
    (watched,) = house.sources.values()
    (house.folder / "given.csv").write_text("call_id,criterion,verdict\nc9,toxicity,no\n")
    (house.folder / "broken.csv").write_bytes(b"call_id\n\xff\n")
    assert house.settings.judge is not None
    wanted = house.settings.judge.labels.model_copy(update={"files": ["*.csv", str(house.folder / "given.csv")]})
    own = house.settings.judge.model_copy(update={"labels": wanted})
    changed = SimpleNamespace(
        settings=house.settings.model_copy(update={"judge": own}),
        database=house.database,
        sources=house.sources,
        folder=house.folder,
    )
    found = refresh(changed, watched, CRITERIA, NOW)  # type: ignore[arg-type]
    assert any("broken.csv" in each for each in found.bad)
    with house.database.reading() as session:
        assert [each.call_id for each in labels.votes(session, "chat", "toxicity") if each.who == "given"] == ["c9"]
    assert not refresh(changed, watched, CRITERIA, NOW + MINUTE).bad  # type: ignore[arg-type]
    assert refresh(changed, watched, CRITERIA, NOW + timedelta(hours=2)).bad  # type: ignore[arg-type]
    (house.folder / "given.csv").write_text("call_id,criterion,verdict\nc9,toxicity,no\nc10,toxicity,yes\n")
    assert refresh(changed, watched, CRITERIA, NOW + MINUTE).new == 1  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def served(house: House) -> Iterator[httpx.Client]:
    server = Server(ServerSettings(port=0), SimpleNamespace(), SimpleNamespace, lambda: NOW, lambda: True)  # type: ignore[arg-type]
    server.mount(label_page.routes(LabelDesk(house, known_criteria(house)), lambda: NOW, SecretStr(TOKEN)))
    server.start()
    with house.database.transaction() as session:
        drawn = [
            Draw(f"c{each}", name, START + each * MINUTE + timedelta(seconds=1), 0.5, each / 10)
            for each in (0, 2)
            for name in ("relevance", "toxicity")
        ]
        labels.draw(session, "chat", drawn, NOW)
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client
    server.stop()


def test_the_page_shows_no_text_without_the_token_and_its_cookie_holds_none(served: httpx.Client) -> None:
    shut = served.get("/label?who=cy&source=chat")
    assert "Token of this server" in shut.text
    assert "airport" not in shut.text
    form = {"who": "cy", "source": "chat", "token": "wrong"}
    assert served.post("/label", data=form, headers=OWN).status_code == 403
    assert served.post("/label", data=form | {"token": TOKEN}).status_code == 403  # sent by another page
    opened = served.post("/label", data=form | {"token": TOKEN}, headers=OWN)
    assert opened.status_code == 303
    cookie = opened.headers["set-cookie"]
    assert TOKEN not in cookie
    assert {"HttpOnly", "Path=/label", "SameSite=strict"} <= set(cookie.split("; "))
    served.cookies.set(label_page.COOKIE, "0" * 64)
    assert "airport" not in served.get("/label?who=cy&source=chat").text
    served.cookies.clear()


def test_a_person_says_what_they_think_of_one_call_after_another(house: House, served: httpx.Client) -> None:
    served.post("/label", data={"who": "cy", "source": "chat", "token": TOKEN}, headers=OWN)
    page = served.get("/label?who=cy&source=chat")
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text
    assert "bob@example.org" not in page.text  # redacted
    assert HOSTILE not in page.text
    assert "1 more wait for you" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    said = {"call": "c0", "source": "chat", "who": "cy", "criterion:relevance": "fail", "criterion:toxicity": "unsure"}
    assert served.post("/label", data=said, headers=OWN).status_code == 303
    assert "Call <code>c2</code>" in served.get("/label?who=cy&source=chat").text
    assert "Call <code>c0</code>" in served.get("/label?who=di&source=chat").text  # another person is asked too
    served.post("/label", data=said | {"call": "c2", "criterion:toxicity": "pass"}, headers=OWN)
    assert "Nothing waits for you, cy" in served.get("/label?who=cy&source=chat").text
    with house.database.reading() as session:
        mine = [each for each in labels.votes(session, "chat") if each.who == "cy"]
    assert [(each.call_id, each.criterion, each.passed, each.kind) for each in mine] == [
        ("c0", "relevance", False, "page"),
        ("c0", "toxicity", None, "page"),
        ("c2", "relevance", False, "page"),
        ("c2", "toxicity", True, "page"),
    ]


def test_the_page_takes_no_nonsense(served: httpx.Client) -> None:
    served.post("/label", data={"who": "cy", "source": "chat", "token": TOKEN}, headers=OWN)
    said = {"call": "c0", "source": "chat", "who": "cy", "criterion:relevance": "<b>"}
    assert served.post("/label", data=said, headers=OWN).status_code == 422
    assert served.post("/label", data=said | {"source": "x"}, headers=OWN).status_code == 404
    assert served.get("/label?who=cy&source=x").status_code == 404
    assert served.post("/label", data=said | {"call": "never drawn"}, headers=OWN).status_code in (303, 422)
    assert served.post("/label", data={"who": " ", "source": "chat"}, headers=OWN).status_code == 422


def test_the_commands_import_draw_list_and_export(config: Path, house: House, tmp_path: Path) -> None:
    path = tmp_path / "bo.csv"
    path.write_text("call_id,criterion,verdict\nc11,relevance,pass\nc12,relevance,[red]x\n")
    run, option = CliRunner(), ["--config", str(config)]
    imported = run.invoke(app, ["labels", "import", str(path), *option])
    assert imported.exit_code == 1
    assert "bo.csv, line 3: the verdict must be" in imported.output
    assert "1 labels read, 1 of them new, 1 left out" in imported.output
    drawn = run.invoke(app, ["labels", "sample", "--count", "20", "--criterion", "relevance", *option])
    assert drawn.exit_code == 0, drawn.output
    assert f"of {CALLS} judged calls with probabilities of" in drawn.output
    listed = json.loads(run.invoke(app, ["labels", "list", "--json", *option]).output)
    assert {each["criterion"] for each in listed} >= {"relevance"}
    assert next(each for each in listed if each["criterion"] == "relevance")["waiting"] > 5
    assert "relevance" in run.invoke(app, ["labels", "list", *option]).output
    lines = run.invoke(app, ["labels", "export", "--criterion", "relevance", *option]).output.splitlines()
    assert any(json.loads(line)["who"] == "bo" for line in lines)
    again = tmp_path / "again.jsonl"
    again.write_text("\n".join(lines) + "\n")
    assert "0 of them new" in run.invoke(app, ["labels", "import", str(again), *option]).output
    assert run.invoke(app, ["labels", "list", "--source", "nobody", *option]).exit_code == 2
    assert run.invoke(app, ["labels", "sample", "--criterion", "nothing", *option]).exit_code == 2
