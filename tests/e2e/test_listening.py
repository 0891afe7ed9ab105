"""The port stays open while one instance restarts under systemd, which hands a socket over or keeps the one
that the server opened. Nobody who writes meanwhile is refused."""

import array
import os
import socket
import threading

import pytest
from phone import Phone
from processes import PATIENCE, UicServer, environment_for, eventually, free_port

KEPT = "FDSTORE=1\nFDNAME=listen"


class Managed(UicServer):
    """A server to which a manager hands sockets over, as sd_listen_fds(3) has it."""

    handed = ()
    names = "whatsapp-uic.socket"

    def spawn(self, arguments, **options):
        fds = [one.fileno() for one in self.handed]
        moves = " ".join(f"{3 + number}<&{fd}" for number, fd in enumerate(fds))
        assert all(fd > 2 + len(fds) for fd in fds)
        env = {**options.pop("env"), "LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": self.names}
        super().spawn(["bash", "-c", f'export LISTEN_PID=$$; exec "$@" {moves}', "sh", *arguments],
                      env=env, pass_fds=fds, **options)


def listen(port):
    listener = socket.create_server(("127.0.0.1", port), backlog=1000)
    if listener.fileno() < 20:
        os.dup2(listener.fileno(), 20 + listener.fileno())
        fd = listener.detach()
        os.close(fd)
        listener = socket.socket(fileno=20 + fd)
    return listener


@pytest.fixture
def managed(tmp_path):
    """managed(sockets, NAME=value...) -> a server that is not started yet."""
    servers = []

    def make(handed, **settings):
        servers.append(Managed(tmp_path / f"server{len(servers)}", settings))
        servers[-1].handed = handed
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


class Writers:
    """People who write until they are told to stop, each message over a connection of its own."""

    def __init__(self, server, count=8):
        self.server, self.end, self.failed, self.sent = server, threading.Event(), [], 0
        self.threads = [threading.Thread(target=self.write) for _ in range(count)]

    def write(self):
        while not self.end.is_set():
            try:
                with Phone(self.server) as phone:
                    phone.say("Bonjour")
                self.sent += 1
            except Exception as error:
                self.failed.append(repr(error))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        for thread in self.threads:
            thread.join()


def restart_under_load(server, restart):
    with Writers(server) as writers:
        for _ in range(2):
            before = writers.sent
            eventually(lambda: writers.sent > before + 20 or writers.failed, "people write")
            restart()
        before = writers.sent
        eventually(lambda: writers.sent > before + 20 or writers.failed, "people write")
    assert writers.failed == []


def test_one_instance_restarts_and_nobody_is_refused(managed, redis):
    """A .socket unit's socket, shared by all workers."""
    port = free_port()
    with listen(port) as listener:
        server = managed([listener], REDIS_URL=redis.url, WORKERS=3)
        server.port = port
        server.start()

        def restart():
            server.terminate()
            server.wait()
            server.start()

        restart_under_load(server, restart)


class Keeper:
    """The socket at which systemd listens, and what it is given to keep."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(0)
        self.heard, self.kept = [], []

    def listen(self):
        while True:
            try:
                text, control, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(4))
            except BlockingIOError:
                return self.heard
            self.heard.append(text.decode())
            for level, kind, data in control:
                assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
                fd = array.array("i", data)[0]
                high = os.dup2(fd, 40 + len(self.kept))
                os.close(fd)
                self.kept.append(socket.socket(fileno=high))


@pytest.fixture
def keeper(tmp_path):
    keeper = Keeper(tmp_path / "notify")
    yield keeper
    for one in [keeper.socket, *keeper.kept]:
        one.close()


def test_what_the_server_opened_is_kept_for_the_next(managed, keeper, tmp_path, redis):
    settings = {"REDIS_URL": redis.url, "WORKERS": 2, "NOTIFY_SOCKET": tmp_path / "notify"}
    server = managed([], **settings)
    server.start()
    assert keeper.listen()[0] == KEPT and len(keeper.kept) == 1
    assert keeper.kept[0].getsockname()[1] == server.port

    def restart():
        server.terminate()
        server.wait()
        server.handed, server.names = keeper.kept, "listen"
        server.start()

    restart_under_load(server, restart)
    assert keeper.listen().count(KEPT) == 1, "what it keeps need not be given again"


def test_a_killed_one_leaves_no_gap_either(managed, keeper, tmp_path, redis):
    server = managed([], REDIS_URL=redis.url, NOTIFY_SOCKET=tmp_path / "notify")
    server.start()
    keeper.listen()
    server.kill()
    with socket.create_connection(("127.0.0.1", server.port)) as early:
        early.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        server.handed, server.names = keeper.kept, "listen"
        server.start()
        assert early.recv(100).startswith(b"HTTP/1.1 200 ")


def test_one_that_cannot_start_leaves_the_port(managed, keeper, tmp_path):
    """So that nobody waits for it who could have been answered by another instance."""
    settings = {"NOTIFY_SOCKET": tmp_path / "notify"}
    with listen(free_port()) as listener:
        server = managed([listener], DATABASE_URL="sqlite:////nowhere/at/all.db", **settings)
        server.port, server.names = listener.getsockname()[1], "listen"
        server.spawn([server.program, "serve"], env=environment_for(PORT=server.port, **server.settings))
        assert server.process.wait(PATIENCE) == 1
    assert keeper.listen() == ["FDSTOREREMOVE=1\nFDNAME=listen"]


def test_a_socket_of_another_address_is_not_used(managed, keeper, tmp_path):
    with listen(free_port()) as other:
        server = managed([other], NOTIFY_SOCKET=tmp_path / "notify")
        server.start()
        assert "WARNING socket_not_used count=1" in server.log()
        assert keeper.listen()[:2] == ["FDSTOREREMOVE=1\nFDNAME=listen", KEPT]


def test_what_was_handed_to_another_process_is_left_alone(start):
    server = start(LISTEN_PID=1, LISTEN_FDS=1)
    assert server.status_of("/health") == 200 and "socket_not_used" not in server.log()
