"""Offline evaluation: rows named where they are bad, nothing asked twice, no more spent than allowed, runs compared."""

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from fake_chat import FakeChat
from fake_judge import ANSWERED, SENT, FakeJudge, Question, said
from label_kit import CALLS, HOSTILE, MINUTE, NOW, START, living, verdict, written

from config.load import load
from detectors.judge.paired import Paired, paired, shift
from detectors.judge.unknown import Unknown
from detectors.measurement import Window
from monitor.cli import app
from monitor.commands import evaluation
from monitor.commands.evaluation import Asked, evaluate
from monitor.evaluate import dry_run as dry
from monitor.evaluate.dataset import read_dataset
from monitor.evaluate.folder import Folder, Lines, Purse, Replies
from monitor.evaluate.picked import Pick, pick
from monitor.evaluate.values import EvaluationError, Rows
from monitor.judging.crew import Outside
from monitor.labels.criteria import known_criteria
from monitor.opening import open_house
from monitor.store import labels
from monitor.store.labels import Draw, Vote
from monitor.store.tables import ScoreRow

PRICE = (SENT * 1 + ANSWERED * 4) / 1e6
LATER = NOW + timedelta(days=1)


def opinion(question: Question) -> str:
    """Passes what names the airport, and quotes it."""
    answer = next((text for label, text in question.texts.items() if label.startswith("answer")), "")
    return said("yes" if "airport" in answer else "no", evidence=answer[:20], reasoning="as <b>the</b> answer says")


@pytest.fixture(scope="module")
def judge_server() -> Iterator[FakeJudge]:
    with FakeJudge() as server:
        yield server


@pytest.fixture
def judge(judge_server: FakeJudge) -> FakeJudge:
    judge_server.says, judge_server.broken, judge_server.now = opinion, False, 0.0
    judge_server.asked.clear()
    return judge_server


@pytest.fixture(scope="module")
def chat_server() -> Iterator[FakeChat]:
    with FakeChat() as server:
        yield server


@pytest.fixture
def chat(chat_server: FakeChat) -> FakeChat:
    chat_server.says = lambda prompt, number: f"The airport, of course: {prompt}"
    chat_server.asked.clear()
    return chat_server


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, judge_server: FakeJudge, chat_server: FakeChat) -> Path:
    path = written(tmp_path_factory.mktemp("evaluate") / "service", judge_server.url, chat_server.url)
    with living(path):
        return path


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "clock", lambda: NOW)


Go = Callable[..., int]


@pytest.fixture
def go(config: Path, judge: FakeJudge, tmp_path: Path) -> Go:
    """Runs an evaluation in the judge's time; `stop_after` questions it is broken off."""

    def run(stop_after: int | None = None, **asked: Any) -> int:
        outside = Outside(
            clock=lambda: NOW,
            seconds=lambda: judge.now,
            pause=judge.pause,
            stopping=lambda: stop_after is not None and len(judge.asked) >= stop_after,
        )
        asked.setdefault("into", tmp_path / "run")
        return evaluate(config, Asked(**asked), outside)

    return run


def report(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_text())


def measure(folder: Path, name: str) -> Any:
    return next(each for each in report(folder)["findings"] if each["measure"]["name"] == name)


