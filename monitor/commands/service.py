"""`run`: the service with its server."""

import logging
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from alerts.notifier import Notifier
from config.load import Loaded
from monitor import api_alerts, api_charts, api_judge, failing_page, label_page, report_page, silence_page
from monitor.clean import clean_text
from monitor.commands.common import CommandError, explain, load_or_explain, log_to_console
from monitor.commands.transitions import News, line
from monitor.daemon import Service, clock
from monitor.exporter import Exporter
from monitor.house import House
from monitor.labels.criteria import known_criteria
from monitor.labels.desk import LabelDesk
from monitor.opening import open_house, open_notifiers, state_directory
from monitor.report.api import routes
from monitor.report.jobs import Reports
from monitor.server import Server, ServerError
from monitor.snapshot import Snapshot
from monitor.sources.base import SourceError
from monitor.store.database import StoreError
from monitor.survey import survey

log = logging.getLogger("watchkeeper")

LOOK_EVERY = 5
LONGEST_RECORD = 500


def run(config: Path) -> int:
    """Runs until it is stopped; exit status 1 when it had to end by itself."""
    log_to_console()
    try:
        loaded = load_or_explain(config)
        house, notifiers = open_all(loaded)
        service = Service(house, notifiers)
        server = serve(service, state_directory(loaded))
    except (CommandError, StoreError, SourceError, ServerError, ValueError) as error:
        return explain(error)
    log.info("metrics on %s/metrics, status page on %s/", server.url, server.url)
    news = News(house.database)
    news.take()  # what was before this start is no news
    service.every(LOOK_EVERY, lambda: log_alerts(news), "log")
    service.start()
    service.wait()
    log.info("stopping")
    server.stop()
    service.stop()
    if service.failure:
        log.error(service.failure)
    return 1 if service.failure else 0


def log_alerts(news: News) -> None:
    """A record for each alert that begins, changes or ends; not of those in the past that nobody is told of."""
    for row in news.take():
        if row.held is None:
            log.info("%s", clean_text(line(row).plain, LONGEST_RECORD))


def open_all(loaded: Loaded) -> tuple[House, dict[str, Notifier]]:
    """The live house and its receivers.

    Raises:
        CommandError: there is nothing to watch.
    """
    if not loaded.settings.sources:
        raise CommandError(
            f"{loaded.path}: no source is configured, so there is nothing to watch: see watchkeeper init"
        )
    notifiers = open_notifiers(loaded.settings)
    return open_house(loaded), notifiers


def serve(service: Service, state: Path) -> Server:
    """The web server of a service, already accepting connections; reports are kept in the state directory."""
    house, settings = service.house, service.house.settings.server

    reports = Reports(house, state / "reports", settings.reports_kept, clock)

    def now_shown() -> Snapshot:
        # A link that asks for a token nobody can type is none.
        return replace(survey(house, clock()), reports=reports.made() if settings.token is None else ())

    slowest = max(source.every + source.lateness for source in house.settings.sources.values())
    # Two windows of grace beyond what lateness and rhythm explain: then the numbers are no longer the present.
    fresh_for = slowest + 3 * house.settings.window
    exporter = Exporter(now_shown, clock, fresh_for, version("watchkeeper"))
    server = Server(settings, exporter, now_shown, clock, service.alive)
    server.mount(routes(reports, settings.token))
    server.mount(api_charts.routes(house, clock))
    server.mount(api_judge.routes(house, clock, settings.token))
    server.mount(failing_page.routes(house, settings.token))
    server.mount(silence_page.routes(house.database, clock, settings.token))
    server.mount(report_page.routes(house, reports, clock, settings.token))
    server.mount(api_alerts.routes(house.database, house.settings, clock, settings.token))
    if house.settings.judge is not None:
        server.mount(label_page.routes(LabelDesk(house, known_criteria(house)), clock, settings.token))
    server.start()
    return server
