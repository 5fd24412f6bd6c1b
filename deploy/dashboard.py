"""Makes the Grafana dashboard: `python -m deploy.dashboard` in the project's folder writes the committed JSON file.

A test compares the file with this code, and every query with the list of measurements.
"""

from pathlib import Path
from string import ascii_uppercase

from grafana_foundation_sdk.builders import common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
    TextBoxVariable,
    ThresholdsConfig,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from config.calls import GROUPING_COLUMNS

FILE = Path(__file__).parent / "grafana" / "dashboards" / "watchkeeper.json"
PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${datasource}")
Panel = stat.Panel | table.Panel | timeseries.Panel


def segments(*columns: str) -> str:
    """The matchers of a grouping: its columns are set and all others absent, so that no call is counted twice."""
    matchers = ['source="$source"']
    matchers += [f'{column}!=""' if column in columns else f'{column}=""' for column in GROUPING_COLUMNS]
    return ",".join(matchers)


WHOLE, BY_MODEL = segments(), segments("service", "model")


def query(expression: str, legend: str, letter: str = "A") -> prometheus.Dataquery:
    """A range query with the names of its lines; `letter` tells it from the others of its panel."""
    return prometheus.Dataquery().ref_id(letter).expr(expression).legend_format(legend).range()


def number(title: str, expression: str, unit: str, alarm: float | None = None) -> stat.Panel:
    """One number with its recent course; red from `alarm` on."""
    steps = [Threshold(color="green")]
    if alarm is not None:
        steps.append(Threshold(value=alarm, color="red"))
    return (
        stat.Panel()
        .title(title)
        .datasource(PROMETHEUS)
        .unit(unit)
        .no_value("–")
        .thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .graph_mode(options.BigValueGraphMode.AREA if alarm is None else options.BigValueGraphMode.NONE)
        .color_mode(options.BigValueColorMode.VALUE)
        .with_target(query(expression, title))
        .height(4)
        .span(4)
    )


def chart(title: str, unit: str, *lines: tuple[str, str]) -> timeseries.Panel:
    """Lines over time; a gap stays a gap, because a window without calls has no latency."""
    panel = (
        timeseries.Panel()
        .title(title)
        .datasource(PROMETHEUS)
        .unit(unit)
        .axis_soft_min(0)
        .fill_opacity(8)
        .line_width(1)
        .span_nulls(False)
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI))
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(options.LegendDisplayMode.LIST)
            .placement(options.LegendPlacement.BOTTOM)
        )
        .height(8)
        .span(12)
    )
    for letter, (expression, legend) in zip(ascii_uppercase, lines, strict=False):
        panel = panel.with_target(query(expression, legend, letter))
    return panel


def alerts() -> table.Panel:
    """What is wrong now, as a table."""
    hidden = dict.fromkeys(("Time", "Value", "__name__", "instance", "job"), True)
    return (
        table.Panel()
        .title("Alerts now")
        .datasource(PROMETHEUS)
        .with_target(
            prometheus.Dataquery()
            .ref_id("A")
            .expr('watchkeeper_alerts{source=~"$source|watchkeeper"}')
            .instant()
            .format(PromQueryFormat.TABLE)
            .legend_format("")
        )
        .with_transformation(DataTransformerConfig(id_val="organize", options={"excludeByName": hidden}))
        .no_value("none")
        .height(8)
        .span(24)
    )


def whole(title: str, unit: str, legend: str, name: str) -> timeseries.Panel:
    """One measurement of the whole source."""
    return chart(title, unit, (f"llm_{name}{{{WHOLE}}}", legend))


def by_model(title: str, unit: str, name: str, labels: str = "") -> timeseries.Panel:
    """One measurement, a line for each service and model."""
    return chart(title, unit, (f"llm_{name}{{{BY_MODEL}{labels}}}", "{{service}} {{model}}"))


def now() -> list[Panel]:
    """Answers: is something wrong?"""
    firing = 'sum(watchkeeper_alerts{source=~"$source|watchkeeper",state!="pending"}) or vector(0)'
    p95 = f'{{{WHOLE},percentile="95"}}'
    return [
        number("Alerts", firing, "short", alarm=1),
        number("Calls per second", f"llm_calls_per_second{{{WHOLE}}}", "reqps"),
        number("Errors", f"llm_error_ratio{{{WHOLE}}}", "percentunit"),
        number("Latency p95", f"llm_latency_seconds{p95}", "s"),
        number("First token p95", f"llm_time_to_first_token_seconds{p95}", "s"),
        number("Cost of the window", f"llm_cost_usd{{{WHOLE}}}", "currencyUSD"),
        alerts(),
    ]


