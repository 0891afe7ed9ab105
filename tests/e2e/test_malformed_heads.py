"""Request heads that two programs could read in two ways, byte for byte. Each is refused, the
connection is closed, and nothing behind it is taken for a request."""

import json
import socket
import threading

import pytest
from phone import FORM, WEBHOOK, exchange_bytes
from processes import PATIENCE, eventually

BODY = b"From=whatsapp%3A%2B243999999998&Body=Bonjour"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
POST = b"POST " + WEBHOOK.encode() + b" HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
TYPE = b"Content-Type: " + FORM.encode() + b"\r\n"
HEAD = POST + HOST + TYPE
NEXT = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"

BAD = {
    "two equal lengths": HEAD + LENGTH + LENGTH + b"\r\n" + BODY,
    "two different lengths": HEAD + LENGTH + b"Content-Length: 5\r\n\r\n" + BODY,
    "two lengths in one header": HEAD + b"Content-Length: 44, 44\r\n\r\n" + BODY,
    "length with plus": HEAD + b"Content-Length: +44\r\n\r\n" + BODY,
    "length with minus": HEAD + b"Content-Length: -44\r\n\r\n" + BODY,
    "hexadecimal length": HEAD + b"Content-Length: 0x2c\r\n\r\n" + BODY,
    "length with a tail": HEAD + b"Content-Length: 44 bytes\r\n\r\n" + BODY,
    "empty length": HEAD + b"Content-Length: \r\n\r\n" + BODY,
    "length and chunked": HEAD + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n" + BODY,
    "length and identity": HEAD + LENGTH + b"Transfer-Encoding: identity\r\n\r\n" + BODY,
    "folded header": HEAD + b"X-A: one\r\n two\r\n" + LENGTH + b"\r\n" + BODY,
    "folded length": HEAD + b"Content-Length:\r\n 44\r\n\r\n" + BODY,
    "fold in the first line": POST + b" X-A: one\r\n" + HOST + TYPE + LENGTH + b"\r\n" + BODY,
    "space before the colon": HEAD + b"Content-Length : 44\r\n\r\n" + BODY,
    "tab before the colon": HEAD + b"X-A\t: one\r\n" + LENGTH + b"\r\n" + BODY,
    "space in a name": HEAD + b"X A: one\r\n" + LENGTH + b"\r\n" + BODY,
    "no name": HEAD + b": one\r\n" + LENGTH + b"\r\n" + BODY,
    "no colon": HEAD + b"X-A\r\n" + LENGTH + b"\r\n" + BODY,
    "bare line feeds": (HEAD + LENGTH + b"\r\n").replace(b"\r\n", b"\n") + BODY,
    "one bare line feed": HEAD + b"X-A: one\n" + LENGTH + b"\r\n" + BODY,
    "bare carriage return": HEAD + b"X-A: one\rX-B: two\r\n" + LENGTH + b"\r\n" + BODY,
    "NUL in a value": HEAD + b"X-A: o\0ne\r\n" + LENGTH + b"\r\n" + BODY,
    "NUL in a name": HEAD + b"X-\0A: one\r\n" + LENGTH + b"\r\n" + BODY,
    "NUL in the path": b"POST " + WEBHOOK.encode() + b"\0 HTTP/1.1\r\n" + HOST + TYPE + LENGTH
                       + b"\r\n" + BODY,
    "control character in a value": HEAD + b"X-A: \x01\r\n" + LENGTH + b"\r\n" + BODY,
    "no host": POST + TYPE + LENGTH + b"\r\n" + BODY,
    "two hosts": POST + HOST + HOST + TYPE + LENGTH + b"\r\n" + BODY,
    "no version": b"POST " + WEBHOOK.encode() + b"\r\n" + HOST + TYPE + LENGTH + b"\r\n" + BODY,
    "no such version": b"GET /health HTTP/9.9\r\n" + HOST + b"\r\n",
    "a word too many": b"GET /health x HTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces": b"GET  /health HTTP/1.1\r\n" + HOST + b"\r\n",
    "no path": b"GET HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tunnel": b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "TLS to a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "noise": bytes(range(128, 256)) + b"\r\n\r\n",
    "chunked with a signed size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "chunked with a huge size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    "chunked with an extension": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\n0\r\n\r\n",
    "chunked with bare line feeds": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
    "chunked twice": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked in a list": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked in disguise": HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a body behind GET": b"GET /health HTTP/1.1\r\n" + HOST + LENGTH + b"\r\n" + BODY,
    "a body behind OPTIONS": b"OPTIONS /health HTTP/1.1\r\n" + HOST + LENGTH + b"\r\n" + BODY,
    "a body behind DELETE": b"DELETE /health HTTP/1.1\r\n" + HOST + LENGTH + b"\r\n" + BODY,
    "a body of nothing behind GET": b"GET /health HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n",
    "a tab before a length": HEAD + b"Content-Length:\t44\r\n\r\n" + BODY,
    "a long header": HEAD + b"X-A: " + b"a" * 70000 + b"\r\n" + LENGTH + b"\r\n" + BODY,
    "many headers": HEAD + b"".join(b"X-%d: a\r\n" % n for n in range(9000)) + LENGTH + b"\r\n",
    "a long path": b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a header without end": HEAD + b"X-A: " + b"a" * 200000,
}
STATUS = {
    "chunked in a list": {411},
    "chunked with a huge size": {413},
    "a tunnel": {400, 405},
    "a body behind DELETE": {405},
    "no such version": {400, 505},
    "a long header": {400, 431},
    "many headers": {400, 431},
    "a long path": {400, 414, 431},
    "a header without end": {400, 431},
}


