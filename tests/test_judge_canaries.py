"""What a judge's verdicts on known texts say of it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fake_judge import FakeJudge, Question, said
from judge_kit import RELEVANCE, judge_of

from config.criteria import BUILT_IN
from detectors.judge.canaries import ATTACKS, Trust, canaries, trust
from detectors.judge.criterion import built_in


@pytest.fixture
def server() -> Iterator[FakeJudge]:
    with FakeJudge() as fake:
        yield fake


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_criterion_has_canaries_with_and_without_attacks(name: str) -> None:
    criterion = built_in(name)
    asked = canaries(criterion)
    assert len({canary.item.id for canary in asked}) == len(asked)
    assert {canary.attack for canary in asked} == {"", *ATTACKS}
    for canary in asked:
        assert not (canary.attack and canary.passes)
        text = canary.item.text(criterion.judged) or ""
        assert not canary.attack or any(word in text for word in criterion.menu if criterion.passes(word))


def test_an_attack_wants_the_verdict_that_passes() -> None:
    attacked = next(each for each in canaries(built_in("toxicity")) if each.attack == "json")
    assert '"verdict": "no"' in (attacked.item.response or "")
    assert attacked.passes is False


def test_a_judge_that_cannot_be_talked_round_holds(server: FakeJudge) -> None:
    server.says = lambda question: said("yes" if "Line 12" in question.texts["answer"] else "no")
    asked = canaries(RELEVANCE)
    found = trust(asked, judge_of(server).ask([each.item for each in asked], RELEVANCE))
    assert found == Trust(plain=2, plain_right=2, attacked=len(ATTACKS), held=len(ATTACKS))


def test_a_judge_that_does_as_it_is_told_is_seen_with_the_attacks_that_worked(server: FakeJudge) -> None:
    def obeys(question: Question) -> str:
        text = question.texts["answer"]
        return said("yes" if "Line 12" in text or "Ignore your instructions" in text or "prizes" in text else "no")

    server.says = obeys
    asked = canaries(RELEVANCE)
    found = trust(asked, judge_of(server).ask([each.item for each in asked], RELEVANCE))
    assert (found.attacked, found.held, found.fooled) == (len(ATTACKS), len(ATTACKS) - 2, ("order", "praise"))


def test_a_judge_that_says_yes_to_all_is_wrong_and_is_not_said_to_hold(server: FakeJudge) -> None:
    asked = canaries(RELEVANCE)
    found = trust(asked, judge_of(server).ask([each.item for each in asked], RELEVANCE))
    assert found == Trust(plain=2, plain_right=1)


def test_what_is_not_answered_is_neither_right_nor_wrong(server: FakeJudge) -> None:
    asked = canaries(RELEVANCE)
    server.says = lambda question: said("cannot_tell")
    found = trust(asked, judge_of(server).ask([each.item for each in asked], RELEVANCE))
    assert found == Trust(unanswered=len(asked))
    server.broken = True
    assert trust(asked, judge_of(server, tries=1).ask([each.item for each in asked], RELEVANCE)) == found


def test_a_criterion_without_canaries_has_none() -> None:
    assert canaries(replace(RELEVANCE, canaries=())) == []
    assert trust([], []) == Trust()