def dataset(folder: Path, count: int = 10, bad: int = 2, **columns: Any) -> Path:
    """Rows of which the first few talk past the question."""
    path = folder / "data.jsonl"
    rows = [
        {
            "id": f"r{number}",
            "question": f"Which bus goes to the airport? {number}",
            "answer": f"{'Basil' if number < bad else 'Line 12 goes to the airport'}, {number}",
            "expected": "Line 12 goes to the airport",
        }
        | {name: made(number) if callable(made) else made for name, made in columns.items()}
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_bad_rows_are_named_and_the_others_are_evaluated(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(
        '{"id": 1, "question": "q", "contexts": ["a", "b"], "ideal": "r", "label:relevance": "fail"}\n'
        "{oops\n"
        '{"id": 1, "prompt": "again"}\n'
        '{"expected": "only this"}\n'
        '{"prompt": "q2", "label:relevance": "purple"}\n'
        '{"prompt": "lone \\ud800", "labels": {"relevance": "pass", "other": "x"}}\n'
        '{"prompt": "lone \\ud800"}\n'
    )
    from detectors.judge.criterion import built_in

    found = read_dataset(path, {"relevance": built_in("relevance")})
    assert [row.item.prompt for row in found.rows] == ["q", "lone ?", "lone ?"]
    first = found.rows[0]
    assert (first.item.id, first.item.context, first.item.reference) == ("1", "a\n\nb", "r")
    assert [dict(row.labels) for row in found.rows] == [{"relevance": False}, {"relevance": True}, {}]
    assert found.rows[2].item.id == f"{found.rows[1].item.id}-2"
    assert found.left_out[:3] == (
        "line 2: is no JSON",
        "line 3: its id was used before",
        "line 4: has neither a prompt nor a response",
    )
    assert found.left_out[3].startswith("line 5: label:relevance: the verdict must be")


def test_a_dataset_without_a_usable_row_says_what_its_columns_are(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("fruit,colour\napple,red\n")
    with pytest.raises(EvaluationError, match=r"no row with a prompt or a response.*line 2.*colour, fruit"):
        read_dataset(path, {})


def test_checks_need_neither_a_judge_nor_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, nothing = dataset(tmp_path), tmp_path / "none.yaml"
    checks = ("levenshtein>=0.8", "regex:^Line", "jaro", "json")
    asked = Asked(path, checks=checks, into=tmp_path / "run", fail_under=("regex:^Line=0.4",))
    assert evaluate(nothing, asked) == 0
    found = measure(tmp_path / "run", "levenshtein>=0.8")
    assert found["passing"]["value"] == 0.8
    assert found["passing"]["lower"] < 0.8 < found["passing"]["upper"]
    assert measure(tmp_path / "run", "jaro")["passing"] is None
    assert 0 < measure(tmp_path / "run", "jaro")["score"]["value"] < 1
    assert measure(tmp_path / "run", "json")["passing"]["value"] == 0
    assert evaluate(nothing, replace(asked, fail_under=("regex:^Line=0.6",))) == 1  # 0.8, but of ten rows
    assert "the lower limit is 0.4902, below 0.6" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"checks": ("exakt",)}, "is not known"),
        ({"checks": ("exact>=0.5",)}, "a limit from 0 to 1 is for"),
        ({"checks": ("regex:(",)}, "is not a regular expression"),
        ({"checks": ("schema:none.json",)}, "none.json: cannot be read"),
        ({"criteria": ("polite",)}, "no criterion is called polite"),
        ({"criteria": ("groundedness",)}, "no row has a context, which groundedness needs"),
        ({"pairs": ("relevance",)}, "pairs need a second answer"),
        ({"checks": ("exact",), "endpoint": "x"}, "evaluate.endpoints of the settings has candidate"),
        ({"checks": ("exact",), "fail_under": ("exactly=0.9",)}, "the names are exact"),
        ({"checks": ("exact",), "compare_with": Path("nowhere")}, "holds no finished evaluation"),
        ({"dataset": None, "checks": ("exact",)}, "--from 7d"),
        ({"dataset": None, "checks": ("exact",), "span": ("2h", ""), "where": ("odd",)}, "out_of_distribution"),
        ({"dataset": None, "checks": ("exact",), "span": ("2h", ""), "where": ("route=x",)}, "chosen by model"),
        ({"dataset": None, "checks": ("exact",), "span": ("2h", ""), "where": ("model=x",)}, "no call"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_paid(
    go: Go, tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: dict[str, Any], why: str
) -> None:
    assert go(**({"dataset": dataset(tmp_path)} | asked)) == 2
    assert why in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "run" / "money.jsonl").exists()


def test_a_judge_alone_is_called_uncorrected_and_its_failures_are_shown_with_evidence(go: Go, tmp_path: Path) -> None:
    assert go(dataset=dataset(tmp_path), criteria=("relevance",)) == 0
    found = measure(tmp_path / "run", "relevance")
    assert found["passing"]["value"] == pytest.approx(0.8)
    assert found["passing"]["method"] == "judge-only, uncorrected"
    assert found["agreement"] is None
    assert [case["outcome"]["id"] for case in found["cases"]] == ["r0", "r1"]
    assert found["cases"][0]["outcome"]["evidence"] == "Basil, 0"
    page = (tmp_path / "run" / "report.html").read_text()
    assert "judge-only, uncorrected" in page
    assert "as &lt;b&gt;the&lt;/b&gt; answer says" in page
    assert report(tmp_path / "run")["spent_usd"] == pytest.approx(10 * PRICE)


def test_labels_correct_the_judge_and_say_how_far_it_can_be_trusted(go: Go, tmp_path: Path) -> None:
    # People fail half of what the judge passes.
    labelled = {"label:relevance": lambda number: "pass" if number >= 10 else "fail"}
    assert go(dataset=dataset(tmp_path, count=20, bad=2, **labelled), criteria=("relevance",)) == 0
    found = measure(tmp_path / "run", "relevance")
    assert found["passing"]["method"] == "labels"
    assert found["passing"]["value"] == pytest.approx(0.5, abs=0.02)
    assert found["judge_only"]["value"] == pytest.approx(0.9)
    assert found["agreement"]["labels"] == 20
    assert found["agreement"]["sensitivity"]["value"] == pytest.approx(0.2)
    assert found["agreement"]["specificity"]["value"] == 1.0


def test_a_run_that_was_broken_off_goes_on_and_asks_nothing_twice(go: Go, judge: FakeJudge, tmp_path: Path) -> None:
    odd = {" 3": "no JSON at all", " 4": said("cannot_tell")}
    judge.says = lambda question: odd.get(question.texts["answer"][-2:]) or opinion(question)
    path = dataset(tmp_path, count=80)
    assert go(stop_after=20, dataset=path, criteria=("relevance",)) == 1  # a group of 32 is under way
    assert len(judge.asked) == 32
    half = report(tmp_path / "run")
    assert not half["complete"]
    assert measure(tmp_path / "run", "relevance")["unasked"] == 48
    assert go(dataset=path, criteria=("relevance",)) == 0
    asked = [question.texts["answer"] for question in judge.asked]
    assert len(asked) == len(set(asked)) == 80  # the one without a verdict neither
    found = measure(tmp_path / "run", "relevance")
    assert found["problems"] == {"unparseable": 1, "cannot_tell": 1}
    assert (found["known"], found["unasked"]) == (78, 0)
    assert report(tmp_path / "run")["spent_usd"] == pytest.approx(80 * PRICE)
    assert go(dataset=path, criteria=("relevance",)) == 0
    assert len(judge.asked) == 80


def test_a_folder_holds_one_evaluation(go: Go, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = dataset(tmp_path)
    assert go(dataset=path, checks=("exact",)) == 0
    assert go(dataset=path, checks=("jaro",)) == 2
    assert "holds a run with other checks; choose another folder" in " ".join(capsys.readouterr().err.split())
    held = Folder(tmp_path / "run")
    assert go(dataset=path, checks=("exact",)) == 2
    assert "another evaluation is running there" in " ".join(capsys.readouterr().err.split())
    held.close()


def test_no_more_is_spent_than_allowed_over_all_tries_of_a_run(go: Go, judge: FakeJudge, tmp_path: Path) -> None:
    path = dataset(tmp_path, count=40)
    limit = 0.02
    assert go(dataset=path, criteria=("relevance",), most_usd=limit) == 1
    found = measure(tmp_path / "run", "relevance")
    assert found["problems"] == {"budget": 40 - len(judge.asked)}
    assert found["unasked"] == 40 - len(judge.asked) > 0
    assert 0 < report(tmp_path / "run")["spent_usd"] <= limit
    before = len(judge.asked)
    assert go(dataset=path, criteria=("relevance",), most_usd=limit) == 1
    assert len(judge.asked) == before
    assert go(dataset=path, criteria=("relevance",), most_usd=1.0) == 0
    assert len(judge.asked) == 40


def test_what_a_killed_run_had_reserved_stays_spent_and_a_cut_line_is_left_out(tmp_path: Path) -> None:
    money = Lines(tmp_path / "money.jsonl")
    purse = Purse(money, 1.0)
    assert purse.reserve(0.4)
    purse.settle(0.4, 0.1)
    assert purse.reserve(0.5)
    with (tmp_path / "money.jsonl").open("ab") as file:
        file.write(b'{"usd": 0.0')
    again = Purse(Lines(tmp_path / "money.jsonl"), 1.0)
    assert again.spent == pytest.approx(0.6)
    assert not again.reserve(0.5)
    assert again.reserve(0.3)
    assert Purse(money, 1.0).spent == pytest.approx(0.9)


def test_an_outage_of_the_judge_is_no_failure_of_the_answers(go: Go, judge: FakeJudge, tmp_path: Path) -> None:
    judge.broken = True
    assert go(dataset=dataset(tmp_path), criteria=("relevance",), fail_under=("relevance=0.1",)) == 1
    found = measure(tmp_path / "run", "relevance")
    assert found["passing"] is None
    assert found["why"] == "the judge has said nothing"
    assert found["problems"] == {"outage": 10}
    assert "HTTP 503" in found["details"]["outage"]
    judge.broken = False
    assert go(dataset=tmp_path / "data.jsonl", criteria=("relevance",), fail_under=("relevance=0.4",)) == 0


def test_new_answers_are_asked_for_once_and_compared_with_the_old_ones(
    go: Go, judge: FakeJudge, chat: FakeChat, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judge.says = lambda question: said(
        "tie" if "B" not in str(question.texts) else "a" if "of course" in question.texts["answer A"] else "b"
    )
    path = dataset(tmp_path, count=12)
    asked: dict[str, Any] = {"dataset": path, "endpoint": "candidate", "pairs": ("relevance",), "concurrency": 1}
    assert go(**asked, fail_under=("better relevance=0.6",)) == 0, capsys.readouterr().err
    found = measure(tmp_path / "run", "better relevance")
    assert (found["win"]["wins"], found["win"]["ties"], found["win"]["losses"]) == (12, 0, 0)
    assert found["win"]["decided"]["value"] == 1.0
    assert found["bias"]["consistent"]["value"] == 1.0
    assert len(chat.asked) == 12
    assert len(judge.asked) == 24
    assert go(**asked) == 0
    assert (len(chat.asked), len(judge.asked)) == (12, 24)


def test_an_endpoint_that_does_not_answer_leaves_rows_without_an_answer_and_is_asked_again(
    go: Go, chat: FakeChat, tmp_path: Path
) -> None:
    key, chat.key = chat.key, "another"
    asked: dict[str, Any] = {"dataset": dataset(tmp_path), "endpoint": "candidate", "checks": ("exact",)}
    assert go(**asked, concurrency=1) == 1
    found = report(tmp_path / "run")
    assert sum(found["unanswered"].values()) == 10
    assert any("does not accept the api_key" in why for why in found["unanswered"])
    assert key not in (tmp_path / "run" / "report.html").read_text()
    assert measure(tmp_path / "run", "exact")["passing"] is None
    chat.key = key
    assert go(**asked) == 0
    assert measure(tmp_path / "run", "exact")["known"] == 10


def test_runs_are_compared_row_by_row_and_what_was_answered_is_not_paid_again(
    go: Go, judge: FakeJudge, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert go(dataset=dataset(tmp_path / "a", count=30, bad=0), criteria=("relevance",), into=tmp_path / "one") == 0
    asked = len(judge.asked)
    later: dict[str, Any] = {"dataset": dataset(tmp_path / "b", count=30, bad=9), "criteria": ("relevance",)}
    assert go(**later, into=tmp_path / "two", compare_with=tmp_path / "one") == 0
    assert len(judge.asked) == asked + 9  # answers that did not change keep their verdicts
    compared = measure(tmp_path / "two", "relevance")["compared"]
    assert compared["passing"]["value"] == pytest.approx(-0.3)
    assert (compared["passing"]["better"], compared["passing"]["worse"]) == (0, 9)
    assert compared["passing"]["p_value"] == pytest.approx(2 * 0.5**9)
    assert compared["passing"]["upper"] < 0
    assert not compared["other"]
    assert measure(tmp_path / "two", "relevance")["cases"][0]["before"] is True
    page = (tmp_path / "two" / "report.html").read_text()
    assert "passed before" in page
    assert "exact McNemar p = 0.0039" in page


def test_hostile_texts_do_nothing_in_the_report(go: Go, judge: FakeJudge, tmp_path: Path) -> None:
    judge.says = lambda question: said("no", evidence=HOSTILE, reasoning="</pre><script>x()</script>\x1b[2J")
    path = dataset(tmp_path, count=2, answer=f"{HOSTILE} \ud800 </script>", id=lambda number: f"<img src=x>{number}")
    assert go(dataset=path, criteria=("relevance",)) == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<script" not in page
    assert "<img" not in page
    assert "\x1b" not in page
    assert "{{ 7*7 }}" in page
    assert "default-src 'none'" in page


def test_calls_of_the_log_are_chosen_by_what_is_known_of_them(
    go: Go, judge: FakeJudge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    span = (START.isoformat(), (START + timedelta(hours=1)).isoformat())
    asked: dict[str, Any] = {"span": span, "criteria": ("relevance",)}
    assert go(**asked, where=("model=small",), sample=20) == 0, capsys.readouterr().err
    found = report(tmp_path / "run")
    assert found["rows"]["count"] == 20
    assert found["rows"]["population"] == CALLS / 2
    assert go(**asked, where=("negative_feedback",), into=tmp_path / "disliked") == 0
    cases = measure(tmp_path / "disliked", "relevance")["cases"]
    assert [case["outcome"]["id"] for case in cases] == ["c0"]
    assert "bob@example.org" not in (tmp_path / "disliked" / "report.json").read_text()
    assert all("bob@example.org" not in question.shown for question in judge.asked)


def test_prompts_out_of_distribution_are_those_that_the_service_found_strange(
    go: Go, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    span = (START.isoformat(), (START + timedelta(hours=1)).isoformat())
    asked: dict[str, Any] = {"span": span, "criteria": ("relevance",), "where": ("out_of_distribution",)}
    assert go(**asked) == 2
    assert "no prompt was put beside a baseline" in " ".join(capsys.readouterr().err.split())
    house = open_house(load(config, {}))
    with house.database.transaction() as session:
        for number, p in ((3, 0.01), (4, 0.5), (7, 0.04)):
            at = START + number * MINUTE
            row = ScoreRow(source="chat", stream="prompt", call_id=f"c{number}", baseline="b", at=at, score=1.0, p=p)
            row.segment = "[]"
            session.add(row)
    house.close()
    assert go(**asked, into=tmp_path / "strange") == 0
    found = report(tmp_path / "strange")
    assert (found["rows"]["count"], found["rows"]["population"]) == (2, 2)
    rows = (tmp_path / "strange" / "rows.jsonl").read_text().splitlines()[1:]
    assert {json.loads(row)["item"]["id"] for row in rows} == {"c3", "c7"}


def test_a_dry_run_prints_the_price_and_asks_nobody(
    go: Go, judge: FakeJudge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert go(dataset=dataset(tmp_path), criteria=("relevance", "toxicity"), dry_run=True) == 0
    out = capsys.readouterr().out
    assert "20 questions to judges: about $0.0" in out
    assert not judge.asked


def test_the_price_of_a_day_is_that_of_the_calls_that_would_be_drawn(config: Path, judge: FakeJudge) -> None:
    with living(config) as house:
        found = dry.dry_run(house, known_criteria(house), timedelta(days=1), NOW)
    (source,) = found.sources
    assert source.calls == CALLS
    assert 0.25 * CALLS < len(source.drawn) < 0.75 * CALLS
    assert {(each.judge, each.criterion, each.questions) for each in source.prices} == {
        ("small", "relevance", len(source.drawn)),
        ("small", "toxicity", len(source.drawn)),
    }
    by_tokens = sum(each.tokens_in * 1e-6 + each.tokens_out * 4e-6 for each in source.prices)
    assert found.day_usd == pytest.approx(by_tokens * 1.05, rel=0.01)
    assert found.day_usd < found.most_usd
    assert found.affordable == 1.0
    assert replace(found, budget_day=found.day_usd / 4).affordable == pytest.approx(0.25)
    assert not judge.asked


def test_the_commands_of_the_judge(config: Path, judge: FakeJudge, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from monitor.commands import judge_answers, judge_cost

    def then() -> datetime:
        return NOW

    monkeypatch.setattr(judge_answers, "clock", then)
    monkeypatch.setattr(judge_cost, "clock", then)
    run, option = CliRunner(), ["--config", str(config)]
    listed = json.loads(run.invoke(app, ["judge", "criteria", "--json", *option]).output)
    assert {each["name"] for each in listed if each["judged"]} == {"relevance", "toxicity"}
    cost = run.invoke(app, ["judge", "cost", *option])
    assert cost.exit_code == 0, cost.output
    assert "would be judged" in cost.output
    assert "the budget is $5.00 a day" in cost.output
    assert not judge.asked
    tried = run.invoke(app, ["judge", "try", "c0", "--criterion", "relevance", *option])
    assert tried.exit_code == 0, tried.output
    assert "no fails" in tried.output
    assert "evidence: Basil" in tried.output
    assert f"${PRICE:.4g}" in tried.output
    assert "bob@example.org" not in judge.asked[0].shown
    mine = ["judge", "try", "--text", "[red]Line 12 goes to the airport", "--prompt", "Which bus?", *option]
    assert "yes passes" in run.invoke(app, [*mine, "--criterion", "relevance"]).output
    assert run.invoke(app, ["judge", "try", "nowhere", *option]).exit_code == 2
    assert run.invoke(app, ["judge", "try", *option]).exit_code == 2
    assert load(config, {}).settings.judge is not None


def test_paired_verdicts_are_tested_exactly_and_rows_of_one_run_do_not_count() -> None:
    before = [True] * 10 + [False] * 5 + [None]
    now: list[bool | None] = [True] * 8 + [False] * 2 + [True] * 4 + [False, True]
    found = paired(before, now)
    assert isinstance(found, Paired)
    assert (found.better, found.worse, found.pairs) == (4, 2, 15)
    assert found.value == pytest.approx(2 / 15)
    assert found.p_value == pytest.approx(0.6875)
    assert found.lower < 0 < found.upper
    assert not found.differs
    same = paired([True] * 5, [True] * 5)
    assert isinstance(same, Paired)
    assert same.p_value is None
    assert same.lower < 0 < same.upper  # five rows that did not change do not say that none will
    assert isinstance(paired([None], [True]), Unknown)
    assert isinstance(shift([0.5], [0.7]), Unknown)


def test_labels_that_were_drawn_from_judged_calls_count_with_both_probabilities(config: Path, tmp_path: Path) -> None:
    with living(config) as house:
        with house.database.transaction() as session:
            for number in (0, 1):
                row = verdict(number)
                row.pi = 0.5
                session.merge(row)
            drawn = [Draw(f"c{number}", "relevance", START + number * MINUTE, 0.2, 0.1) for number in (0, 1)]
            labels.draw(session, "chat", drawn, NOW)
            given = [(0, False), (1, True)]
            votes = [
                Vote(each.call_id, "relevance", "ana", each.at, said, "page", NOW)
                for each, (_, said) in zip(drawn, given, strict=True)
            ]
            labels.keep(session, "chat", votes)
        window = Window(START, START + timedelta(hours=1))
        rows = pick(house, Pick("chat", window), ["prompt", "response"], ["relevance"], NOW).rows
    mine = {row.item.id: row for row in rows if row.labels}
    assert {call: row.labels["relevance"] for call, row in mine.items()} == {"c0": False, "c1": True}
    assert {row.chances["relevance"] for row in mine.values()} == {0.1}
    held = Folder(tmp_path / "kept")
    held.keep_rows(Rows("calls", rows))
    assert held.rows() == Rows("calls", rows)
    held.close()


def test_replies_of_an_earlier_run_are_taken_over(tmp_path: Path) -> None:
    first, second = Lines(tmp_path / "1"), Lines(tmp_path / "2")
    Replies(first).put({"a": b"1", "b": b"2"})
    assert Replies(second, first).get(["a", "c"]) == {"a": b"1"}
    assert Replies(second).get(["a", "b"]) == {"a": b"1"}


def test_the_first_interrupt_stops_asking_and_the_second_one_ends() -> None:
    stop = Event()
    with evaluation._stopped_by_hand(stop):
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
