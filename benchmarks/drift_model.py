"""Does a change of the model show, and a change of the prompts not?

Pairs of CLINC150: the prompt is a text, the response another text of the same intent; wrong ones are of another intent.
Windows of 200 beside the 12,000 pairs that a baseline keeps; 28 days of them as calibration, their mix of domains
following the day. And the answers of successive models to the prompts of AlpacaEval: half of the prompts with the
answers of the model before as reference, windows of 200 of the other half. Texts are jittered, so none is recognised
by its bytes, and the detectors are those that are shipped, at one false alarm in 30 days.

    python -m benchmarks.drift_model --data ../shared/data [--seeds 3] [--cache DIR]    # five minutes once embedded
"""

import argparse
import gzip
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bars import Bars, require
from benchmarks.drift.pairs import (
    BASELINE,
    DAYS,
    HORIZON,
    HOUR_S,
    TEXTS,
    Seen,
    anything,
    at,
    count_alarms,
    delay,
    shares,
)
from benchmarks.drift.world import DOMAINS, Fitted, jittered, paths
from benchmarks.texts import ORIGIN, Data, Rows, clinc, embed
from detectors.drift import calibrate, detector
from detectors.drift.conditional import CHANNELS
from detectors.drift.conditional import calibrate as calibrate_pairs
from detectors.drift.judged import Judged
from detectors.drift.observed import observe
from detectors.drift.pairs import Pairs
from detectors.neighbours import Indices

MODELS = ("gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-1106", "gpt-3.5-turbo-1106_concise")
ALPACA = "published as tatsu-lab/alpaca_eval on GitHub (results/*/model_outputs.json)"
LIVE, REPEATS = 6_000, 30
MIX = 0.6
REFERENCE, JITTERS, TRIES = 12_000, 2, 500
BUDGET = LIVE / 24 / DAYS


