"""Can numbers be believed that come from judges which are wrong, labels which are few, samples which are not even?

Simulated judges whose sensitivity and specificity are known, each cell thousands of times; recorded verdicts of real
judges beside published figures and human labels (AlpacaEval, PandaLM, HaluEval); and the same replies read by others.

    python -m benchmarks.judge --data ../shared/data
"""

import argparse
import sys
from pathlib import Path

from benchmarks.bars import Bars, require
from benchmarks.judge import other_labels, over_time, pairs, recorded, replies, same_period


def main() -> int:
    """Measures, and compares with the bars."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Folder with alpaca_eval, pandalm and halueval.")
    parser.add_argument("--runs", type=int, default=2_000, help="Of each cell that is not computed all at once.")
    options = parser.parse_args()
    require(recorded.files(options.data), recorded.ORIGIN)
    bars = Bars()
    same_period.report(bars)
    other_labels.report(bars, options.runs)
    over_time.report(bars)
    pairs.report(bars, options.runs)
    recorded.report(bars, options.data)
    replies.report(bars)
    return bars.status


if __name__ == "__main__":
    sys.exit(main())
