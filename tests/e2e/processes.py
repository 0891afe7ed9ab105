"""The processes that tests start: whatsapp-uic and redis-server, each private, in a directory and on
a port of its own. They die with the tests, whatever happens to those."""

import contextlib
import ctypes
import http.client
import itertools
import os
import random
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAM = os.environ.get("WHATSAPP_UIC", "")
SALT = "e2e-Salt_0f7Qm3ZkX9-Yw4Lr8Tn5Hb2"
# How long anything may take before a test gives up on it; sanitizers on a busy machine are slow.
PATIENCE = 30
PORT_ATTEMPTS = 10

SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "exitcode=99:second_deadlock_stack=1:suppressions="
                    + str(Path(__file__).parents[1] / "tsan.supp"),
}
REPORT = re.compile(r"(Address|Thread|Leak|UndefinedBehavior)Sanitizer|runtime error:")

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def eventually(condition, what):
    """Polls until condition() is true and returns what it gave; fails after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.02)


def _numbers_of_ports():
    """In turn, below those that the kernel gives to connections; each of up to 16 test processes of a
    run has a thousand of its own, and two runs on one machine begin at different ones."""
    worker = int(re.sub("[^0-9]", "", os.environ.get("PYTEST_XDIST_WORKER", "0")))
    begin = 16000 + worker % 16 * 1000
    return itertools.cycle(random.sample(range(begin, begin + 1000), 1000))


_ports = _numbers_of_ports()


def free_port():
    """A port that was free a moment ago, and another one each time; whoever starts something there
    tries again if need be."""
    for port in itertools.islice(_ports, 1000):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port of this test process is free")


def environment_for(**settings):
    """The environment of the program: sanitizers, a salt, and nothing of this machine's. A setting
    that is None is left out."""
    environment = {"PATH": os.environ["PATH"], "UIC_SALT": SALT, **SANITIZERS, **settings}
    return {name: str(value) for name, value in environment.items() if value is not None}


def run_program(*arguments, cwd, stdin="", **settings):
    """Runs a command of the program to its end; a sanitizer's report fails the test."""
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        env=environment_for(**settings),
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE * 2,
    )
    assert not REPORT.search(done.stderr), done.stderr
    return done


