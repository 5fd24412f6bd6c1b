"""Criteria: those that come with Watchkeeper, those of users, and what is said of wrong ones."""

import re
from pathlib import Path

import pytest

import config.criteria as words
from config.criteria import BUILT_IN, CANNOT_TELL, CriterionText, Known
from config.judge import Judge, JudgeApi, OwnCriterion
from config.load import draft
from detectors.judge.criterion import Criterion, CriterionError, built_in, criteria_of, from_file, from_text
from detectors.judge.fence import holds
from detectors.judge.prompt import LABELS, rules
from monitor.commands.checks import all_problems, warnings

FOLDER = Path(__file__).parents[1] / "detectors" / "judge" / "criteria"


def test_the_files_are_those_that_settings_know() -> None:
    assert tuple(sorted(path.stem for path in FOLDER.glob("*.yaml"))) == BUILT_IN


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_criterion_is_complete(name: str) -> None:
    criterion = built_in(name)
    assert criterion.menu[-1] == CANNOT_TELL
    assert criterion.goodness(CANNOT_TELL) is criterion.passes(CANNOT_TELL) is None
    assert {criterion.passes(word) for word in criterion.menu[:-1]} == {True, False}
    for some in (criterion.examples, criterion.canaries):
        assert {criterion.passes(known.verdict) for known in some} == {True, False}
    for known in (*criterion.examples, *criterion.canaries):
        assert all(getattr(known, need) for need in criterion.needs)
    for example in criterion.examples:
        assert holds(getattr(example, criterion.judged), example.evidence)
    shown = {getattr(example, criterion.judged) for example in criterion.examples}
    assert shown.isdisjoint(getattr(canary, criterion.judged) for canary in criterion.canaries)


def test_polarity_is_declared_where_much_of_it_is_bad() -> None:
    bad = {name for name in BUILT_IN if built_in(name).polarity == "negative"}
    assert bad == {
        "bias",
        "controversiality",
        "criminality",
        "harmfulness",
        "insensitivity",
        "maliciousness",
        "misogyny",
        "pii_leak",
        "prompt_injection_success",
        "refusal",
        "toxicity",
        *(name for name in BUILT_IN if name.startswith("principle_")),
    }
    toxicity = built_in("toxicity")
    assert (toxicity.passes("yes"), toxicity.goodness("yes"), toxicity.passes("no")) == (False, 0, True)


def test_a_correctness_criterion_needs_a_reference() -> None:
    assert "reference" in built_in("correctness").needs
    assert "context" in built_in("groundedness").needs


def text(**changes: object) -> CriterionText:
    return CriterionText(**({"question": "Is it blue?"} | changes))  # type: ignore[arg-type]


def made(**changes: object) -> Criterion:
    return from_text("blue", text(**changes))


def test_a_question_alone_is_a_criterion() -> None:
    criterion = made()
    assert criterion.menu == ("yes", "no", CANNOT_TELL)
    assert "Is it blue?" in rules(criterion)


def test_a_critique_request_is_a_criterion_of_which_much_is_bad() -> None:
    criterion = from_text("law", CriterionText(critique_request="Say where it breaks the law."))
    assert "Say where it breaks the law." in rules(criterion)
    assert (criterion.passes("yes"), criterion.passes("no")) == (False, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"question": "Is it bluish?"},
        {"polarity": "negative"},
        {"needs": ["response"]},
        {"optional": ["context"]},
        {"empty": "no"},
        {"examples": [Known(verdict="no", response="red")]},
        {"verdicts": {"yes": {"amount": 1, "means": "It is."}, "no": {"amount": 0, "means": "It is not."}}},
    ],
)
def test_whatever_a_judge_is_told_changes_the_identity(changes: dict[str, object]) -> None:
    assert made(**changes).identity != made().identity


def test_canaries_do_not_change_the_identity() -> None:
    assert made(canaries=[Known(verdict="no", response="red")]).identity == made().identity


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (
            "question: Is it?\nverdicts: {good: {amount: 1, means: m}}\n",
            "{file}: verdicts must hold one that passes and one that fails; a verdict passes when its amount is above 0.5, or below 0.5 with polarity negative",
        ),
        ("question: Is it?\n\nverdict: {}\n", "{file}:3: verdict: unknown key; did you mean 'verdicts'?"),
        ("polarity: positive\n", "{file}: must have either question or critique_request; write what is to be judged"),
        (
            "question: Is it?\npolarity: good\n",
            "{file}:2: polarity: must be one of positive, negative",
        ),
        ("question: Is it?\nempty: maybe\n", "{file}: empty must name one of the verdicts; choose from yes, no"),
        ("question: Is it?\nneeds: [prompt]\n", "{file}: needs must hold response; it is the text that is judged"),
        (
            "question: Is it?\nverdicts: {cannot_tell: {amount: 1, means: m}}\n",
            "{file}: verdicts must not hold cannot_tell; every criterion has it",
        ),
        (
            "question: [\n",
            "{file}:2: is not YAML: while parsing a flow node expected the node content, but found '<stream end>'; check quotes, colons and the indentation around this line",
        ),
        ("question: Is it?\nexamples:\n- {response: x}\n", "{file}:3: examples[0].verdict: is missing; add it"),
    ],
)
def test_a_wrong_file_is_told_by_file_line_and_key(tmp_path: Path, written: str, says: str) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(written)
    with pytest.raises(CriterionError) as raised:
        from_file("own", file)
    assert str(raised.value) == says.format(file=file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CriterionError, match=r"own\.yaml: cannot be read: No such file or directory"):
        from_file("own", tmp_path / "own.yaml")
    (tmp_path / "own.yaml").write_bytes(b"question: \xff")
    with pytest.raises(CriterionError, match=r"own\.yaml: is not UTF-8 text \(byte 10\); save it as UTF-8"):
        from_file("own", tmp_path / "own.yaml")


