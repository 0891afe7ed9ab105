"""Who sends on behind a request waits in the network, and costs no memory: before the answer, while the
answer is not read, under TLS too."""

import shutil
import ssl
from pathlib import Path
from urllib.parse import urlencode

import pytest
from phone import FORM, WEBHOOK, Phone, new_sid, twilio_form
from processes import UicServer
from test_tls import client, make_certificate, settings
from texts import message

CLIENTS = 20
PUSHED = 3_800_000
# A read of libevent's may bring this much behind what was asked for; the requests themselves are small.
TAKEN_MAX = CLIENTS * 48 * 1024
ROUNDS = 60


@pytest.fixture(params=["clear", pytest.param("tls", marks=pytest.mark.skipif(
    not shutil.which("openssl"), reason="no openssl to make keys with"))])
def server(request, tmp_path, redis):
    keys = {}
    if request.param == "tls":
        make_certificate(tmp_path, "server")
        keys = settings(tmp_path)
    server = UicServer(tmp_path / "server", {"WORKERS": "1", "REDIS_URL": redis.url, **keys})
    server.tls = client(tmp_path) if keys else None
    with server:
        yield server


def taken(server):
    """What the server's process has read: from files, and from sockets by read or readv, so from its
    clients and not from Redis."""
    lines = Path(f"/proc/{server.process.pid}/io").read_text().splitlines()
    return int(lines[0].removeprefix("rchar: "))


def push(connection, bytes_, sent):
    """Sends on as far as the network takes it; how far it got."""
    try:
        while sent < PUSHED:
            sent += connection.send(bytes_[sent % len(bytes_):])
    except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
        pass
    return sent


def push_all(server, connections, bytes_):
    """Each pushes what it can, again and again. Between two rounds the one loop of the server has
    handled all that was ready in it, a request of somebody else's included."""
    sent = [0] * len(connections)
    for connection in connections:
        connection.setblocking(False)
    for _ in range(ROUNDS):
        sent = [push(*one) for one in zip(connections, [bytes_] * CLIENTS, sent)]
        assert server.status_of("/health") == 200
    assert min(sent) > 3 * TAKEN_MAX // CLIENTS, "the network took too little to tell"


def open_all(server, request):
    connections = [server.connect_raw() for _ in range(CLIENTS)]
    for connection in connections:
        connection.sendall(request())
    return connections


def message_request():
    form = urlencode(twilio_form("+243810000077", "Bonjour", new_sid()))
    return (f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
            f"Content-Length: {len(form)}\r\n\r\n{form}").encode()


def test_behind_a_request_that_waits(server, redis):
    redis.pause()
    connections = open_all(server, message_request)
    assert server.status_of("/health") == 200
    before = taken(server)
    push_all(server, connections, message_request() * 40)
    assert taken(server) - before < TAKEN_MAX
    for connection in connections:
        connection.close()
    redis.resume()
    with Phone(server) as phone:
        assert message("welcome") in phone.say("Bonjour")


def test_behind_answers_that_nobody_reads(server):
    page = b"GET /web/page.css HTTP/1.1\r\nHost: x\r\n\r\n"
    connections = open_all(server, lambda: page)
    assert server.status_of("/health") == 200
    before = taken(server)
    push_all(server, connections, page * 400)
    assert taken(server) - before < 2 * TAKEN_MAX
    for connection in connections:
        connection.close()
    with Phone(server) as phone:
        assert message("welcome") in phone.say("Bonjour")