class WallClock:
    """Another wall clock for a program: a server whose settings are settings() has it, so many seconds
    ahead as shift() said last."""

    LIBRARY = Path(PROGRAM).parent / "shifted-clock.so"

    def __init__(self, path, seconds=0):
        self.path = path
        self.shift(seconds)

    def shift(self, seconds):
        with open(self.path, "r+b" if self.path.exists() else "wb") as file:
            file.write(struct.pack("=q", int(seconds)))

    def settings(self):
        # The library stands before AddressSanitizer's, which would take that for a mistake.
        return {"LD_PRELOAD": self.LIBRARY, "SHIFTED_CLOCK": self.path,
                "ASAN_OPTIONS": SANITIZERS["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}


class Running:
    """What runs from start() to stop(), or as long as a with lasts."""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


class Process(Running):
    """A process with a directory and a log."""

    clock = None  # a WallClock of its own, for what is no program of ours

    def __init__(self, directory):
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log_path = directory / "log"
        self.process = None

    def spawn(self, arguments, **options):
        if self.clock:
            options["env"] = {**os.environ, **self.clock.settings()}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                arguments,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl+C is ours, and we stop in order
                preexec_fn=_die_with_parent,
                **options,
            )

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def pause(self):
        """The process stands still; its connections stay open and nothing is answered."""
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        if self.running:
            self.process.kill()
        self.process.wait()

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")


class UicServer(Process):
    """`whatsapp-uic serve` with the settings given; sessions in memory and a SQLite file beside it
    unless they say otherwise."""

    program = PROGRAM
    tls = None  # the context of its clients when it speaks TLS

    def __init__(self, directory, settings, arguments=()):
        super().__init__(directory)
        self.port = None
        self.arguments = arguments
        self.settings = {"HOST": "127.0.0.1", **settings}
        self.database = directory / "uic_database.db"
        if "DATABASE_URL" in settings:
            self.database = settings["DATABASE_URL"].removeprefix("sqlite:///")
        self.checked = True

    def start(self, wait_for="/ready"):
        """On a free port, and on the same one when it was started before."""
        again = self.port is not None
        for _ in range(PORT_ATTEMPTS):
            self.port = self.port if again else free_port()
            self.spawn([self.program, "serve", *self.arguments],
                       env=environment_for(PORT=self.port, **self.settings))
            eventually(lambda: not self.running or self.answers(wait_for), "server ready")
            if self.running:
                self.checked = False  # its end is still to be looked at
                return
            if f"port {self.port}: Address already in use" not in self.log():
                break
        raise AssertionError(f"the server did not start:\n{self.log()}")

    def answers(self, path):
        """200 several times in a row, for each worker answers for itself."""
        return all(self.status_of(path) == 200 for _ in range(5))

    def connect(self):
        """An HTTP connection of its own, opened when it is first used."""
        if self.tls:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE,
                                               context=self.tls)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def connect_raw(self):
        """A socket to send bytes of one's own to the server; under TLS when it speaks that."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.tls.wrap_socket(connection, server_hostname="127.0.0.1") if self.tls else connection

    def get(self, path):
        """(status, body) of a GET on a connection of its own."""
        connection = self.connect()
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def status_of(self, path):
        try:
            return self.get(path)[0]
        except (OSError, http.client.HTTPException):
            return None

    def counts(self):
        """{'name{labels}': value} of one look at /metrics."""
        status, text = self.get("/metrics")
        assert status == 200, text
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {series: float(value) for series, _, value in lines}

    def terminate(self):
        """Asks the server to end, without waiting."""
        self.signal(signal.SIGTERM)

    def wait(self):
        """Waits for the end: it must be orderly, with no word from a sanitizer."""
        self.checked = True
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server does not stop:\n{self.log()}") from None
        assert not REPORT.search(self.log()), self.log()
        assert status == 0, f"exit status {status}:\n{self.log()}"

    def stop(self):
        if self.checked:
            return
        ended = not self.running
        if not ended:
            self.terminate()
        self.wait()
        assert not ended, f"the server ended without being told to:\n{self.log()}"

    def kill(self):
        """kill -9: no good-bye, and nothing to be checked at the end."""
        super().kill()
        self.checked = True
        assert not REPORT.search(self.log()), self.log()

    def records(self):
        """What the database holds, as dictionaries, oldest first; without disturbing the server."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=PATIENCE)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute("SELECT * FROM uic_records ORDER BY id")]
        finally:
            connection.close()


def sqlite_query(path, sql):
    """Rows of texts, committed; waits for whoever writes."""
    connection = sqlite3.connect(path, timeout=PATIENCE)
    try:
        rows = connection.execute(sql).fetchall()
        connection.commit()
        return [tuple(str(value) for value in row) for row in rows]
    finally:
        connection.close()


class RedisServer(Process):
    """redis-server on 127.0.0.1; what it was told survives stop() and kill(), if it is durable."""

    port = None

    def __init__(self, directory, durable=True, options=()):
        super().__init__(directory)
        self.durable = durable
        self.options = options
        # A socket's path is limited to 107 bytes, and test directories are deep.
        self.socket_directory = tempfile.TemporaryDirectory(prefix="uic-")
        self.socket_path = f"{self.socket_directory.name}/redis"

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self):
        """On a free port, and on the same one when it was started before."""
        for _ in range(PORT_ATTEMPTS):
            port = self.port or free_port()
            self.spawn(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                        "--unixsocket", str(self.socket_path),
                        "--appendonly", "yes" if self.durable else "no", "--appendfsync", "always",
                        *self.options])
            eventually(lambda: not self.running or self.answers(port), "redis answers")
            if self.running:
                self.port = port
                return
        raise AssertionError(f"redis-server does not start:\n{self.log()}")

    @staticmethod
    def answers(port):
        done = subprocess.run(["redis-cli", "-p", str(port), "PING"], capture_output=True)
        return done.stdout.strip() == b"PONG"

    def stop(self):
        if self.running:
            self.resume()
            self.signal(signal.SIGTERM)
            self.process.wait(PATIENCE)

    def command(self, *arguments):
        """Lines of what redis-cli prints."""
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), *arguments],
            capture_output=True,
            check=True,
            timeout=PATIENCE,
        )
        return done.stdout.decode("utf-8", "backslashreplace").split("\n")[:-1]

    def keys(self, pattern="*"):
        return [key for key in self.command("KEYS", pattern) if key]

    def expire(self, pattern="uic:s:*"):
        """What time does to the keys: they are gone."""
        for key in self.keys(pattern):
            self.command("PEXPIRE", key, "0")
