"""The database is away for a while under load: how many people get their code in time all the same,
and how long afterwards every record is there."""

import time

from audit import Audit
from people import Crowd, Provider

IN_TIME_SECONDS = 5
ALL_THERE_SECONDS = 30
BEFORE_SECONDS, AFTER_SECONDS = 5, 5
SHARE_WANTED = 0.999


def codes_told(crowd, began, ended):
    """The last answers that people first sent in this time and that got their code since."""
    return [final for final in crowd.finals
            if final.code is not None and began <= final.began < ended]


def outage(stage, options):
    """Returns whether the bars are held and nothing was lost."""
    database = stage.postgres
    crowd = Crowd(Provider(stage.routes()), options.seed)
    playing = stage.start_task(crowd.play(options.at_once))
    time.sleep(BEFORE_SECONDS)

    began, longest = time.monotonic(), 0
    database.pause() if options.hang else database.stop()
    while time.monotonic() - began < options.outage:
        time.sleep(0.5)
        longest = max(longest, stage.outbox_length())
    database.resume() if options.hang else database.start()
    ended = time.monotonic()

    there = wait_for_records(stage, {final.code for final in codes_told(crowd, began, ended)})
    time.sleep(AFTER_SECONDS)
    crowd.closing = True
    playing.result()
    stage.wait_until_settled()
    audit = Audit(crowd, database.records())
    return print_outage(crowd, audit, codes_told(crowd, began, ended), longest, there - ended)


def wait_for_records(stage, codes):
    """When all these codes were in the database and nothing was left in the outbox."""
    end = time.monotonic() + 10 * ALL_THERE_SECONDS
    while time.monotonic() < end:
        if stage.outbox_length() == 0 and codes <= {row[0] for row in stage.postgres.records()}:
            break
        time.sleep(0.2)
    return time.monotonic()


def print_outage(crowd, audit, finals, longest, seconds):
    in_time = sum(final.ended - final.began <= IN_TIME_SECONDS for final in finals)
    share = in_time / len(finals) if finals else 0
    slowest = max((final.ended - final.began for final in finals), default=0)
    for line in audit.lines():
        print(line)
    print(f"{len(finals)} people finished while the database was away,"
          f" {100 * share:.2f} % of them had their code within {IN_TIME_SECONDS} s"
          f" (the slowest after {slowest:.1f} s)")
    print(f"up to {longest} records in the outbox; all in the database"
          f" {seconds:.1f} s after it was back")
    print(f"{crowd.counts['conversations']} conversations: {len(audit.lost)} lost,"
          f" {len(audit.double)} double, {len(audit.wrong)} wrong steps")
    return audit.good and share >= SHARE_WANTED and seconds <= ALL_THERE_SECONDS