@pytest.mark.parametrize("what", BAD)
def test_a_malformed_head_is_refused_and_the_connection_closed(shared, what):
    answer = exchange_bytes(shared, BAD[what] + NEXT)
    assert answer.status in STATUS.get(what, {400})
    assert answer.closed
    assert "error" in json.loads(answer.body)


@pytest.mark.parametrize("method", [b"BREW", b"post", b"PROPFIND", b"TRACE"])
def test_an_unknown_method_is_405(shared, method):
    answer = exchange_bytes(shared, method + b" /health HTTP/1.1\r\n" + HOST + b"\r\n")
    assert answer.status == 405
    assert "GET" in answer.headers["Allow"]
    assert "error" in json.loads(answer.body)


def test_a_flood_of_requests_in_one_go_is_answered_one_by_one(shared):
    """Ten thousand requests before the first answer is read: the server takes no more in than it
    answers."""
    count = 10000
    flood = NEXT * (count - 1) + NEXT.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with socket.create_connection(("127.0.0.1", shared.port), timeout=PATIENCE) as connection:
        sender = threading.Thread(target=send_what_goes, args=(connection, flood))
        sender.start()
        received = b"".join(iter(lambda: connection.recv(1 << 20), b""))
        sender.join()
    assert received.count(b"HTTP/1.1 200") == received.count(b"HTTP/1.1 ") == count


def test_a_bad_head_behind_good_ones_closes_the_connection(shared):
    with socket.create_connection(("127.0.0.1", shared.port), timeout=PATIENCE) as connection:
        connection.sendall(NEXT * 3 + b"GET / HTTP/1.1\r\nBad head\r\n\r\n" + NEXT)
        received = b"".join(iter(lambda: connection.recv(1 << 20), b""))
    assert received.count(b"HTTP/1.1 200") <= 3
    assert received.count(b"HTTP/1.1 400") <= 1


def send_what_goes(connection, data):
    try:
        connection.sendall(data)
    except ConnectionError:
        pass


def test_the_same_head_without_the_fault_is_served(shared):
    assert exchange_bytes(shared, HEAD + LENGTH + b"\r\n" + BODY).status == 200


@pytest.mark.parametrize("size", [1, 7, len(BODY)])
def test_the_same_body_in_chunks_is_served(shared, size):
    """As HAProxy and Caddy pass a body of HTTP/2 on that came without a length."""
    pieces = [BODY[at:at + size] for at in range(0, len(BODY), size)] + [b""]
    chunks = b"".join(b"%X\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    head = (HEAD + b"Transfer-Encoding: chunked\r\n\r\n").lower().replace(b"post", b"POST").replace(
        b"http/", b"HTTP/")
    whole = exchange_bytes(shared, HEAD + LENGTH + b"\r\n" + BODY)
    for cuts in ([head + chunks], [head, chunks], [bytes([byte]) for byte in head + chunks]):
        answer = exchange_bytes(shared, *cuts)
        assert (answer.status, answer.closed) == (200, False)
        assert len(answer.body) == len(whole.body)


def test_a_body_in_too_many_chunks_is_refused(shared):
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    assert exchange_bytes(shared, head + b"1\r\nx\r\n" * 6000 + b"0\r\n\r\n").status == 400
    answer = exchange_bytes(shared, head + b"1\r\nx\r\n" * 7000)
    assert (answer.status, answer.closed) == (413, True)
    answer = exchange_bytes(shared, head + (b"4000\r\n" + b"x" * 0x4000 + b"\r\n") * 4 + b"1\r\n")
    assert (answer.status, answer.closed) == (413, True)


def test_a_head_that_comes_byte_by_byte_is_served(shared):
    answer = exchange_bytes(shared, *(bytes([byte]) for byte in HEAD + LENGTH + b"\r\n" + BODY))
    assert answer.status == 200


def test_the_server_lives_on(shared):
    for request in BAD.values():
        exchange_bytes(shared, request)
    eventually(lambda: shared.status_of("/health") == 200, "healthy")
