"""More messages than the server may handle at once: those beyond the limit are sent away at once,
the process stays small, and afterwards everything is as before."""

import socket
import time
from pathlib import Path
from urllib.parse import urlencode

from people import UNAVAILABLE, WELCOME
from phone import Phone, new_number, new_sid, reply_text, twilio_form
from processes import PROGRAM, eventually

LIMIT = 500
AT_ONCE_SECONDS = 0.1
# ThreadSanitizer notes four bytes for each one of the program's.
GROWTH_BYTES = (128 if b"__tsan_init" in Path(PROGRAM).read_bytes() else 32) << 20


def request():
    form = urlencode(twilio_form(new_number(), "Bonjour", new_sid())).encode()
    return (b"POST /whatsapp/webhook HTTP/1.1\r\nHost: x\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%b"
            % (len(form), form))


def resident_bytes(server):
    status = open(f"/proc/{server.process.pid}/status", encoding="ascii").read()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def answer_of(connection):
    """(head, body) of one answer."""
    head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head, body


def test_what_is_too_much_is_sent_away_at_once_and_nothing_else_changes(set_up):
    stage = set_up("sqlite", workers=1, settings={"MAX_IN_FLIGHT": LIMIT})
    server = stage.instances[0]
    crowd = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(LIMIT)]
    probe = socket.create_connection(("127.0.0.1", server.port))
    before = resident_bytes(server)
    times = []
    stage.redis.pause()
    try:
        for connection in crowd:
            connection.sendall(request())
        assert server.status_of("/health") == 200  # the one loop is past them all now
        for _ in range(20):
            began = time.monotonic()
            probe.sendall(request())
            head, _ = answer_of(probe)
            times.append(time.monotonic() - began)
            assert b" 503 " in head.splitlines()[0] and b"retry-after:" in head.lower(), head
    finally:
        stage.redis.resume()
    assert sorted(times)[len(times) // 2] < AT_ONCE_SECONDS, times
    for connection in crowd:
        head, body = answer_of(connection)
        assert b" 200 " in head.splitlines()[0]
        assert WELCOME in reply_text(body) or reply_text(body) == UNAVAILABLE
        connection.close()
    assert resident_bytes(server) - before < GROWTH_BYTES
    eventually(lambda: server.status_of("/ready") == 200, "ready again")
    with Phone(server) as phone:
        assert WELCOME in phone.say("Bonjour")