def main() -> int:
    """Measures, and compares with the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Folder with clinc_oos and alpaca_eval.")
    parser.add_argument("--cache", type=Path, help="Folder that keeps embeddings for the next run.")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    folder = options.data / "alpaca_eval"
    require(paths(options.data), ORIGIN)
    require([folder / "instructions.jsonl.gz", *(_answers(folder, model) for model in MODELS)], ALPACA)
    bars = Bars()
    data = Data(options.data, options.cache)
    report_intents(bars, [intents(data, seed) for seed in range(options.seeds)])
    vectors = alpaca(data)
    for before, after in pairwise(MODELS):
        report_swap(bars, (before, after), [swap(vectors, before, after, seed) for seed in range(options.seeds)])
    return bars.status


def intents(data: Data, seed: int) -> dict[str, Any]:
    """Shares of windows with a p-value of at most 1 %, false alarms, delays."""
    random, splits = np.random.default_rng(seed), clinc(data.folder)
    rows = [row for name in ("train", "val", "test") for row in splits[name]]
    vectors = np.concatenate([data.embed(splits[name]) for name in ("train", "val", "test")])
    by_domain: Mapping[str, list[str]] = json.loads((data.folder / DOMAINS).read_text())
    number = {intent: i for i, name in enumerate(sorted(by_domain)) for intent in by_domain[name]}
    _, intent = np.unique([name for _, name in rows], return_inverse=True)
    domain = np.array([number[name] for _, name in rows])
    order = random.permutation(len(rows))
    reference, pool = order[:REFERENCE], order[REFERENCE:]
    pairs = Pairs.of(vectors[reference], vectors[_same(intent, reference, random)])
    held_out = pairs.see(jittered(vectors[pool], random), vectors[pool]).strange

    def see(answers: Indices) -> Seen:
        prompts = np.tile(pool, len(answers) // len(pool))
        found = pairs.see(jittered(vectors[prompts], random), jittered(vectors[answers], random))
        return Seen.of(found, held_out, domain[prompts])

    def right() -> Indices:
        return np.concatenate([_same(intent, pool, random) for _ in range(JITTERS)])

    before, now, wrong = see(right()), see(right()), see(random.permutation(pool))
    calibration = calibrate_pairs(HOUR_S, list(_daily(before, 0, BASELINE, random)))
    found: dict[str, Any] = {
        "nothing": shares(calibration, now, [anything(now, random) for _ in range(TRIES)]),
        "mix": shares(calibration, now, [_mixed(now, each % 10, random) for each in range(TRIES)]),
    }
    both, first_wrong = now + wrong, len(now.domain)
    for share in (0.05, 0.1):
        found[f"{share:.0%} wrong"] = shares(
            calibration, both, [_wrong(both, first_wrong, share, random) for _ in range(TRIES)]
        )
        found[f"delay, {share:.0%} wrong"] = [
            delay(calibration, both, partial(_wrong, both, first_wrong, share, random)) for _ in range(REPEATS)
        ]
    found["delay, mix"] = [delay(calibration, now, partial(_mixed, now, each % 10, random)) for each in range(REPEATS)]
    found["alarms"], found["slow"] = count_alarms(calibration, _daily(now, BASELINE, LIVE, random))
    return found


def _same(intent: Indices, rows: Indices, random: np.random.Generator) -> Indices:
    """For each row another one of the same intent."""
    found = np.empty(len(rows), np.intp)
    for each in np.unique(intent[rows]):
        mine = np.flatnonzero(intent[rows] == each)
        turned = random.permutation(mine)
        found[turned] = rows[np.roll(turned, 1)]
    return found


def _daily(seen: Seen, first: int, count: int, random: np.random.Generator) -> Iterator[Judged]:
    """Windows whose mix of domains follows the day."""
    members = [np.flatnonzero(seen.domain == each) for each in range(10)]
    for number in range(first, first + count):
        weights = np.exp(np.sin(2 * np.pi * (number % 24 / 24 + np.arange(10) / 10)))
        counts = random.multinomial(TEXTS, weights / weights.sum())
        rows = np.concatenate([random.choice(mine, k) for mine, k in zip(members, counts, strict=True)])
        yield seen.window(at(number), rows)


def _mixed(seen: Seen, domain: int, random: np.random.Generator) -> Indices:
    one = random.choice(np.flatnonzero(seen.domain == domain), int(MIX * TEXTS))
    return np.concatenate([one, anything(seen, random)[len(one) :]])


def _wrong(both: Seen, right: int, share: float, random: np.random.Generator) -> Indices:
    is_wrong = random.random(TEXTS) < share
    return np.where(is_wrong, random.integers(right, len(both.domain), TEXTS), random.integers(right, size=TEXTS))


def report_intents(bars: Bars, found: Sequence[Mapping[str, Any]]) -> None:
    """Means over seeds."""

    def mean(name: str) -> dict[str, float]:
        return {key: round(float(np.mean([each[name][key] for each in found])), 3) for key in (*CHANNELS, "any")}

    bars.check("windows at level 1 %, nothing changed", mean("nothing"), "printed", passed=True)
    value = mean("mix")
    bars.check("windows at level 1 %, 60 % of one domain", value, {"each": 0.05}, max(value.values()) <= 0.05)
    alarmed = float(np.mean(np.concatenate([each["delay, mix"] for each in found]) <= HORIZON))
    bars.check("alarms within 72 windows, 60 % of one domain", round(alarmed, 3), 0.1, alarmed <= HORIZON / 24 / DAYS)
    for name, bar in (("5% wrong", 0.55), ("10% wrong", 0.95)):
        value = mean(name)
        bars.check(f"windows at level 1 %, {name}", value, {"stranger": bar}, value["stranger"] >= bar)
        delays = np.concatenate([each[f"delay, {name}"] for each in found])
        told = {"median": float(np.median(delays)), "90th percentile": float(np.quantile(delays, 0.9))}
        bars.check(f"windows to the alarm, {name}", told, "printed", passed=True)
    counts = [int(each["alarms"] + each["slow"]) for each in found]
    fine = float(np.mean(counts)) <= BUDGET and max(counts) <= 2 * BUDGET
    alarms = {"all": counts, "of whole days": [each["slow"] for each in found]}
    bars.check(
        f"false alarms in {LIVE} windows", alarms, {"mean": round(BUDGET, 1), "worst": round(2 * BUDGET, 1)}, fine
    )


def alpaca(data: Data) -> dict[str, Rows]:
    """Vectors of the prompts (`prompt`) and of each model's answers to them."""
    folder = data.folder / "alpaca_eval"
    asked = _lines(folder / "instructions.jsonl.gz")
    found = {"prompt": embed([each["instruction"] for each in asked], data.cache)}
    for model in MODELS:
        by_id = {each["id"]: each["output"] for each in _lines(_answers(folder, model))}
        found[model] = embed([by_id[each["id"]] for each in asked], data.cache)
    return found


