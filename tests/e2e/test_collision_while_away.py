"""Two people whose codes are equal: the later one's is longer, which only the database knows. A known limit: while
it is away she is told the other's (docs/operations.md, docs/threats.md); and that it is noticed."""

import sqlite3

from phone import Phone
from processes import eventually
from texts import JEAN, MARIE, code_in, code_of


def test_a_longer_code_is_not_known_while_the_database_is_away(start, redis, tmp_path):
    path = tmp_path / "codes.db"

    def query(sql):
        connection = sqlite3.connect(path)
        try:
            rows = connection.execute(sql).fetchall()
            connection.commit()
            return rows
        finally:
            connection.close()

    def told(server):
        with Phone(server) as phone:
            return code_in(phone.say_all("Bonjour", *JEAN))

    with_database = {"DATABASE_URL": f"sqlite:///{path}", "REDIS_URL": redis.url}
    server = start(**with_database)
    with Phone(server) as phone:
        phone.say_all("Bonjour", *MARIE)
    query(f"UPDATE uic_records SET uic_code = '{code_of(JEAN)}'")
    longer = told(server)
    assert longer.startswith(code_of(JEAN)) and len(longer) == len(code_of(JEAN)) + 1
    server.stop()

    away = start(DATABASE_URL="postgresql://uic@127.0.0.1:1/uic", REDIS_URL=redis.url, wait_for="/health")
    assert told(away) == code_of(JEAN)  # the other's
    away.stop()

    server = start(**with_database)
    eventually(lambda: "outbox_record_refused" in server.log(), "it is noticed")
    assert "not the one that was told" in server.log()
    assert query("SELECT uic_code, request_count FROM uic_records ORDER BY id") == [
        (code_of(JEAN), 1), (longer, 2)]
    assert "other-code" in redis.command("XRANGE", "uic:outbox:refused", "-", "+")
    assert told(server) == longer
