"""A database of either kind, what stands in its tables, and what a dump of it shows."""

import subprocess
from contextlib import contextmanager
from functools import partial

from phone import Phone
from processes import sqlite_query
from production import PostgresServer
from texts import code_in


class Database:
    """url; query(sql) -> rows of texts; everything(): all bytes that a dump shows."""

    def __init__(self, url, query, everything):
        self.url, self.query, self.everything = url, query, everything


@contextmanager
def opened(kind, folder):
    """An empty one of "sqlite" or "postgres"."""
    if kind == "sqlite":
        path = folder / "data/codes.db"
        path.parent.mkdir()

        def everything():  # the file and its log, byte by byte
            return b"".join(file.read_bytes() for file in path.parent.iterdir())

        yield Database(f"sqlite:///{path}", partial(sqlite_query, path), everything)
        return
    with PostgresServer(folder / "postgres", {"log_statement": "all"}) as server:
        def dump():
            return subprocess.run(["pg_dump", "-h", "127.0.0.1", "-p", str(server.port), "-U", "uic",
                                   "uic"], capture_output=True, check=True).stdout

        yield Database(server.url, server.query, dump)


def register(server, number, *persons):
    with Phone(server, number) as phone:
        return [code_in(phone.say_all("Bonjour", *person)) for person in persons]


def numbers(database):
    return database.query("SELECT uic_code, phone_number, request_count FROM uic_records ORDER BY id")


def audit(database):
    return database.query("SELECT action, records, author FROM uic_audit ORDER BY id")


def assert_nowhere(number, database, redis, *servers):
    digits = number.lstrip("+").encode()
    assert digits not in database.everything()
    redis.command("SAVE")
    for path in redis.directory.rglob("*"):
        assert not path.is_file() or digits not in path.read_bytes(), path
    for server in servers:
        assert digits.decode() not in server.log()
