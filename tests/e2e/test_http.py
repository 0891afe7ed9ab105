"""What the server answers to everything that is not a conversation."""

import json
import socket

import pytest
from phone import FORM, WEBHOOK, exchange_bytes, reply_text
from processes import PATIENCE
from texts import message

FROM = "From=whatsapp%3A%2B243999999999"


def fetch(phone, method, path, body=None, headers=None):
    phone.connection.request(method, path, body, headers or {})
    response = phone.connection.getresponse()
    return response.status, response.headers, response.read().decode()


def error_of(headers, body):
    """The text of a JSON error, the only form that errors have."""
    assert headers.get_content_type() == "application/json"
    error = json.loads(body)
    assert list(error) == ["error"] and error["error"]
    return error["error"]


@pytest.mark.parametrize("path", ["/health", "/whatsapp/health"])
def test_health_says_that_the_process_lives(phone, path):
    status, headers, body = fetch(phone, "GET", path)
    assert status == 200
    assert headers.get_content_type() == "application/json"
    health = json.loads(body)
    assert health["status"] == "healthy"
    assert health["service"] == "Générateur de CIU WhatsApp"
    assert health["version"]


def test_the_service_is_called_as_configured(start):
    name = 'CIU "Goma" \\ é'
    server = start(APP_NAME=name)
    assert json.loads(server.get("/health")[1])["service"] == name
    assert json.loads(server.get("/")[1])["service"] == name


def test_the_root_says_what_runs_here(phone):
    status, _, body = fetch(phone, "GET", "/")
    assert status == 200
    root = json.loads(body)
    assert set(root) == {"service", "version", "environment", "status"}
    assert root["environment"] == "development"
    assert root["status"] == "operational"


def test_ready_tells_the_state_of_the_stores(phone):
    status, _, body = fetch(phone, "GET", "/ready")
    assert status == 200
    assert "database" in json.loads(body)


def test_cleanup_is_gone_and_says_why(phone):
    status, headers, body = fetch(phone, "POST", "/whatsapp/cleanup")
    assert status == 410
    assert "expire" in error_of(headers, body)


@pytest.mark.parametrize("path", ["/nothing", "/health/", "/healthz", "/whatsapp", "//", "/..",
                                  "/whatsapp/webhook/x", "/.env", "/%68ealth%00"])
def test_an_unknown_path_is_404(phone, path):
    status, headers, body = fetch(phone, "GET", path)
    assert status == 404
    error_of(headers, body)


@pytest.mark.parametrize(
    "method, path, allow",
    [("GET", WEBHOOK, "POST"), ("PUT", WEBHOOK, "POST"), ("DELETE", WEBHOOK, "POST"),
     ("POST", "/health", "GET"), ("POST", "/ready", "GET"), ("PATCH", "/", "GET"),
     ("GET", "/whatsapp/cleanup", "POST")],
)
def test_a_wrong_method_is_405_and_says_what_is_allowed(phone, method, path, allow):
    status, headers, body = fetch(phone, method, path)
    assert status == 405
    assert allow in headers["Allow"]
    error_of(headers, body)


@pytest.mark.parametrize(
    "target, allow",
    [(WEBHOOK, "POST, OPTIONS"), ("/whatsapp/meta", "GET, HEAD, POST, OPTIONS"),
     ("/health", "GET, HEAD, OPTIONS"), ("/", "GET, HEAD, OPTIONS"),
     ("/web/phone.js", "GET, HEAD, OPTIONS"), ("/nothing", None), ("*", "GET, HEAD, POST, OPTIONS")],
)
def test_options_tells_what_a_path_takes(phone, target, allow):
    status, headers, body = fetch(phone, "OPTIONS", target)
    assert (status, headers["Allow"]) == ((204, allow) if allow else (404, None))
    if allow:
        assert body == "" and headers["Content-Length"] is None


def test_haproxy_as_it_comes_finds_the_server_well(shared):
    """Its check is `OPTIONS / HTTP/1.0` without anything; 2xx and 3xx are well."""
    answer = exchange_bytes(shared, b"OPTIONS / HTTP/1.0\r\n\r\n")
    assert answer.status == 204 and answer.closed


@pytest.mark.parametrize("path", ["/health", "/", "/simulator", "/nothing", WEBHOOK])
def test_head_gets_what_get_gets_but_for_the_body(phone, path):
    status, headers, body = fetch(phone, "GET", path)
    assert fetch(phone, "HEAD", path)[0] == status
    phone.connection.request("HEAD", path)
    response = phone.connection.getresponse()
    assert response.read() == b""
    assert response.headers["Content-Length"] == headers["Content-Length"] != "0"
    assert response.headers["Content-Type"] == headers["Content-Type"]
    assert fetch(phone, "GET", "/health")[0] == 200, "the same connection is in step"