def traffic() -> list[Panel]:
    """The whole of the source."""
    ratios = ("truncated", "empty", "refusal", "cancelled")
    return [
        whole("Calls per second", "reqps", "calls", "calls_per_second"),
        whole("Failed calls in the window", "short", "{{error_type}}", "failed_calls"),
        whole("Latency", "s", "{{percentile}}", "latency_seconds"),
        whole("Time to first token", "s", "{{percentile}}", "time_to_first_token_seconds"),
        whole("Tokens per second", "short", "{{type}}", "tokens_per_second"),
        whole("Time per output token", "s", "{{percentile}}", "time_per_output_token_seconds"),
        chart("Answers", "percentunit", *((f"llm_{ratio}_ratio{{{WHOLE}}}", ratio) for ratio in ratios)),
        whole("Positive feedback", "percentunit", "{{key}}", "feedback_positive_ratio"),
        whole("Trace latency", "s", "{{percentile}}", "trace_latency_seconds"),
        whole("Trace success", "percentunit", "success", "trace_success_ratio"),
    ]


def cuts() -> list[Panel]:
    """The same, cut by service and by model."""
    by_service = segments("service")
    return [
        chart("Calls per second by service", "reqps", (f"llm_calls_per_second{{{by_service}}}", "{{service}}")),
        chart("Error ratio by service", "percentunit", (f"llm_error_ratio{{{by_service}}}", "{{service}}")),
        by_model("Error ratio by model", "percentunit", "error_ratio"),
        by_model("Latency p95 by model", "s", "latency_seconds", ',percentile="95"'),
        by_model("Cost of the window by model", "currencyUSD", "cost_usd"),
        by_model("Output tokens per second by model", "short", "tokens_per_second", ',type="output"'),
    ]


def texts() -> list[Panel]:
    """What is said of the texts, a line for each service that is read, stream and baseline."""
    legend = "{{service}} {{stream}} ({{baseline}})"

    def lines(name: str, labels: str = "") -> tuple[str, str]:
        return f'llm_{name}{{source="$source"{labels}}}', legend

    evidence, by_channel = (f'llm_drift_evidence{{source="$source",channel{how}"all"}}' for how in ("=", "!="))
    return [
        limited(chart("Drift evidence", "short", (evidence, legend)), 1.0),
        chart("Drift evidence by channel", "short", (by_channel, f"{legend} {{{{channel}}}}")),
        chart("Out of distribution", "percentunit", lines("out_of_distribution_ratio")),
        chart(
            "Effect of drift",
            "short",
            (lines("embedding_drift")[0], f"{legend} {{{{effect}}}}"),
            (lines("model_drift")[0], "{{service}} model ({{baseline}})"),
        ),
        chart("Topics", "percentunit", (lines("topic_share")[0], "{{service}} {{stream}} {{topic}}")),
        chart(
            "Unknown words and templates",
            "percentunit",
            (lines("out_of_vocabulary_ratio")[0], f"{legend} unknown words"),
            (lines("template_ratio")[0], f"{legend} {{{{kind}}}} template"),
        ),
        chart(
            "Length", "short", (lines("descriptor_mean", ',descriptor="tokens"')[0], "{{service}} {{stream}} tokens")
        ),
        chart("Form", "percentunit", (lines("descriptor_ratio")[0], "{{service}} {{stream}} {{descriptor}}")),
    ]


def judged() -> list[Panel]:
    """What the judges say, with its interval, and how the judges themselves are."""
    legend = "{{service}} {{criterion}} {{judge}} corrected={{corrected}}"

    def lines(name: str, says: str) -> tuple[str, str]:
        return f'llm_judge_{name}{{source="$source"}}', says

    who = "{{criterion}} {{judge}}"
    return [
        chart(
            "Answers that fail, judged",
            "percentunit",
            lines("fail_ratio", legend),
            lines("fail_ratio_lower", f"{legend} at least"),
            lines("fail_ratio_upper", f"{legend} at most"),
        ),
        chart("Score of the judge", "short", lines("score", who)),
        chart("Pairs won", "percentunit", lines("win_ratio", "{{comparison}} {{criterion}} {{judge}}")),
        chart(
            "The judge itself",
            "percentunit",
            lines("error_ratio", f"{who} errors"),
            lines("parse_failure_ratio", f"{who} no verdict on offer"),
            lines("abstention_ratio", f"{who} cannot tell"),
            lines("skipped_ratio", f"{who} not asked"),
            lines("canary_ratio", "{{judge}} canaries right"),
        ),
        chart(
            "The judge and people",
            "short",
            lines("kappa", f"{who} agreement"),
            lines("sensitivity", f"{who} failures found"),
            lines("specificity", f"{who} good answers passed"),
        ),
        chart("What judging costs", "currencyUSD", lines("cost_usd", who)),
    ]


