"""Two messages of one person on two instances, and the second is handled while the first one's code is
being registered: whoever completed the conversation is told the code all the same."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import meta
from meta import Meta
from phone import Phone
from processes import eventually
from texts import JEAN, code_of, message

DOUBTFUL = ("né en 1985 je crois", *JEAN[1:])


def stand_still(server):
    """Pauses it, and waits until each of its threads does."""
    server.pause()
    threads = list(Path(f"/proc/{server.process.pid}/task").glob("*/stat"))
    eventually(lambda: all(stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in threads),
               "all threads stand still")


def overtaken(slow, complete, overtake):
    """What complete() and overtake() return: the first is to make slow register a code, and between the
    saved answers and the code the second, on another instance, has its whole turn."""
    def saves():
        return slow.counts()['uic_store_operation_duration_seconds_count{operation="session_save"}']

    before = saves()
    with (ThreadPoolExecutor(1) as pool,
          closing(sqlite3.connect(slow.database, isolation_level=None)) as database):
        database.execute("BEGIN IMMEDIATE")
        completed = pool.submit(complete)
        eventually(lambda: saves() > before, "the complete answers are saved")
        stand_still(slow)
        try:
            database.execute("ROLLBACK")
            second = overtake()
        finally:
            slow.resume()
        return completed.result(), second


def test_who_is_overtaken_while_the_code_is_registered_is_told_it(start, redis, graph, tmp_path):
    settings = {**meta.SETTINGS, **graph.settings(META_MESSAGES_PER_SECOND="0"), "REDIS_URL": redis.url,
                "DATABASE_URL": f"sqlite:///{tmp_path}/records.db"}
    slow, quick = start(**settings), start(**settings)

    for answers, last in ((("Bonjour", *JEAN[:4]), "Kabila"), (("Bonjour", *DOUBTFUL), "OUI")):
        with Phone(slow) as one, Phone(quick, one.number) as other:
            one.say_all(*answers)
            told, greeted = overtaken(slow, lambda: one.say(last), lambda: other.say("merci"))
            assert message("welcome") in greeted and code_of(JEAN) not in greeted, greeted
            # New to this number, though the records knew it before it was told.
            assert message("new_code", code=code_of(JEAN)) in told, told
            # Once more, it is an older message.
            assert one.say(last, sid=one.last_sid) == ""

    # A number that asked before is told so.
    with Phone(slow) as one, Phone(quick, one.number) as other:
        one.say_all("Bonjour", *JEAN)
        one.say_all("Bonjour", *JEAN[:4])
        told, _ = overtaken(slow, lambda: one.say("Kabila"), lambda: other.say("merci"))
        assert message("existing_code", code=code_of(JEAN)) in told, told
    (row,) = slow.records()
    assert row["request_count"] == 4

    number = meta.new_number()
    with Meta(slow) as one, Meta(quick) as other:
        for text in ("Bonjour", *JEAN[:4]):
            one.say(meta.text(number, text))
        overtaken(slow, lambda: one.say(meta.text(number, "Mwamba")),
                  lambda: other.say(meta.text(number, "merci")))
        got = eventually(lambda: len(graph.got[number]) == 7 and graph.got[number], "all replies")
        code = code_of((*JEAN[:4], "Mwamba"))
        assert sum(message("welcome") in reply for reply in got[5:]) == 1, got[5:]
        assert sum(message("new_code", code=code) in reply for reply in got[5:]) == 1, got[5:]
    assert [row["request_count"] for row in slow.records()] == [4, 1]
    assert quick.counts()["uic_codes_total"] + slow.counts()["uic_codes_total"] == 5