def test_a_whole_address_as_a_target_is_taken(shared):
    """RFC 9112, 3.2.2. The connection closes behind it, and says so."""
    for target in (b"http://h/health", b"HTTPS://h.example:8443/health?a=b"):
        answer = exchange_bytes(shared, b"GET " + target + b" HTTP/1.1\r\nHost: other\r\n\r\n")
        assert (answer.status, answer.closed) == (200, True)
        assert json.loads(answer.body)["status"] == "healthy"


@pytest.mark.parametrize(
    "body",
    [
        "Body=Bonjour",
        "From=&Body=Bonjour",
        f"From={'1' * 129}&Body=Bonjour",
        f"{FROM}&{FROM}1&Body=Bonjour",
        f"{FROM}&Body=%zz",
        f"{FROM}&Body=%4",
        f"{FROM}&Body=%",
        "From=%ff&Body=Bonjour",
        "",
        "&" * 1000,
    ],
    ids=["no sender", "empty sender", "long sender", "two senders", "no hex", "half an escape",
         "percent at the end", "sender not UTF-8", "empty", "only separators"],
)
def test_a_form_that_is_wrong_or_ambiguous_is_400(phone, body):
    status, headers, answer = phone.post(body)
    assert status == 400, answer
    error_of(headers, answer)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data",
                                          "application/x-www-form-urlencodedx"])
def test_another_content_type_is_refused(phone, content_type):
    status, headers, body = phone.post(f"{FROM}&Body=Bonjour", content_type)
    assert status in (400, 415)
    error_of(headers, body)


@pytest.mark.parametrize("content_type", [f"{FORM}; charset=UTF-8", f"{FORM};charset=utf-8",
                                          FORM.upper()])
def test_the_content_type_may_name_its_charset(phone, content_type):
    assert phone.post(f"{FROM}&Body=Bonjour", content_type)[0] == 200


def test_a_body_of_64_kilobytes_is_read_and_a_longer_one_is_413(shared, phone):
    body = f"From=whatsapp%3A%2B{phone.number[1:]}&Body=Bonjour&Filler="
    full = body + "x" * (65536 - len(body))
    assert phone.post(full)[0] == 200
    head = f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
    answer = exchange_bytes(shared, f"{head}Content-Length: 65537\r\n\r\n{full}x".encode())
    assert answer.status == 413
    error_of(answer.headers, answer.body)


def test_a_body_announced_too_long_is_413_before_it_comes(shared):
    head = f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
    answer = exchange_bytes(shared, f"{head}Content-Length: 1000000000000\r\n\r\n".encode())
    assert answer.status == 413


def test_a_query_is_no_form(phone):
    status, _, _ = fetch(phone, "POST", f"{WEBHOOK}?{FROM}&Body=Bonjour", "",
                         {"Content-Type": FORM})
    assert status == 400


def test_a_path_with_a_query_is_the_same_path(phone):
    assert fetch(phone, "GET", "/health?probe=1")[0] == 200
    phone.connection.request("POST", f"{WEBHOOK}?x=1", f"{FROM}&Body=x", {"Content-Type": FORM})
    assert phone.connection.getresponse().status == 200


def test_error_pages_do_not_repeat_what_was_sent(phone):
    for path in ("/Quixotina", "/health?Quixotina", "/<script>Quixotina"):
        assert "Quixotina" not in fetch(phone, "GET", path)[2]
    _, _, body = phone.post("From=a&Body=Quixotina%ff")
    assert b"Quixotina" not in body


def test_one_connection_serves_many_requests(phone):
    for _ in range(50):
        assert phone.post(f"{FROM}&Body=x&MessageSid=SM1")[0] == 200
        assert fetch(phone, "GET", "/health")[0] == 200
        assert fetch(phone, "GET", "/nothing")[0] == 404


def test_two_requests_in_one_packet_get_two_answers(shared):
    request = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", shared.port), timeout=PATIENCE) as connection:
        connection.sendall(request + request)
        received = b""
        while received.count(b'"healthy"') < 2:
            piece = connection.recv(65536)
            assert piece, received
            received += piece
    assert received.count(b"HTTP/1.1 200") == 2


def test_a_client_that_waits_for_100_continue_is_served(shared):
    body = f"{FROM}9&Body=Bonjour"
    answer = exchange_bytes(
        shared,
        f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
        f"Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    assert answer.status == 200
    assert message("welcome") in reply_text(answer.body)
