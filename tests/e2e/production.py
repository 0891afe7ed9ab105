"""What production has beside the server: PostgreSQL and nginx, from the distribution's packages, each
private, in a directory and on a port of its own. With processes.py this is all that tests and
`scripts/run --full` start."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from processes import PATIENCE, PORT_ATTEMPTS, Process, eventually, free_port

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "packaging/nginx/whatsapp-uic.conf"


def children_of(parent):
    """The process ids whose parent this is."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # gone meanwhile
        if int(fields[1]) == parent:
            found.append(int(stat.parent.name))
    return found


def anybody_passes(directory):
    return all(path.stat().st_mode & 0o001 for path in [directory, *directory.resolve().parents])


class PostgresServer(Process):
    """postgres on 127.0.0.1 with one empty database; what was committed survives stop() and kill().
    settings: of postgresql.conf."""

    NAME = "uic"
    port = None

    def __init__(self, directory, settings=()):
        super().__init__(directory)
        self.settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "",
                         **dict(settings)}
        self.folder = directory
        self.elsewhere = None
        if os.geteuid() == 0 and not anybody_passes(directory):
            # Root becomes the user postgres, which cannot reach what is below /root.
            place = tempfile.gettempdir() if anybody_passes(Path(tempfile.gettempdir())) else "/var/tmp"
            self.elsewhere = tempfile.TemporaryDirectory(prefix="uic-postgres-", dir=place)
            self.folder = Path(self.elsewhere.name)
            self.folder.chmod(0o711)
            self.log_path = self.folder / "log"

    @property
    def url(self):
        return self.url_at(self.port)

    def url_at(self, port):
        return f"postgresql://{self.NAME}@127.0.0.1:{port}/{self.NAME}?sslmode=disable"

    def start(self):
        """On a free port, and on the same one when it was started before."""
        for _ in range(PORT_ATTEMPTS):
            port = self.port or free_port()
            options = [f"-c{name}={value}" for name, value in self.settings.items()]
            self.spawn([ROOT / "tests/servers/postgres-server", self.folder, f"-p{port}", *options])
            eventually(lambda: not self.running or self.answers(port), "postgres answers")
            if self.running:
                self.port = port
                break
            time.sleep(0.2)  # what a killed one left behind may still be going away
        else:
            raise AssertionError(f"postgres does not start:\n{self.log()}")
        if not self.query("SELECT 1 FROM pg_database WHERE datname = current_user", "postgres"):
            self.query(f"CREATE DATABASE {self.NAME}", "postgres")

    def answers(self, port):
        done = subprocess.run(self._psql(port, "postgres", "SELECT 1"), capture_output=True,
                              timeout=PATIENCE)
        return done.returncode == 0

    def _psql(self, port, database, sql):
        return ["psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(port),
                "-U", self.NAME, "-d", database, "-c", sql]

    def query(self, sql, database=None):
        """Rows as tuples of texts."""
        done = subprocess.run(self._psql(self.port, database or self.NAME, sql),
                              capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return [tuple(line.split("|")) for line in done.stdout.splitlines()]

    def query_file(self, path, database=None):
        """Runs a file of SQL, however long."""
        done = subprocess.run([*self._psql(self.port, database or self.NAME, "")[:-2], "-f", path],
                              capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr

    def records(self):
        """(code, phone number, request count) of every record."""
        rows = self.query("SELECT uic_code, phone_number, request_count FROM uic_records")
        return [(code, phone, int(count)) for code, phone, count in rows]

    def _signal_all(self, number):
        """The first process first: it would start others for those that end."""
        family = [self.process.pid, *children_of(self.process.pid)]
        for process in family:
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass

    def pause(self):
        self._signal_all(signal.SIGSTOP)

    def resume(self):
        self._signal_all(signal.SIGCONT)

    def kill(self):
        """kill -9 of all its processes at once, as when the machine dies."""
        if self.running:
            self._signal_all(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """A fast shutdown: connections are closed, nothing is waited for."""
        if self.running:
            self.resume()
            self.signal(signal.SIGINT)
            self.process.wait(PATIENCE)

    def remove(self):
        """Stops, and takes away what lies outside the directory."""
        self.stop()
        if self.elsewhere is not None:
            self.elsewhere.cleanup()

    def __exit__(self, *_):
        self.remove()


class Nginx(Process):
    """nginx with our site from packaging/, its ports replaced by those of these servers."""

    MAIN = """\
daemon off;
master_process off;
pid nginx.pid;
error_log error.log warn;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    access_log access.log;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}}
{user}"""
    settings = {}  # as a server's: nothing is signed

    def __init__(self, directory, upstream_ports, port=None):
        super().__init__(directory)
        self.upstream_ports = upstream_ports
        self.port = port

    def _configure(self, port):
        site = SITE.read_text(encoding="utf-8")
        servers = re.findall(r"^ *(?:# )?server 127\.0\.0\.1:\d+", site, re.M)
        assert len(servers) == len(self.upstream_ports), servers
        for server, upstream in zip(servers, self.upstream_ports):  # the second is marked out
            site = site.replace(server, f"    server 127.0.0.1:{upstream}")
        site = re.sub(r"^( *)listen 80;$.*?(?=^$)", rf"\1listen 127.0.0.1:{port};\n", site,
                      flags=re.M | re.S)
        site = site.replace("/var/log/nginx/access.log", "access.log")
        user = "user root;\n" if os.geteuid() == 0 else ""
        (self.directory / "site.conf").write_text(site, encoding="utf-8")
        (self.directory / "nginx.conf").write_text(self.MAIN.format(user=user), encoding="utf-8")

    def start(self):
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program, "nginx is missing: install the package nginx-light"
        for _ in range(PORT_ATTEMPTS):
            port = self.port or free_port()
            self._configure(port)
            self.spawn([program, "-p", f"{self.directory}/", "-c", "nginx.conf",
                        "-e", "error.log"])
            eventually(lambda: not self.running or self.listens(port), "nginx listens")
            if self.running:
                self.port = port
                return
        raise AssertionError(f"nginx does not start:\n{self.log()}")

    def listens(self, port):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        except OSError:
            return False

    def connect(self):
        """As UicServer.connect."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def stop(self):
        if self.running:
            self.signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
