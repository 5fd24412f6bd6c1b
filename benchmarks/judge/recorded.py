"""Recorded verdicts of real judges: AlpacaEval's win rates, PandaLM's agreement with people, HaluEval's rate."""

import csv
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bars import Bars
from benchmarks.judge.cell import Judge, at_most, gather, measured, rounded
from benchmarks.judge.other_labels import limits
from detectors.intervals import wilson_of
from detectors.judge.agreement import kappa, table
from detectors.judge.estimate import by_labels_of_the_period
from detectors.judge.judged import Judged
from detectors.judge.unknown import Unknown
from detectors.judge.winrate import WinRate, win_rate

ORIGIN = "they are published in the repositories tatsu-lab/alpaca_eval, WeOpenML/PandaLM and RUCAIBox/HaluEval"
ALPACA = "alpaca_eval/judge_annotations.csv.gz"
BOARD = "alpaca_eval/published_data_AlpacaEval_2_weighted_alpaca_eval_gpt4_turbo_leaderboard.csv"
PANDA, HALU = "pandalm/testset_with_judges.jsonl.gz", "halueval/general_data.jsonl.gz"
WEIGHTED = "weighted_alpaca_eval_gpt4_turbo"

SEEDS, LABELS = 1_000, 200
NOISY = Judge(0.8, 0.9)


def files(folder: Path) -> list[Path]:
    """What is read."""
    return [folder / each for each in (ALPACA, BOARD, PANDA, HALU)]


def report(bars: Bars, folder: Path) -> None:
    """All three."""
    alpaca(bars, folder)
    panda(bars, folder)
    halu(bars, folder)


def alpaca(bars: Bars, folder: Path) -> None:
    """The leaderboard prints win rates and their standard errors with two decimals; verdicts carry five."""
    with gzip.open(folder / ALPACA, "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["judge"] == WEIGHTED]
    with (folder / BOARD).open() as file:
        published = {row[""]: row for row in csv.DictReader(file)}
    for model in sorted({row["model"] for row in rows}):
        scores = [_score(row["preference"]) for row in rows if row["model"] == model]
        found = win_rate(scores)
        assert isinstance(found, WinRate)
        value = {
            "win_rate": f"{100 * found.value:.2f}",
            "interval": [f"{100 * end:.2f}" for end in (found.lower, found.upper)],
            "wins, ties, losses": [found.wins, found.ties, found.losses],
            "unknown": found.unknown,
        }
        name = f"AlpacaEval 2: {model}"
        if model not in published:
            measured(bars, f"{name} (not on the leaderboard)", value)
            continue
        row = published[model]
        bar = {
            "win_rate": f"{float(row['win_rate']):.2f}",
            "wins, ties, losses": [int(row[each]) for each in ("n_wins", "n_draws", "n_wins_base")],
        }
        bars.check(name, value, bar, all(value[key] == each for key, each in bar.items()))


def _score(preference: str) -> float | None:
    """1 to 2, where 2 is a win."""
    return float(preference) - 1 if preference else None


def panda(bars: Bars, folder: Path) -> None:
    """999 pairs: two judges beside the majority of three people."""
    pairs = _lines(folder / PANDA)
    people = [Counter(pair[f"annotator{each}"] for each in (1, 2, 3)).most_common(1)[0][0] for pair in pairs]
    chatgpt = [_answer(pair["gpt_result"]) for pair in pairs]
    bars.equal("PandaLM: verdicts of GPT-3.5 that cannot be parsed", chatgpt.count(None), 25)
    # The files publish verdicts and no agreement. The bar of 0.693 is what comparing the words in them gives, where the
    # judge says "Tie" and people say 0, so that a tie agrees with nobody; what holds is the line with ties as ties.
    as_written = ["Tie" if each == 0 else each for each in chatgpt]
    for name, said, bar in (
        ("GPT-3.5, by the words of the files: ties agree with nobody", as_written, 0.693),
        ("GPT-3.5, ties are ties", chatgpt, None),
        ("PandaLM-7B", [_answer(pair["pandalm_result"]) for pair in pairs], 0.668),
    ):
        same, known = sum(a == b for a, b in zip(said, people, strict=True)), [each is not None for each in said]
        lower, upper = wilson_of(same, len(pairs))
        beyond = kappa(table(said, people))
        assert not isinstance(beyond, Unknown)
        value = {
            "agreement": round(same / len(pairs), 3),
            "interval": [round(lower, 3), round(upper, 3)],
            "kappa": [round(each, 3) for each in beyond],
            "among those with a verdict": round(same / sum(known), 3),
        }
        bars.check(f"PandaLM: {name}", value, bar, bar is None or value["agreement"] == bar)


def _answer(said: object) -> int | None:
    return {"1": 1, "2": 2, "0": 0, "Tie": 0}.get(str(said))


def halu(bars: Bars, folder: Path) -> None:
    """4,507 answers of which people called 815 hallucinated: a noisy judge of all, people on 200."""
    truth = np.array([row["hallucination"] == "yes" for row in _lines(folder / HALU)], np.float64)
    bars.equal("HaluEval: answers and failures", [len(truth), int(truth.sum())], [4_507, 815])
    rate, found, alone = float(truth.mean()), [], []
    for seed in range(SEEDS):
        random = np.random.default_rng([12, seed])
        asked = random.permutation(len(truth))[:LABELS]
        labels = np.full(len(truth), np.nan)
        labels[asked] = truth[asked]
        found.append(limits(by_labels_of_the_period(Judged.of(NOISY.verdicts(truth, random), labels))))
        failures = float(truth[asked].sum())
        alone.append((failures / LABELS, *wilson_of(failures, LABELS)))
    seen, human = gather(found), gather(alone)
    name = f"HaluEval: judge with q1 {NOISY.q1}, q0 {NOISY.q0}, {LABELS} labels, {SEEDS} seeds"
    coverage = seen.coverage(rate)
    bars.check(f"{name}: coverage", coverage, [0.93, 0.98], 0.93 <= coverage <= 0.98)
    at_most(bars, f"{name}: width (of the labels alone {human.width()})", seen.width(), 0.106)
    at_most(bars, f"{name}: bias", abs(seen.bias(rate)), 0.002)
    measured(bars, f"{name}: what the judge alone would say", rounded(NOISY.flags(rate)))


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]
