"""Small parts of the judge: probabilities of tokens, pace, prices."""

import math
import threading

import pytest
from fake_judge import FakeJudge
from hypothesis import given
from hypothesis import strategies as st
from judge_kit import GOOD, RELEVANCE, calls, judge_of, outcomes

from config.judge import JudgeApi
from detectors.judge.client import Token
from detectors.judge.forms import Form, Forms
from detectors.judge.pace import Pace
from detectors.judge.price import Cost, Purse, likely
from detectors.judge.probability import verdict_probabilities
from detectors.price import most_usd

MENU = ("yes", "no", "cannot_tell")
API = JudgeApi(model="m", input_usd_per_million=2, output_usd_per_million=8, max_tokens=100)


def token(text: str, **chances: float) -> Token:
    return Token(text, tuple((word, math.log(chance)) for word, chance in chances.items()))


def test_probabilities_are_read_where_the_verdict_is_written() -> None:
    tokens = [
        token('{"evidence": "no", '),
        token('"verdict"', no=0.9),
        token(': "'),
        token("yes", yes=0.6, no=0.3, Yes=0.1),
        token('"}'),
    ]
    assert verdict_probabilities(tokens, MENU) == pytest.approx({"yes": 0.7, "no": 0.3, "cannot_tell": 0.0})


def test_a_verdict_in_several_tokens_or_with_its_quote_is_read_by_its_first() -> None:
    start, top = token('{"verdict":'), {' "y': 0.8, ' "no': 0.2, "yes": 0.5}
    tokens = [start, Token(' "y', tuple((text, math.log(chance)) for text, chance in top.items())), token('es"}')]
    assert verdict_probabilities(tokens, MENU) == pytest.approx({"yes": 0.8, "no": 0.2, "cannot_tell": 0.0})


def test_a_bare_word_has_probabilities_too() -> None:
    assert verdict_probabilities([token("Yes", Yes=0.9, No=0.1), token(".")], MENU) == pytest.approx(
        {"yes": 0.9, "no": 0.1, "cannot_tell": 0.0}
    )


@pytest.mark.parametrize(
    "tokens",
    [
        [],
        [token("well, yes", yes=1.0)],
        [token('{"verdict": "'), token("yes", I=0.6, yes=0.4)],
        [token('{"verdict": "'), token("yes")],
        [token('{"verdict": "')],
        [token('{"verdict": "'), Token("yes", (("yes", 5.0),))],
    ],
)
def test_where_tokens_do_not_tell_there_is_no_probability(tokens: list[Token]) -> None:
    assert verdict_probabilities(tokens, MENU) is None


def test_verdicts_that_begin_alike_cannot_be_told_apart() -> None:
    tokens = [token('{"verdict": "'), token("not", not_=0.5, **{"not": 0.5})]
    assert verdict_probabilities(tokens, ("not_helpful", "not_harmful")) is None


@given(st.lists(st.tuples(st.sampled_from(["yes", "no", "cannot", "ye", '"', "x"]), st.floats(-20, 0)), max_size=6))
def test_probabilities_are_those_of_verdicts_and_together_one(top: list[tuple[str, float]]) -> None:
    found = verdict_probabilities([token('{"verdict": "'), Token("yes", tuple(top))], MENU)
    assert found is None or (set(found) == set(MENU) and sum(found.values()) == pytest.approx(1))


def test_turns_come_at_the_pace_and_never_while_the_endpoint_rests() -> None:
    now = [100.0]
    pace = Pace(60, lambda: now[0])
    assert [pace.turn(), pace.turn(), pace.turn()] == [0, 1, 2]
    now[0] = 110.0
    assert pace.turn() == 0
    pace.hold(30)
    pace.hold(5)
    assert pace.turn() == 30
    free = Pace(None, lambda: now[0])
    assert [free.turn(), free.turn()] == [0, 0]


def test_a_busy_endpoint_that_answers_others_is_not_down() -> None:
    with FakeJudge(per_minute=2) as server:
        judge = judge_of(server, tries=2, concurrency=12)
        verdicts = judge.ask(calls(*(f"{GOOD} {number}" for number in range(12))), RELEVANCE)
    assert outcomes(verdicts) == ["yes"] * 12


@given(st.text(max_size=300), st.text(max_size=300))
def test_the_most_is_never_less_than_the_likely_and_grows_with_the_text(one: str, two: str) -> None:
    def messages(text: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": text}]

    cost = likely(API, messages(one))
    assert 0 < cost.likely <= cost.most == most_usd(API, messages(one))
    assert most_usd(API, messages(one + two)) >= most_usd(API, messages(one))
    assert most_usd(API, messages(one), {"type": "object"}) > most_usd(API, messages(one))


def test_costs_add_up() -> None:
    assert Cost(1, 0.5, 2.0) + Cost(2, 1.0, 3.0) == Cost(3, 1.5, 5.0)
    assert Cost(3, 1.5, 5.0).times(2) == Cost(6, 3.0, 10.0)


def test_many_threads_cannot_take_more_than_a_purse_holds() -> None:
    purse = Purse(1.0)
    taken: list[bool] = []
    threads = [threading.Thread(target=lambda: taken.extend(purse.reserve(0.3) for _ in range(5))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 3
    purse.settle(0.3, 0.1)
    assert purse.spent_usd == pytest.approx(0.7)


def test_forms_get_weaker_once_for_all_threads() -> None:
    forms = Forms(API)
    first = forms.current
    assert forms.weaken(first, ())
    second = forms.current
    assert second == Form("json_schema", logprobs=False)
    assert forms.weaken(first, ())
    assert forms.current == second
    forms.taken(second)
    assert not forms.weaken(second, ())
    assert forms.current == second