def settings(**changes: object) -> Judge:
    api = JudgeApi(model="m", input_usd_per_million=1, output_usd_per_million=1)
    return Judge(**({"judges": {"small": api}, "criteria": ["relevance"], "budget_usd_per_day": 1} | changes))  # type: ignore[arg-type]


def test_settings_name_criteria_of_all_three_kinds(tmp_path: Path) -> None:
    (tmp_path / "style.yaml").write_text("question: Is it in our style?\n")
    own = {"on-brand": OwnCriterion(question="Is it on brand?"), "style": OwnCriterion(file="style.yaml")}
    found = criteria_of(settings(criteria=["relevance", "on-brand", "style"], own_criteria=own), tmp_path)
    assert [each.question[:14] for each in found.values()] == ["Is the answer ", "Is it on brand", "Is it in our s"]


def test_criteria_of_comparisons_and_labels_are_read_too(tmp_path: Path) -> None:
    pairs = {"models": {"by": "model", "first": "a", "second": "b", "criterion": "depth"}}
    found = criteria_of(settings(pairs=pairs, labels={"feedback": {"correctness": "ok"}}), tmp_path)
    assert list(found) == ["relevance", "depth", "correctness"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"criteria": ["relevanse"]}, "criteria has a criterion that is not known: did you mean 'relevance'?"),
        ({"criteria": ["relevance", "relevance"]}, "criteria holds a name twice: keep one of them"),
        (
            {"own_criteria": {"depth": OwnCriterion(question="Is it?")}},
            "own_criteria must not hold depth: a built-in criterion has that name, take another",
        ),
        (
            {"budget_usd_per_month": 0.5},
            "budget_usd_per_month must be at least budget_usd_per_day: it holds for all its days",
        ),
        ({"sampling": {"share": 0.01, "floor": 0.02}}, r"floor must be at most share \(0.01\)"),
        ({"pairs": {"p": {"by": "model", "first": "a", "second": "a"}}}, "first and second must differ"),
        ({"judges": {}}, "at least 1 item"),
        (
            {"own_criteria": {"x": {"file": "x.yaml", "question": "Is it?"}}},
            "must have exactly one of question, critique_request and file",
        ),
        ({"own_criteria": {"x": {"file": "x.yaml", "version": 2}}}, "has a file, so it must not hold version too"),
        (
            {
                "judges": {
                    "a": {
                        "model": "m",
                        "input_usd_per_million": 1,
                        "output_usd_per_million": 1,
                        "params": {"response_format": 1},
                    }
                }
            },
            "must not hold response_format: Watchkeeper sets it",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        settings(**changes)


def test_check_names_the_key_and_the_line_of_a_wrong_criterion(tmp_path: Path) -> None:
    (tmp_path / "watchkeeper.yaml").write_text(
        "judge:\n  judges: {a: {model: m, input_usd_per_million: 1, output_usd_per_million: 1}}\n"
        "  criteria: [style]\n  own_criteria:\n    style: {file: style.yaml}\n  budget_usd_per_day: 1\n"
    )
    file = tmp_path / "style.yaml"
    file.write_text("question: Is it?\npolarity: good\nversion: 0\n")
    assert [str(each) for each in all_problems(draft(tmp_path / "watchkeeper.yaml", {}))] == [
        f"{tmp_path}/watchkeeper.yaml:5: judge.own_criteria.style.file: {file}:2: polarity: must be one of positive, negative",
        f"{tmp_path}/watchkeeper.yaml:5: judge.own_criteria.style.file: {file}:3: version: must be at least 1",
    ]
    file.write_text("question: Is it?\n")
    assert all_problems(draft(tmp_path / "watchkeeper.yaml", {})) == []
    file.unlink()
    (doubt,) = [str(each) for each in warnings(draft(tmp_path / "watchkeeper.yaml", {})) if "own_criteria" in str(each)]
    assert doubt.endswith(f":5: judge.own_criteria.style.file: there is no such file yet; it was looked for at {file}")


PAGE = Path(__file__).parents[1] / "docs" / "judge.md"


def test_the_page_of_the_judge_names_every_criterion() -> None:
    table = PAGE.read_text().split("## Criteria")[1].split("A criterion is one question")[0]
    assert tuple(sorted(set(re.findall(r"`(\w+)`", table)) - {"context", "reference"})) == BUILT_IN


def test_the_configuration_on_the_page_is_valid(tmp_path: Path) -> None:
    written = PAGE.read_text().split("```yaml\n")[1].split("```")[0]
    (tmp_path / "watchkeeper.yaml").write_text(written.replace("/run/secrets/openai ", "key "))
    (tmp_path / "key").write_text("sk-1")
    read = draft(tmp_path / "watchkeeper.yaml", {})
    assert all_problems(read) == []
    assert read.loaded is not None
    assert list(criteria_of(read.loaded.settings.judge, tmp_path)) == ["helpfulness", "groundedness", "on-brand"]  # type: ignore[arg-type]


def test_every_need_is_a_text_of_a_call() -> None:
    assert set(LABELS) == set(words.Need.__args__)  # type: ignore[attr-defined]
