"""nginx: what the site lets through, and what stays inside."""

import http.client
import subprocess
from urllib.parse import urlencode

import pytest
from phone import FORM, WEBHOOK, new_number, new_sid, reply_text, twilio_form
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
