"""pgbouncer before PostgreSQL, over TCP: a database that is away behind it is away, at a start too."""

import os

import pytest

from phone import Phone
from processes import Process, eventually, free_port, run_program
from texts import JEAN, code_in, code_of

SETTINGS = """[databases]
uic = host=127.0.0.1 port={server} dbname=uic user=uic
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
"""


class Pooler(Process):
    def __init__(self, directory, server):
        super().__init__(directory)
        self.server = server

    def start(self):
        self.port = free_port()
        settings = self.server.folder / "pgbouncer.ini"  # where the user postgres can read it
        settings.write_text(SETTINGS.format(server=self.server.port, port=self.port))
        settings.chmod(0o644)
        become = ["-u", "postgres"] if os.geteuid() == 0 else []
        self.spawn(["/usr/sbin/pgbouncer", *become, str(settings)])

    def stop(self):
        self.kill()


@pytest.fixture
def pooler(tmp_path, postgres):
    with Pooler(tmp_path / "pooler", postgres) as server:
        yield server


def test_a_start_without_the_database(start, tmp_path, redis, postgres, pooler):
    settings = {"DATABASE_URL": postgres.url_at(pooler.port), "REDIS_URL": redis.url}
    eventually(lambda: run_program("init-db", cwd=tmp_path, **settings).returncode == 0, "tables")
    postgres.stop()
    for number in range(3):  # it waits for its server, and then says of itself that there is none
        server = start("/health", **settings)
        assert "codes go by the outbox" in server.log()
        with Phone(server, number=f"+24381000000{number}") as phone:
            assert code_in(phone.say_all("Bonjour", *JEAN)) == code_of(JEAN)
        server.stop()
