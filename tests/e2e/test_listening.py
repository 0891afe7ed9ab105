"""The port stays open while one instance restarts under systemd, which hands a socket over or keeps the one
that the server opened. Nobody who writes meanwhile is refused."""

import array
import os
import socket
import threading
import time
from urllib.parse import urlencode

import pytest
from phone import FORM, WEBHOOK, Phone, new_number, new_sid, twilio_form
from processes import PATIENCE, UicServer, environment_for, eventually, free_port

KEPT = "FDSTORE=1\nFDNAME=listen"
FORGET = "FDSTOREREMOVE=1\nFDNAME=listen"


class Managed(UicServer):
    """A server to which a manager hands sockets over, as sd_listen_fds(3) has it."""

    handed = ()
    names = "whatsapp-uic.socket"

    def spawn(self, arguments, **options):
        fds = [one.fileno() for one in self.handed]
        moves = " ".join(f"{3 + number}<&{fd} {fd}<&-" for number, fd in enumerate(fds))
        assert all(fd > 2 + len(fds) for fd in fds)
        env = {**options.pop("env"), "LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": self.names}
        super().spawn(["bash", "-c", f'export LISTEN_PID=$$; exec "$@" {moves}', "sh", *arguments],
                      env=env, pass_fds=fds, **options)


def listen(port, host="127.0.0.1"):
    listener = socket.create_server((host, port), backlog=1000)
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
        assert refused(server) == 1
    assert set(keeper.listen()) == {FORGET}


def refused(server, *arguments):
    """The code of a server that does not start."""
    server.spawn([server.program, "serve", *arguments],
                 env=environment_for(**{"PORT": server.port, **server.settings}))
    return server.process.wait(PATIENCE)


REFUSED = {
    "a bad value": ({"SESSION_TIMEOUT_MINUTES": "abc"}, []),
    "settings that cannot be read": ({}, ["--env", "nowhere.env"]),
    "a file of questions that is not there": ({"FLOW_FILE": "nowhere.json"}, []),
    "an address of another machine": ({"HOST": "192.0.2.1"}, []),
    "a user whom nobody knows": ({"RUN_AS_USER": "nobody-of-this-name"}, []),
    "an argument that is none": ({}, ["--port"]),
}


@pytest.mark.parametrize("settings, arguments", REFUSED.values(), ids=REFUSED.keys())
def test_a_start_refused_for_its_settings_leaves_the_port(managed, keeper, tmp_path, settings, arguments):
    with listen(free_port()) as listener:
        server = managed([listener], NOTIFY_SOCKET=tmp_path / "notify", **settings)
        server.port, server.names = listener.getsockname()[1], "listen"
        assert refused(server, *arguments) in (1, 2)
    assert FORGET in keeper.listen()


class Forgetful(threading.Thread):
    """The manager, who closes what it is to forget some time after it heard so."""

    def __init__(self, keeper, listener):
        super().__init__()
        self.keeper, self.listener, self.end = keeper, listener, threading.Event()

    def run(self):
        while FORGET not in self.keeper.listen() and not self.end.wait(0.01):
            pass
        self.end.wait(0.2)
        self.listener.close()

    def __enter__(self):
        self.start()

    def __exit__(self, *_):
        self.end.set()
        self.join()


@pytest.mark.parametrize("before, after", [("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "127.0.0.1")])
def test_another_host_takes_the_port_of_the_last_one(managed, keeper, tmp_path, before, after):
    """What is kept of the old address is in the way until the manager has closed it."""
    listener = listen(free_port(), before)
    server = managed([listener], NOTIFY_SOCKET=tmp_path / "notify", HOST=after)
    server.port, server.names = listener.getsockname()[1], "listen"
    with Forgetful(keeper, listener):
        server.start()
    assert keeper.listen()[:2] == [FORGET, KEPT] and keeper.kept[0].getsockname() == (after, server.port)
    assert server.status_of("/health") == 200


def test_a_port_given_up_for_new_tables_is_taken_again(managed, keeper, tmp_path):
    listener = listen(free_port())
    server = managed([listener], NOTIFY_SOCKET=tmp_path / "notify")
    server.port, server.names = listener.getsockname()[1], "listen"
    with Forgetful(keeper, listener):
        server.start()
    assert keeper.listen()[:2] == [FORGET, KEPT]


def post(server, number):
    """A message on its way over a connection of its own."""
    form = urlencode(twilio_form(number, "Bonjour", new_sid(), 0, "Somebody"))
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {FORM}\r\n"
                       f"Content-Length: {len(form)}\r\n\r\n{form}".encode())
    return connection


def test_what_was_abandoned_while_it_waited_is_not_carried_out(managed, redis):
    """Who gave up sends it again; who still waits is answered."""
    port, given_up, patient = free_port(), new_number(), new_number()
    with listen(port) as listener:
        server = managed([listener], REDIS_URL=redis.url, WORKERS=1)
        server.port = port
        with post(server, patient) as waiting:
            post(server, given_up).close()
            time.sleep(1.1)  # longer than a busy server lets people wait
            server.start()
            assert waiting.recv(100).startswith(b"HTTP/1.1 200 ")
        eventually(lambda: server.counts()["uic_connections_abandoned_total"] == 1, "it is counted")
        assert server.counts()["uic_messages_total"] == 1
        with Phone(server, given_up) as phone, Phone(server, new_number()) as stranger:
            assert phone.say("Bonjour") == stranger.say("Bonjour")


def test_a_socket_of_another_address_is_not_used(managed, keeper, tmp_path):
    with listen(free_port()) as other:
        server = managed([other], NOTIFY_SOCKET=tmp_path / "notify")
        server.names = "listen"
        server.start()
        assert "WARNING socket_not_used count=1" in server.log()
        assert keeper.listen()[:2] == [FORGET, KEPT]


def test_what_was_handed_to_another_process_is_left_alone(start):
    server = start(LISTEN_PID=1, LISTEN_FDS=1)
    assert server.status_of("/health") == 200 and "socket_not_used" not in server.log()
