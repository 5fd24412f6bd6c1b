"""The tables of the documentation, made from the code: `python -m monitor.documentation` writes them into `docs/`."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from config.calls import CALL_COLUMNS, FEEDBACK_COLUMNS, Column
from detectors.catalogue import MEASUREMENTS, MeasurementSpec
from detectors.descriptors import DESCRIPTORS, SENTIMENT
from detectors.golden import GOLDEN
from detectors.judge_catalogue import JUDGED
from detectors.text_catalogue import TEXTS
from monitor.counters import COUNTERS, TIMERS

DOCS = Path(__file__).parent.parent / "docs"


def measurements() -> str:
    """Every measurement with its gauge, labels and unit."""
    head = "| measurement | Prometheus gauge | labels | unit | meaning | needs |\n|---|---|---|---|---|---|"
    return "\n".join([head, *(_measurement(spec) for spec in MEASUREMENTS)])


def text_measurements() -> str:
    """The same for the measurements of texts."""
    head = "| measurement | Prometheus gauge | labels | unit | meaning | needs |\n|---|---|---|---|---|---|"
    return "\n".join([head, *(_measurement(spec) for spec in TEXTS)])


def judge_measurements() -> str:
    """The same for the measurements of the judge."""
    head = "| measurement | Prometheus gauge | labels | unit | meaning |\n|---|---|---|---|---|"
    return "\n".join([head, *(_measurement(spec).rsplit("|", 2)[0] + "|" for spec in JUDGED)])


def golden_measurements() -> str:
    """The same for the measurements of the golden set."""
    head = "| measurement | Prometheus gauge | labels | unit | meaning |\n|---|---|---|---|---|"
    return "\n".join([head, *(_measurement(spec).rsplit("|", 2)[0] + "|" for spec in GOLDEN)])


def descriptors() -> str:
    """What is described of a text."""
    head = "| descriptor | kind | meaning |\n|---|---|---|"
    return "\n".join(
        [head, *(f"| `{each.name}` | {each.kind} | {each.meaning} |" for each in (*DESCRIPTORS, SENTIMENT))]
    )


def own_metrics() -> str:
    """What the service counts about itself."""
    head = "| metric | labels | meaning |\n|---|---|---|"
    counters = [f"| `watchkeeper_{each.name}_total` | {_code(each.labels)} | {each.meaning} |" for each in COUNTERS]
    timers = [f"| `watchkeeper_{each.name}` (histogram) | {_code(each.labels)} | {each.meaning} |" for each in TIMERS]
    return "\n".join([head, *counters, *timers])


def columns(table: tuple[Column, ...]) -> str:
    """A canonical table, a column a line."""
    head = "| column | type | unit | meaning | without it |\n|---|---|---|---|---|"
    return "\n".join([head, *(_column(column) for column in table)])


def tables() -> Mapping[str, Mapping[str, str]]:
    """The generated blocks, by file and by the name between its markers."""
    return {
        "measurements.md": {
            "measurements": measurements(),
            "texts": text_measurements(),
            "descriptors": descriptors(),
            "own-metrics": own_metrics(),
        },
        "golden.md": {"golden": golden_measurements()},
        "judge.md": {"judge": judge_measurements()},
        "log-format.md": {"calls": columns(CALL_COLUMNS), "feedback": columns(FEEDBACK_COLUMNS)},
    }


def filled(text: str, blocks: Mapping[str, str]) -> str:
    """The text of a page with its blocks replaced by what the code says now.

    Raises:
        ValueError: the page lacks the markers of a block.
    """
    for name, block in blocks.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"the page has no markers <!-- {name} --> … <!-- /{name} -->")
        text = pattern.sub(lambda match, block=block: match[1] + block + match[2], text)  # type: ignore[misc]
    return text


def _measurement(spec: MeasurementSpec) -> str:
    labels = ", ".join(f"`{name}` = {', '.join(values) or 'any'}" for name, values in spec.labels)
    needs = " and ".join(" or ".join(f"`{column}`" for column in any_of) for any_of in spec.needs)
    return f"| `{spec.name}` | `llm_{spec.name}` | {labels} | {spec.unit} | {spec.meaning} | {needs} |"


def _column(column: Column) -> str:
    without = "the record is kept aside" if column.required else "; ".join(column.feeds)
    return f"| `{column.name}` | {column.type} | {column.unit} | {column.meaning} | {without} |"


def _code(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main() -> int:
    """Writes the blocks."""
    for name, blocks in tables().items():
        page = DOCS / name
        page.write_text(filled(page.read_text(), blocks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