def _answers(folder: Path, model: str) -> Path:
    return folder / "outputs" / f"{model}.jsonl.gz"


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().split("\n") if line]


def swap(vectors: Mapping[str, Rows], before: str, after: str, seed: int) -> dict[str, Any]:
    """How soon each stream alarms when another model answers the same prompts, and how often when none does."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(vectors["prompt"]))
    reference, pool = order[: len(order) // 2], np.tile(order[len(order) // 2 :], 4)
    pairs = Pairs.of(vectors["prompt"][reference], vectors[before][reference])
    prompts = jittered(vectors["prompt"][pool], random), jittered(vectors["prompt"][pool], random)
    held_out = pairs.see(prompts[0], prompts[0]).strange

    def see(model: str, asked: Rows) -> Seen:
        found = pairs.see(asked, jittered(vectors[model][pool], random))
        return Seen.of(found, held_out, np.zeros(len(pool), np.intp))

    usual, same, other = see(before, prompts[0]), see(before, prompts[1]), see(after, prompts[1])
    calibration = calibrate_pairs(HOUR_S, [usual.window(at(t), anything(usual, random)) for t in range(BASELINE)])

    def run(seen: Seen) -> list[int]:
        return [delay(calibration, seen, partial(anything, seen, random)) for _ in range(REPEATS)]

    moved = (other.pairs.surprise[other.known].mean() - same.pairs.surprise[same.known].mean()) / calibration.spread
    return {
        "same": run(same),
        "other": run(other),
        "moved": float(moved),
        "level": shares(calibration, other, [anything(other, random) for _ in range(TRIES)]),
        "prompt": _prompt_alarms(vectors["prompt"][reference], prompts, random),
    }


def _prompt_alarms(reference: Rows, pools: tuple[Rows, Rows], random: np.random.Generator) -> int:
    """In how many repeats the detector of prompts alarms: the prompts are the same before and after."""
    words = ["a prompt"] * len(reference)  # what can be counted in a text does not change either
    fitted = Fitted.fit(reference, words, pools[0], 0)
    seen = [fitted.see(each, ["a prompt"] * len(each)) for each in pools]
    radius = fitted.reference.radius

    def windows(pool: int, first: int, count: int) -> Iterator[Any]:
        for t in range(first, first + count):
            yield observe(at(t), seen[pool].rows(random.integers(len(pools[pool]), size=TEXTS)), radius)

    known = calibrate.calibrate(HOUR_S, list(windows(0, 0, BASELINE)), radius, fitted.reference.topics)
    count = 0
    for _ in range(REPEATS):
        state, alarmed = detector.begin(known), False
        for each in windows(1, BASELINE, HORIZON):
            state, reading = detector.step(known, detector.Test(DAYS), state, each)
            alarmed = alarmed or bool(reading.alarms)
        count += alarmed
    return count


def report_swap(bars: Bars, models: tuple[str, str], found: Sequence[Mapping[str, Any]]) -> None:
    """Whether the swap is seen where it should be, and only there."""
    name = " to ".join(models)
    other = np.concatenate([each["other"] for each in found])
    same = np.concatenate([each["same"] for each in found])
    value = {
        "windows to the alarm": float(np.median(other)),
        "90th percentile": float(np.quantile(other, 0.9)),
        "missed": float(np.mean(other > HORIZON)),
        "standard deviations": round(float(np.mean([each["moved"] for each in found])), 3),
        "windows at level 1 %": round(float(np.mean([each["level"]["any"] for each in found])), 3),
    }
    bars.check(f"{name}, response given prompt", value, {"missed": 0.0}, value["missed"] == 0)
    bars.check(f"{name}, no swap", alarmed := float(np.mean(same <= HORIZON)), 0.1, alarmed <= HORIZON / 24 / DAYS)
    prompts = sum(each["prompt"] for each in found) / (REPEATS * len(found))
    bars.check(f"{name}, prompt", prompts, 0.1, prompts <= HORIZON / 24 / DAYS)


if __name__ == "__main__":
    sys.exit(main())
