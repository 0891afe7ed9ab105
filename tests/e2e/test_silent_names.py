"""A name server that never answers, in front of PostgreSQL or Redis: nobody waits for it."""

from pathlib import Path

from phone import Phone
from processes import PROGRAM, SANITIZERS, eventually
from texts import JEAN, code_in, code_of

SILENT = {"LD_PRELOAD": Path(PROGRAM).parent / "silent-names.so",
          "ASAN_OPTIONS": SANITIZERS["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}
DATABASE_URL = "postgresql://uic@silent.invalid/uic"


def test_people_are_served_by_the_outbox_and_the_end_waits_for_nobody(start, redis):
    server = start("/health", DATABASE_URL=DATABASE_URL, REDIS_URL=redis.url, **SILENT)
    with Phone(server) as phone:
        assert code_in(phone.say_all("Bonjour", *JEAN)) == code_of(JEAN)
    eventually(lambda: "records_down" in server.log(), "told")
    assert "silent.invalid/uic: no connection" in server.log()
    server.terminate()
    server.wait()
