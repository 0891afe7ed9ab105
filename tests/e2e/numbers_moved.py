"""Databases full of phone numbers, in both kinds, and the command that seals and opens them, which can be
held in the middle and killed there."""

import contextlib
import sqlite3
import subprocess
import time

from processes import PATIENCE, PROGRAM, environment_for

# What people ask the database about numbers: the same in clear and sealed.
QUERIES = (
    "SELECT COUNT(*), COUNT(DISTINCT phone_number) FROM uic_records",
    "SELECT records, COUNT(*) FROM (SELECT COUNT(*) AS records FROM uic_records GROUP BY phone_number) AS n"
    " GROUP BY records ORDER BY records",
    "SELECT COUNT(*) FROM uic_records AS a JOIN uic_records AS b"
    " ON a.phone_number = b.phone_number AND a.id < b.id",
    "SELECT sum(new_codes), sum(new_phones), sum(requests) FROM uic_totals",
)
SEALED = "phone_number >= 'siv:' AND phone_number < 'siv;'"
# Of so many records a third is to be moved before anybody is killed; of fewer, some.
MANY = 100_000
COUNT_SEALED = f"SELECT COUNT(*) FROM uic_records WHERE {SEALED}"
WAITING = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted"


class SqliteNumbers:
    def __init__(self, path):
        self.path = path
        self.url = f"sqlite:///{path}"

    @contextlib.contextmanager
    def connection(self):
        connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()

    def query(self, sql):
        with self.connection() as connection:
            return [tuple(str(value) for value in row) for row in connection.execute(sql)]

    def fill(self, numbers):
        """So many numbers; each tenth has three records."""
        with self.connection() as connection:
            connection.execute("BEGIN")
            connection.execute(
                "WITH RECURSIVE s(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM s WHERE n < ?)"
                " INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at,"
                " last_requested_at) SELECT 'C' || n, '+2438' || (10000000 + n % ?), 'h' || n,"
                " '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000' FROM s"
                " WHERE n < ? OR n % 10 = 0", (3 * numbers - 1, numbers, numbers))
            connection.execute("COMMIT")

    def count_sealed(self):
        return int(self.query(COUNT_SEALED)[0][0])

    def kill_midway(self, start):
        """Holds the database between two transactions of the process once it has moved some; kills it."""
        before = self.count_sealed()
        left = self.query("SELECT COUNT(*) FROM uic_records")[0][0] if before == 0 else before
        process = start()
        while int(left) > MANY and process.poll() is None and abs(self.count_sealed() - before) < int(left) // 3:
            time.sleep(0.2)
        with self.connection() as connection:
            while process.poll() is None:
                connection.execute("BEGIN IMMEDIATE")
                if connection.execute(COUNT_SEALED).fetchone()[0] != before:
                    break
                connection.execute("ROLLBACK")
                time.sleep(0.001)
            process.kill()
            process.wait()


class PostgresNumbers:
    def __init__(self, server, name):
        self.server, self.name = server, name
        self.url = server.url.replace("/uic?", f"/{name}?")
        server.query(f"CREATE DATABASE {name}", "postgres")

    def query(self, sql):
        """As the server's own, however long it takes."""
        done = subprocess.run([*self._psql(), "-c", sql], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return [tuple(line.split("|")) for line in done.stdout.splitlines()]

    def _psql(self):
        return ["psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.server.port),
                "-U", self.server.NAME, "-d", self.name]

    def fill(self, numbers):
        self.query("ALTER TABLE uic_records DISABLE TRIGGER USER")
        self.query(
            "INSERT INTO uic_records (uic_code, phone_number, input_hash, created_at, last_requested_at)"
            f" SELECT 'C' || n, '+2438' || (10000000 + n % {numbers}), decode(md5('h' || n), 'hex'),"
            " '2026-01-01', '2026-01-01'"
            f" FROM generate_series(0, {3 * numbers - 1}) AS n WHERE n < {numbers} OR n % 10 = 0")
        self.query("ALTER TABLE uic_records ENABLE TRIGGER USER")
        self.query("SELECT uic_totals_count()")

    def count_sealed(self):
        return int(self.query(COUNT_SEALED)[0][0])

    def kill_midway(self, start):
        """Holds a number in the middle of those that are to go, as any program can; kills the process when
        it has come there."""
        sealed = self.count_sealed()
        clear = int(self.query("SELECT COUNT(*) FROM uic_records")[0][0]) - sealed
        opens = "--open" in start.arguments
        with self.holding(f"{'' if opens else 'NOT'} ({SEALED})", (sealed if opens else clear) // 2):
            process = start()
            while process.poll() is None and self.query(WAITING) == [("0",)]:
                time.sleep(0.02)
            process.kill()
            process.wait()

    @contextlib.contextmanager
    def holding(self, which, place):
        psql = subprocess.Popen(self._psql(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        psql.stdin.write(f"BEGIN; SELECT 'held' FROM uic_records WHERE id = (SELECT id FROM uic_records WHERE {which}"
                         f" ORDER BY phone_number OFFSET {place} LIMIT 1) FOR UPDATE;\n")
        psql.stdin.flush()
        assert psql.stdout.readline() == "held\n"
        yield
        psql.communicate("ROLLBACK;\n", timeout=PATIENCE)


class Command:
    """whatsapp-uic phones on such a database: calling it starts it."""

    def __init__(self, numbers, cwd, *arguments):
        self.numbers, self.cwd, self.arguments = numbers, cwd, arguments
        mode = "sealed" if "--seal" in arguments else "clear"
        self.environment = environment_for(DATABASE_URL=numbers.url, PHONE_NUMBERS=mode)

    def __call__(self):
        return subprocess.Popen([PROGRAM, "phones", *self.arguments], cwd=self.cwd, env=self.environment,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self):
        """To its end; what it printed."""
        process = self()
        said = process.communicate()[0]
        assert process.returncode == 0, said
        return said


def prepare(numbers, cwd):
    """Empty tables."""
    done = subprocess.run([PROGRAM, "init-db"], cwd=cwd, capture_output=True, text=True,
                          env=environment_for(DATABASE_URL=numbers.url))
    assert done.returncode == 0, done.stderr


def figures(numbers):
    return [numbers.query(sql) for sql in QUERIES]


def contents(numbers):
    return numbers.query("SELECT id, phone_number FROM uic_records ORDER BY id")


def play(numbers, cwd, report=lambda what: None):
    """All numbers are sealed and opened again, each killed twice on the way: equal at the end."""
    before, kept = figures(numbers), contents(numbers)
    for option in ("--seal", "--open"):
        command = Command(numbers, cwd, option)
        for _ in range(2):
            sealed = numbers.count_sealed()
            numbers.kill_midway(command)
            now = numbers.count_sealed()
            assert sealed < now < len(kept) if option == "--seal" else 0 < now < sealed, (sealed, now)
            report(f"{option}: killed, {now} of {len(kept)} records sealed")
        report(f"{option}: {command.run().strip()}")
        assert figures(numbers) == before, option
        assert numbers.count_sealed() == (len(kept) if option == "--seal" else 0)
    assert contents(numbers) == kept
