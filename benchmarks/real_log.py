"""A log of real calls, replayed from end to end: do the numbers equal the published ones, to the last call?

Arrivals and tokens are those of two services of Azure on 2023-11-16; latencies, times to first token and errors are
those of eleven runs of the LLMPerf leaderboard, put side by side into one hour. The log is read as JSON lines by
`watchkeeper replay`, with an error rule whose messages go to servers that follow the documented rules of Slack and
PagerDuty.

    python -m benchmarks.real_log --data ../shared/data
"""

import argparse
import csv
import gzip
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.bars import Bars, require

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from fake_pagerduty import FakePagerDuty
from fake_slack import FakeSlack

Json = dict[str, Any]

ORIGIN = "published as Azure/AzurePublicDataset (data/) and ray-project/llmperf-leaderboard (raw_data/) on GitHub"
TOTALS = {"code": (8_819, 18_059_974, 245_896), "conv": (19_366, 22_361_870, 4_088_665)}
FIRST = datetime(2023, 11, 16, 18, tzinfo=UTC)
RUNS_AT = datetime(2023, 11, 16, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
BETWEEN_CALLS = timedelta(seconds=20)
RELATIVE = 1e-12
FAILING_RUN = "perplexity_70b"

CONFIG = """
sources:
  real:
    kind: files
    paths: [log.jsonl]
    groupings: [[], [service], [model]]
rules:
  errors:
    measure: error_ratio
    by: [model]
    over: 1h
    above: 0.01
    min_calls: 100
    no_data: ok
    severity: critical
receivers:
  slack: {{kind: slack, token: "{token}", channel: alerts, api_url: "{slack}"}}
  pagerduty: {{kind: pagerduty, routing_key: "{key}", url: "{pagerduty}"}}
"""


def main() -> int:
    """Builds the log, replays it, compares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Folder with azure_llm_2023 and llmperf.")
    data: Path = parser.parse_args().data
    azure = {name: data / f"azure_llm_2023/AzureLLMInferenceTrace_{name}.csv.gz" for name in TOTALS}
    runs, summary = data / "llmperf/individual.jsonl.gz", data / "llmperf/summary.json.gz"
    require([*azure.values(), runs, summary], ORIGIN)
    published = json.loads(gzip.decompress(summary.read_bytes()))
    hours = dict.fromkeys(sorted(published), RUNS_AT)
    bars = Bars()
    with TemporaryDirectory() as folder, FakeSlack() as slack, FakePagerDuty() as pagerduty:
        calls = [*azure_calls(azure), *llmperf_calls(runs, hours)]
        (Path(folder) / "log.jsonl").write_text("".join(json.dumps(call) + "\n" for call in calls))
        config = Path(folder) / "watchkeeper.yaml"
        config.write_text(CONFIG.format(slack=slack.api_url, token=slack.token, pagerduty=pagerduty.base, key="k" * 32))
        lines = replay(config, RUNS_AT + 3 * HOUR)
        check_totals(bars, lines)
        check_runs(bars, lines, published, hours)
        check_messages(bars, lines, slack, pagerduty)
    return bars.status


def azure_calls(paths: dict[str, Path]) -> Iterator[Json]:
    """The calls of the two services: arrival and tokens."""
    for service, path in paths.items():
        with gzip.open(path, "rt") as file:
            for number, row in enumerate(csv.DictReader(file)):
                yield {
                    "id": f"{service}-{number}",
                    "started_at": row["TIMESTAMP"][:26] + "Z",
                    "service": service,
                    "input_tokens": int(row["ContextTokens"]),
                    "output_tokens": int(row["GeneratedTokens"]),
                }


def llmperf_calls(path: Path, hours: dict[str, datetime]) -> Iterator[Json]:
    """The calls of each run, spread over its hour."""
    for line in gzip.decompress(path.read_bytes()).decode().split("\n"):
        if not line:
            continue
        row = json.loads(line)
        run = f"{row['provider']}_{row['size']}"
        call: Json = {
            "id": f"{run}-{row['seq']}",
            "started_at": (hours[run] + row["seq"] * BETWEEN_CALLS).isoformat(),
            "service": "llmperf",
            "model": run,
            "latency_s": row["end_to_end_latency_s"],
            "ttft_s": row["ttft_s"],
        }
        if row["error_code"] is not None:
            code = int(row["error_code"])
            call |= {"error": row["error_msg"] or f"error code {code}", "status_code": code if code > 0 else None}
        yield call


def replay(config: Path, end: datetime) -> list[Json]:
    """What `watchkeeper replay --json --deliver` prints."""
    command = [sys.executable, "-m", "monitor", "replay", "--config", str(config), "--json", "--deliver"]
    command += ["--from", FIRST.isoformat(), "--to", end.isoformat()]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "NO_PROXY": "*"})
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return [json.loads(line) for line in done.stdout.split(b"\n") if line]


def check_totals(bars: Bars, lines: list[Json]) -> None:
    """Sums over all minutes must equal the published totals."""
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for line in lines:
        if line["type"] == "measurement" and line["length_s"] == 60 and list(line["segment"]) == ["service"]:
            name = "_".join([line["name"], *line["labels"].values()])
            sums[line["segment"]["service"], name] += line["value"] or 0
    for service, totals in TOTALS.items():
        for name, total in zip(("calls", "tokens_input", "tokens_output"), totals, strict=True):
            bars.equal(f"{service} {name}", int(sums[service, name]), total)


def check_runs(bars: Bars, lines: list[Json], published: dict[str, Json], hours: dict[str, datetime]) -> None:
    """Percentiles, means and error ratios of each run's hour must equal the published ones."""
    measured: dict[tuple[str, str, str], float | None] = {}
    for line in lines:
        if line["type"] == "measurement" and line["length_s"] == 3600 and list(line["segment"]) == ["model"]:
            run = line["segment"]["model"]
            if run in hours and line["start"] == hours[run].isoformat():
                measured[run, line["name"], line["labels"].get("percentile", "")] = line["value"]
    for run, values in published.items():
        for name, field in (("time_to_first_token_seconds", "ttft_s"), ("latency_seconds", "end_to_end_latency_s")):
            for percentile in ("50", "90", "95", "99", "mean"):
                key = f"results_{field}_{'mean' if percentile == 'mean' else f'quantiles_p{percentile}'}"
                bars.close(f"{run} {name} {percentile}", measured.get((run, name, percentile)), values[key], RELATIVE)
        bars.close(f"{run} error_ratio", measured.get((run, "error_ratio", "")), values["results_error_rate"], RELATIVE)


def check_messages(bars: Bars, lines: list[Json], slack: FakeSlack, pagerduty: FakePagerDuty) -> None:
    """The rule fires and resolves once, and both receivers are told of each once."""
    steps = [(line["segment"]["model"], line["to"]) for line in lines if line["type"] == "transition"]
    bars.equal("transitions", steps, [(FAILING_RUN, "firing"), (FAILING_RUN, "inactive")])
    actions = [json.loads(request.body)["event_action"] for request in pagerduty.requests]
    bars.equal("pagerduty events", actions, ["trigger", "resolve"])
    bars.equal("pagerduty open incidents", len(pagerduty.open_incidents), 0)
    roots = slack.roots
    bars.equal("slack triggers", len(roots), 1)
    bars.equal("slack triggers changed to resolved", [message.edits for message in roots], [1])
    bars.equal("slack resolves in the thread", [len(slack.replies(message)) for message in roots], [1])


if __name__ == "__main__":
    sys.exit(main())
