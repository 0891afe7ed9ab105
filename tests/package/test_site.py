"""nginx: what the site lets through, and what stays inside."""

import http.client
import socket
import subprocess
import threading
from urllib.parse import urlencode

import pytest
from phone import FORM, WEBHOOK, new_number, new_sid, reply_text, twilio_form
from processes import eventually
from production import Nginx
from texts import message


@pytest.fixture
def nginx(start, tmp_path):
    servers = [start(), start()]
    nginx = Nginx(tmp_path / "nginx", [server.port for server in servers])
    nginx.start()
    yield nginx
    nginx.stop()


def status_of(nginx, path):
    connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
    connection.request("GET", path)
    return connection.getresponse().status


def test_nginx_takes_the_site_as_it_comes(installed, tmp_path):
    site = installed / "etc/nginx/sites-available/whatsapp-uic"
    main = tmp_path / "nginx.conf"
    main.write_text(f"pid {tmp_path}/pid; error_log stderr; events {{}}\n"
                    f"http {{ access_log off; include {site}; }}\n")
    done = subprocess.run(["/usr/sbin/nginx", "-t", "-q", "-c", main], capture_output=True, text=True)
    lines = [line for line in done.stderr.splitlines() if "could not open error log" not in line]
    assert done.returncode == 0 and not lines, done.stderr


def test_messages_come_through(nginx):
    assert status_of(nginx, "/ready") == 200
    body = urlencode(twilio_form(new_number(), "Bonjour", new_sid()))
    connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
    connection.request("POST", WEBHOOK, body, {"Content-Type": FORM})
    assert message("welcome") in reply_text(connection.getresponse().read())


@pytest.mark.parametrize("path", ["/metrics", "/simulator", "/simulator/app.js"])
def test_what_is_not_for_the_world(nginx, path):
    assert status_of(nginx, "/health") == 200
    assert status_of(nginx, path) == 404


def chunked(body, size):
    """In an HTTP client's chunks of this size."""
    return (body[at:at + size] for at in range(0, len(body), size))


@pytest.mark.parametrize("path, length", [(WEBHOOK, 60000), ("/whatsapp/meta", 3000000)])
def test_no_body_is_written_to_disk(nginx, path, length):
    for body in (b" " * length, chunked(b" " * length, 4096)):
        connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
        connection.request("POST", path, body, {"Content-Type": FORM})
        assert connection.getresponse().status in (400, 404, 413)
        connection.close()
    assert "temporary file" not in (nginx.directory / "error.log").read_text()


def test_the_log_has_nothing_behind_a_question_mark(nginx):
    assert status_of(nginx, "/health?secret=Quixopolis") == 200
    query = "hub.mode=subscribe&hub.verify_token=verify-Zephyrbaum&hub.challenge=1"
    assert status_of(nginx, f"/whatsapp/meta?{query}") in (403, 404)
    connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
    connection.request("GET", "/health", headers={"Referer": "https://a.b/?verify-Zephyrbaum"})
    connection.getresponse().read()

    def log():
        return (nginx.directory / "access.log").read_text()

    eventually(lambda: log().count(" 200 ") == 2, "both are in the log")
    assert '"GET /health HTTP/1.1" 200 ' in log() and '"GET /whatsapp/meta HTTP/1.1" 40' in log()
    for path in nginx.directory.glob("*.log"):
        assert not any(word in path.read_text() for word in ("Quixopolis", "Zephyrbaum", "?")), path


class Listener:
    """In the service's place: what nginx says to it."""

    def __init__(self, tmp_path):
        self.socket = socket.create_server(("127.0.0.1", 0))
        port = self.socket.getsockname()[1]
        self.nginx = Nginx(tmp_path / "nginx", [port, port])
        self.nginx.start()
        self.heads = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.socket.accept()
            with connection:
                self.heads.append(connection.recv(65536).decode().lower())
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def head_of(self, method, path, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.nginx.port, timeout=10)
        connection.request(method, path, headers=dict(headers))
        assert connection.getresponse().status == 200
        return self.heads.pop().split("\r\n")


@pytest.fixture
def listener(tmp_path):
    listener = Listener(tmp_path)
    yield listener
    listener.nginx.stop()
    listener.socket.close()


def test_connections_are_kept_for_messages_only(listener):
    for method, path, kept in [("POST", WEBHOOK, True), ("POST", "/whatsapp/meta", True),
                               ("POST", WEBHOOK + "?a=b", True), ("GET", "/whatsapp/meta", False),
                               ("HEAD", WEBHOOK, False), ("OPTIONS", WEBHOOK, False),
                               ("POST", "/admin/login", False), ("POST", "/whatsapp/webhook/x", False),
                               ("GET", "/health", False), ("DELETE", "/", False)]:
        head = listener.head_of(method, path)
        assert ("connection: close" in head) != kept, (method, path)


def test_nobody_says_for_himself_who_he_is(listener):
    forged = {"X-Forwarded-For": "198.51.100.66", "X-Forwarded-Proto": "gopher", "Connection": "x-a"}
    head = listener.head_of("GET", "/health", forged)
    assert [line for line in head if line.startswith("x-forwarded")] == [
        "x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http"]


def refusal_of(nginx, path, length):
    connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
    connection.request("POST", path, b" " * length)
    response = connection.getresponse()
    return response.status, b"nginx" in response.read()


def test_only_metas_webhook_takes_large_requests(nginx):
    """Meta's settings are not there: what nginx lets through, the server refuses."""
    assert refusal_of(nginx, "/whatsapp/meta", 60000) == (404, False)
    assert refusal_of(nginx, "/whatsapp/meta", 100000) == (413, False)
    assert refusal_of(nginx, "/whatsapp/meta", 4000000) == (413, True)
    assert refusal_of(nginx, "/whatsapp/webhook", 100000) == (413, True)