def limited(panel: timeseries.Panel, limit: float) -> timeseries.Panel:
    """With a line where alarms begin."""
    steps = [Threshold(color="transparent"), Threshold(value=limit, color="red")]
    return panel.thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)).thresholds_style(
        common.GraphThresholdsStyleConfig().mode(options.GraphTresholdsStyleMode.DASHED)
    )


def annotations() -> list[AnnotationQuery]:
    """What happened, on every chart: events and changes of models, and how long alerts fired."""
    mine = 'source=~"$source|watchkeeper|"'
    return [
        AnnotationQuery()
        .name("Alerts")
        .datasource(PROMETHEUS)
        .enable(True)
        .icon_color("red")
        .expr(f'watchkeeper_alerts{{{mine},state="firing"}}'),
        AnnotationQuery()
        .name("Events")
        .datasource(PROMETHEUS)
        .enable(True)
        .icon_color("purple")
        # An event stands where its time is passed: the metric holds for as long as the event is known.
        .expr(f"time() - watchkeeper_event_timestamp_seconds{{{mine}}} < 120"),
    ]


def health() -> list[Panel]:
    """Watchkeeper itself."""
    of_source = '{source="$source"}'
    cycles = [f"rate(watchkeeper_cycle_seconds_{part}{of_source}[5m])" for part in ("sum", "count")]
    aside = f"sum by (reason) (rate(watchkeeper_quarantined_total{of_source}[5m]))"
    delivered = "sum by (channel, outcome) (increase(watchkeeper_deliveries_total[1h])) > 0"
    return [
        chart(
            "Behind the clock",
            "s",
            (f"watchkeeper_source_lag_seconds{of_source}", "lag"),
            (f"time() - llm_window_end_timestamp_seconds{of_source}", "newest window of {{length}} s"),
        ),
        chart(
            "Calls read per second",
            "short",
            (f"rate(watchkeeper_rows_total{of_source}[5m])", "new"),
            (aside, "kept aside: {{reason}}"),
            (f"rate(watchkeeper_late_changed_total{of_source}[5m])", "windows changed by late calls"),
        ),
        chart("Time of a cycle", "s", (" / ".join(cycles), "mean")),
        chart(
            "Deliveries in an hour",
            "short",
            (delivered, "{{channel}} {{outcome}}"),
            ("watchkeeper_outbox_pending", "{{channel}} waiting"),
        ),
    ]


def build() -> str:
    """The dashboard as JSON."""
    board = (
        Dashboard("Watchkeeper: LLM traffic")
        .uid("watchkeeper-traffic")
        .description("The gauges of Watchkeeper: the newest closed window of each source and segment.")
        .tags(["llm", "watchkeeper"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .with_variable(DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(
            QueryVariable("source")
            .label("Source")
            .datasource(PROMETHEUS)
            .query("label_values(watchkeeper_rows_total, source)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(VariableSort.ALPHABETICAL_ASC)
        )
    )
    # Reports hold texts of users: they are on Watchkeeper's own page, behind its token where it has one.
    board = board.with_variable(
        TextBoxVariable("watchkeeper").label("Watchkeeper").default_value("http://localhost:9464")
    ).link(
        DashboardLink("Status page and reports")
        .type(DashboardLinkType.LINK)
        .url("${watchkeeper}")
        .icon("external link")
        .target_blank(True)
        .tooltip("The page of the service: alerts in words, drift reports")
    )
    for each in annotations():
        board = board.annotation(each)
    for title, panels in (
        ("Now", now()),
        ("The whole source", traffic()),
        ("By service and model", cuts()),
        ("Texts and drift", texts()),
        ("Judged", judged()),
        ("Watchkeeper itself", health()),
    ):
        board = board.with_row(Row(title))
        for panel in panels:
            board = board.with_panel(panel)
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"


if __name__ == "__main__":
    FILE.write_text(build(), encoding="utf-8")
