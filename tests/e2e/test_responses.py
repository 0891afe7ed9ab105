"""Whole responses, byte by byte: which headers stand in them, how they are written, and their order."""

import re
import socket
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import pytest
from phone import FORM, WEBHOOK, new_sid, reply_text, twilio_form
from processes import PATIENCE, UicServer
from texts import message

TOKEN = "0123456789abcdef"
SAFE = ("X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nDate: DATE\r\n")
JSON = "Content-Type: application/json; charset=utf-8\r\n"
DATE = re.compile(r"(?<=\r\nDate: )(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    settings = {"WORKERS": "1", "ADMIN_TOKEN": TOKEN, "APP_NAME": "CIU"}
    with UicServer(tmp_path_factory.mktemp("shared"), settings) as server:
        yield server


def error(text, method="GET"):
    body = f'{{"error":"{text}"}}\n'
    return f"Content-Length: {len(body)}\r\n\r\n" + (body if method != "HEAD" else "")


def talk(server, request):
    """All that comes back, until the server closes: behind the request stands one that has it close."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(request.encode() + b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return DATE.sub("DATE", received.decode())


LAST = f"HTTP/1.1 404 Not Found\r\n{JSON}{SAFE}Connection: close\r\n" + error("there is nothing at this path")
NOTHING = f"404 Not Found\r\n{JSON}{SAFE}"

CASES = {
    "a request that keeps the connection": (
        "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
        f"HTTP/1.1 {NOTHING}{error('there is nothing at this path')}{LAST}"),
    "one that says so": (
        "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
        f"HTTP/1.1 {NOTHING}{error('there is nothing at this path')}{LAST}"),
    "one that closes it": (
        "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        f"HTTP/1.1 {NOTHING}Connection: close\r\n{error('there is nothing at this path')}"),
    "one that says both": (
        "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
        f"HTTP/1.1 {NOTHING}Connection: close\r\n{error('there is nothing at this path')}"),
    "a whole address as the target": (
        "GET http://x/nothing HTTP/1.1\r\nHost: x\r\nProxy-Connection: keep-alive\r\n\r\n",
        f"HTTP/1.1 {NOTHING}Connection: close\r\n{error('there is nothing at this path')}"),
    "HEAD": (
        "HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
        f"HTTP/1.1 {NOTHING}{error('there is nothing at this path', 'HEAD')}{LAST}"),
    "HTTP/1.0, whose body ends with the connection": (
        "GET /nothing HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        f"HTTP/1.0 {NOTHING}Connection: close\r\n\r\n" + '{"error":"there is nothing at this path"}\n'),
    "HEAD in HTTP/1.0": (
        "HEAD /nothing HTTP/1.0\r\n\r\n",
        f"HTTP/1.0 {NOTHING}Connection: close\r\n{error('there is nothing at this path', 'HEAD')}"),
    "a header that the method brings": (
        "DELETE /health HTTP/1.1\r\nHost: x\r\n\r\n",
        f"HTTP/1.1 405 Method Not Allowed\r\n{JSON}Allow: GET, HEAD, OPTIONS\r\n{SAFE}"
        f"{error('this path does not take this method')}{LAST}"),
    "a body in chunks": (
        "POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        f"HTTP/1.1 {NOTHING}{error('there is nothing at this path')}{LAST}"),
    "no content": (
        "OPTIONS /health HTTP/1.1\r\nHost: x\r\n\r\n",
        f"HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, OPTIONS\r\n{SAFE}\r\n{LAST}"),
    "no body": (
        "GET /admin/logout HTTP/1.1\r\nHost: x\r\n\r\n",
        f"HTTP/1.1 303 See Other\r\nLocation: /admin\r\n{SAFE}Content-Length: 0\r\n\r\n{LAST}"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_response_is_these_bytes(shared, case):
    request, expected = CASES[case]
    assert talk(shared, request) == expected


def test_a_reply_to_a_message_is_these_bytes(shared):
    form = urlencode(twilio_form("+243810000042", "Bonjour", new_sid()))
    request = (f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
               f"Content-Length: {len(form)}\r\n\r\n{form}")
    answer = talk(shared, request)
    body = answer.removesuffix(LAST).partition("\r\n\r\n")[2]
    text = reply_text(body)
    assert message("welcome") in text
    text = escape(text, {"'": "&apos;", '"': "&quot;"})
    assert body == f'<?xml version="1.0" encoding="UTF-8"?><Response><Message><Body>{text}</Body></Message></Response>'
    assert answer == (f"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\n{SAFE}"
                      f"Content-Length: {len(body.encode())}\r\n\r\n{body}{LAST}")


def test_a_page_may_use_files_of_ours(shared):
    head = talk(shared, "HEAD /admin HTTP/1.1\r\nHost: x\r\n\r\n").removesuffix(LAST)
    assert re.fullmatch(
        r"HTTP/1\.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nETag: \"[0-9a-f]+\"\r\n"
        r"Cache-Control: no-cache\r\nVary: Accept-Encoding\r\nX-Content-Type-Options: nosniff\r\n"
        r"Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'self'; frame-ancestors "
        r"'none'; base-uri 'none'; form-action 'self'\r\nDate: DATE\r\nContent-Length: \d+\r\n\r\n", head), head
