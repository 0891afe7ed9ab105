"""The production shape with proxies at every joint: people → (nginx) → two instances → Redis and the
database. Servers are started and broken from the main thread; the proxies live on the loop of the
people's thread and are reached through `on_loop`."""

import asyncio
import contextlib
import ctypes
import hashlib
import os
import resource
import sqlite3
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from processes import PATIENCE, RedisServer, UicServer, eventually  # noqa: E402
from production import Nginx, PostgresServer  # noqa: E402
from proxy import Proxy  # noqa: E402
from sentinel import RedisPair  # noqa: E402

_CLONE_NEWNS, _MS_REC, _MS_PRIVATE, _MNT_DETACH = 0x20000, 0x4000, 0x40000, 2
_libc = ctypes.CDLL(None, use_errno=True)


def compares_nothing():
    """What a Redis is told, so that it compares nothing: the script with a comparison that never fails,
    and that one's name where the server asks for its own."""
    save = (Path(__file__).resolve().parents[2] / "store/sessions/save.lua").read_bytes()
    true, false = b"~= ARGV[1]", b"== nil    "
    names = [hashlib.sha1(text).hexdigest().encode() for text in (save, save.replace(true, false))]
    return [(true, false), tuple(names)]


class SqliteFile:
    """A database file on a small file system of its own, which can be filled; where mounting is not
    allowed the instances are forbidden to write larger files instead."""

    SIZE = 64 << 20

    def __init__(self, directory):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.path = directory / "records.db"
        self.mounted = self._mount()

    def _mount(self):
        """In a mount namespace of our own, so that it is gone with us. Returns whether it went."""
        return (_libc.unshare(_CLONE_NEWNS) == 0
                and _libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None) == 0
                and _libc.mount(b"none", os.fsencode(self.directory), b"tmpfs", 0,
                                b"size=%d" % self.SIZE) == 0)

    def close(self):
        if self.mounted:
            _libc.umount2(os.fsencode(self.directory), _MNT_DETACH)

    @property
    def how(self):
        return "tmpfs" if self.mounted else "RLIMIT_FSIZE"

    def url_at(self, _):
        return f"sqlite:///{self.path}"

    def fill(self, instances):
        if self.mounted:
            with open(self.directory / "balloon", "wb", buffering=0) as balloon:
                with contextlib.suppress(OSError):
                    while True:
                        balloon.write(bytes(1 << 16))
                with contextlib.suppress(OSError):
                    while True:
                        balloon.write(bytes(64))
        else:
            self._limit(instances, max(self.path.stat().st_size, 4096))

    def empty(self, instances):
        if self.mounted:
            (self.directory / "balloon").unlink()
        else:
            self._limit(instances, resource.RLIM_INFINITY)

    @staticmethod
    def _limit(instances, size):
        for instance in instances:
            hard = resource.RLIM_INFINITY
            resource.prlimit(instance.process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def execute(self, sql):
        connection = sqlite3.connect(self.path, timeout=PATIENCE)
        with contextlib.closing(connection), connection:
            return connection.execute(sql).fetchall()

    def records(self):
        return self.execute("SELECT uic_code, phone_number, request_count FROM uic_records")


class Stage:
    """kind: "sqlite" or "postgres". broken: what is falsified on purpose, to see that it is found.
    sentinel: Redis has a replica, and a sentinel instead of the proxy, "hurried" or not."""

    def __init__(self, directory, kind, broken=None, workers=2, durable=False, settings=None,
                 sentinel=False):
        self.directory = directory
        self.broken = broken
        self.sentinel = sentinel
        self.redis = (RedisPair(directory / "redis", sentinel == "hurried") if sentinel
                      else RedisServer(directory / "redis", durable=broken != "redis-memory"))
        self.postgres = self.file = None
        if kind == "postgres":
            self.postgres = PostgresServer(directory / "postgres", {"fsync": "on" if durable else "off"})
        else:
            self.file = SqliteFile(directory / "sqlite")
        self.settings = {"WORKERS": workers, "LOG_LEVEL": "INFO", **(settings or {})}
        self.instances = []
        self.proxies = {}
        self.nginx = None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    @property
    def database(self):
        return self.postgres or self.file

    def on_loop(self, function, *arguments):
        """Calls the function on the people's loop and returns what it returned."""
        async def call():
            return function(*arguments)
        return asyncio.run_coroutine_threadsafe(call(), self.loop).result()

    def start_task(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def _open_proxy(self, name, port, replacements=()):
        proxy = Proxy(port, replacements)
        self.start_task(proxy.open()).result()
        self.proxies[name] = proxy
        return proxy.port

    def _proxied_redis(self):
        port = self._open_proxy("redis", self.redis.port,
                                compares_nothing() if self.broken == "compare" else ())
        return f"redis://127.0.0.1:{port}/0"

    def start(self):
        self.thread.start()
        self.redis.start()
        redis_url = self.redis.url if self.sentinel else self._proxied_redis()
        database = None
        if self.postgres is not None:
            self.postgres.start()
            database = self._open_proxy("database", self.postgres.port)
        for number in (1, 2):
            self.instances.append(UicServer(self.directory / f"instance{number}", {
                **self.settings, "REDIS_URL": redis_url,
                "DATABASE_URL": self.database.url_at(database)}))
        for instance in self.instances:
            instance.start()
        for number, instance in enumerate(self.instances, 1):
            self._open_proxy(f"client{number}", instance.port)
        self.nginx = Nginx(self.directory / "nginx", [i.port for i in self.instances])
        self.nginx.start()
        if self.broken == "event-id":
            self._forget_event_ids()
        if self.broken == "commit":  # a crash empties it; what a claim wants of its commit does not help
            self.postgres.query("ALTER TABLE uic_records SET UNLOGGED")

    def _forget_event_ids(self):
        if self.file is not None:
            for what in ("INSERT", "UPDATE OF last_event_id"):
                self.file.execute(
                    f"CREATE TRIGGER forget_{what[:6]} AFTER {what} ON uic_records BEGIN UPDATE"
                    " uic_records SET last_event_id = NULL WHERE id = NEW.id; END")
            return
        self.postgres.query(
            "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN NEW.last_event_id := NULL; RETURN NEW; END'")
        self.postgres.query("CREATE TRIGGER forget BEFORE INSERT OR UPDATE ON uic_records"
                            " FOR EACH ROW EXECUTE FUNCTION forget()")

    def routes(self):
        """Ports for the provider; the first two are the two instances."""
        return [*(instance.port for instance in self.instances), self.proxies["client1"].port,
                self.proxies["client2"].port, self.nginx.port]

    def outbox_length(self):
        return int(self.redis.command("XLEN", "uic:outbox")[0])

    def wait_until_settled(self):
        """Every instance is ready and the outbox is empty."""
        for instance in self.instances:
            eventually(lambda i=instance: i.answers("/ready"), "ready again")
        eventually(lambda: self.outbox_length() == 0, "outbox empty")

    def forget_sessions(self):
        """What a day does to them."""
        for pattern in ("uic:s:*", "uic:m:*"):
            self.redis.command("EVAL", "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do"
                               " redis.call('DEL', key) end", "0", pattern)

    @staticmethod
    async def _end_tasks():
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self):
        for instance in self.instances:
            instance.stop()
        for process in (self.nginx, self.redis):
            if process is not None and process.process is not None:
                process.stop()
        if self.postgres is not None and self.postgres.process is not None:
            self.postgres.remove()
        if self.file is not None:
            self.file.close()
        if self.thread.is_alive():
            self.start_task(self._end_tasks()).result()
            for proxy in self.proxies.values():
                self.on_loop(proxy.close)
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
