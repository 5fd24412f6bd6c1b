"""`python -m benchmarks.alert_storm`: 30 days of minutes, 500 segments; one JSON object a line."""

import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from tempfile import TemporaryDirectory

from benchmarks.alert_storm import audit, people
from benchmarks.alert_storm.naive import Naive
from benchmarks.alert_storm.service import Service, on_disk, running
from benchmarks.alert_storm.story import RECEIVERS, Story, write
from benchmarks.bars import Bars

SHOWN = 3  # of what should not be there


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the story and holds it against the promises; exit status 1 when one is broken."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--segments", type=int, default=500)
    parser.add_argument("--seed", type=int, default=11)
    asked = parser.parse_args(arguments)
    story = write(asked.days, asked.segments, asked.seed)
    naive = Naive(story)
    with (
        TemporaryDirectory(prefix="alert-storm-") as folder,
        running(story, on_disk(f"sqlite:///{folder}/storm.db"), naive.read) as service,
    ):
        service.run()
        return report(story, service, naive)


def report(story: Story, service: Service, naive: Naive) -> int:
    """Prints what happened, and whether every promise was kept."""
    bars, journal = Bars(), service.journal
    found = audit.episodes(service)
    for name, value in {
        "days": story.minutes // 1440,
        "segments": len(story.segments),
        "slots_decided": journal.slots,
        "starts": journal.starts,
        "alerts": len(found),
        "transitions_held_stale": journal.stale_held,
        "silences": len(journal.silences),
        "alerts_that_began_in_silence": dict(people.silenced(service)),
        "acknowledged": len(journal.taken),
        "reminders": sum(made.message.reminder for made in journal.made),
    }.items():
        bars.check(name, value, None, True)
    for name in RECEIVERS:
        made = Counter(each.message.action for each in journal.made if each.group.receiver == name)
        end = service.ends[name]
        bars.check(f"messages_made_{name}", dict(made), None, True)
        bars.check(f"messages_arrived_{name}", len(end.arrived), None, True)
        bars.check(f"tries_{name}", end.tried, None, True)
    wrong, twice = audit.order(service)
    promises = {
        "alerts_undecided": audit.undecided(service),
        "alerts_lost": audit.lost(service),
        "messages_out_of_order": wrong,
        "messages_of_a_group_within_its_interval": audit.too_often(service),
        "open_at_the_end_and_should_not_be": audit.left_open(service),
        "alerts_of_what_has_gone": audit.gone(service),
        "alerts_told_in_silence": people.told_while_silent(service),
        "reminders_of_what_is_acknowledged": people.repeated_though_taken(service),
        "acknowledgements_not_told": people.taken_and_not_told(service),
        "alerts_decided_by_late_calls": people.decided_by_late_calls(service),
    }
    for name, broken in promises.items():
        bars.equal(name, len(broken), 0)
        for each in broken[:SHOWN]:
            print(f"  {each}", file=sys.stderr)
    bars.equal("alerts_told_that_did_not_fire", audit.stale(service), 0)
    bars.equal("late_changed", journal.late_changed, journal.late_expected)
    bars.equal("repetitions_without_a_mark", twice["unmarked"], 0)
    bars.check("repetitions_marked", twice["marked"], None, True)
    bars.check("repetitions_that_the_channel_takes_for_one", twice["harmless"], None, True)
    total = sum(len(end.arrived) for end in service.ends.values())
    bars.check("messages_arrived", total, {"below": naive.counts["messages"]}, total < naive.counts["messages"])
    for name in ("messages", "lost", "stale", "doubled", "ends_of_what_is_not_open"):
        bars.check(f"naive_{name}", naive.counts[name], None, True)
    bars.check("naive_open_at_the_end", sum(map(len, naive.open.values())), None, True)
    return bars.status


if __name__ == "__main__":
    sys.exit(main())
