"""The report as one HTML file that opens offline, and as JSON beside it."""

import base64
import hashlib
import os
import re
import tempfile
from functools import cache
from pathlib import Path

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from detectors.measurement import Segment
from monitor import formats
from monitor.clean import clean_text
from monitor.page import PAGES, place, style
from monitor.report import chart, picture
from monitor.report.drift_values import sized
from monitor.report.values import Effect, Report, ReportError

MOST_FRAMES = 4  # of Evidently's pages, of four megabytes each

_SCRIPT = re.compile(r"<script[^>]*>(.*?)</script>", re.DOTALL)


def render(report: Report) -> str:
    """The page. The only scripts in it are Evidently's, in frames that reach nothing else."""
    shown = [each for each in report.parts if each.evidently is not None]
    pages = [each.evidently.html.replace("\r\n", "\n") for each in shown if each.evidently is not None]
    pages = [page if number < MOST_FRAMES else "" for number, page in enumerate(pages)]
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            evidently=list(zip(shown, pages, strict=True)),
            policy=policy(pages),
            width=picture.WIDTH,
            height=picture.HEIGHT,
        )
    )


def policy(pages: list[str]) -> str:
    """What a browser may do with the report: nothing from elsewhere, and no script but those of these pages.

    Frames inherit it, and a hostile text that got past the escaping would still not run.
    """
    scripts = dict.fromkeys(script for page in pages for script in _SCRIPT.findall(page) if script.strip())
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes or chr(39) + 'none' + chr(39)}; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
    )


def as_json(report: Report) -> bytes:
    """What stands beside the page."""
    return orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2)


def write(report: Report, path: Path) -> Path:
    """Writes the page and, beside it, its JSON, each whole or not at all; returns where the JSON is.

    Raises:
        ReportError: it cannot be written there.
    """
    beside = path.with_suffix(".json")
    if beside == path:
        raise ReportError(f"{path}: the page needs another name than the JSON beside it: end it in .html")
    try:
        replace_file(beside, as_json(report))
        replace_file(path, render(report).encode())
    except OSError as error:
        raise ReportError(f"cannot write {path}: {error.strerror or error}") from error
    return beside


def replace_file(path: Path, content: bytes) -> None:
    """Writes a file whole, or not at all.

    Raises:
        OSError: it cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # A report holds texts of users: readable as other new files are, no wider.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(
        style=Markup(style()), path=picture.path, triangles=picture.triangles, chart=chart.chart, chart_size=chart.SIZE
    )
    environment.filters.update(
        amount=amount,
        clock=formats.clock,
        count=formats.count,
        duration=formats.duration,
        number=formats.number,
        percent=formats.percent,
        part=part,
        points=points,
        deviations=deviations,
        sized=sized,
        place=lambda labels: place(Segment(tuple(sorted(labels.items())))),
        text=lambda text: clean_text(text, 500),
        interval=interval,
    )
    return environment


def points(value: float) -> str:
    """A difference of ratios: `+3.1 %`."""
    return f"{value * 100:+.3g} %".replace("-", "\N{MINUS SIGN}")


def deviations(value: float) -> str:
    """A shift of a mean: `+0.42 sd`."""
    return f"{value:+.2f} sd".replace("-", "\N{MINUS SIGN}")


def part(value: float | None) -> str:
    """A part of an effect: `68 %`."""
    return "–" if value is None else f"{round(100 * value):d} %".replace("-", "\N{MINUS SIGN}")


def amount(value: float | None, unit: str) -> str:
    """An effect as it is shown."""
    if value is None:
        return "–"
    shown = {"ratio": formats.percent, "points": points, "deviations": deviations}.get(unit, formats.number)
    return shown(value).replace("-", "\N{MINUS SIGN}")


def interval(effect: Effect) -> str:
    """The interval of an effect; empty where there is none."""
    if effect.lower is None or effect.upper is None:
        return ""
    return f"{amount(effect.lower, effect.unit)} to {amount(effect.upper, effect.unit)}"
