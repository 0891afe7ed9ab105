"""HAProxy, Caddy and Apache in front, as the guide writes their configuration: each takes it, and signed
messages come through with the address of whom they are from."""

import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from phone import FORM, WEBHOOK, Phone
from processes import PATIENCE, Process, UicServer, eventually, free_port
from production import ROOT
from texts import JEAN, code_in

HOST, VISITOR, FORGED = "ciu.example.org", "127.0.0.7", "198.51.100.66"
PRODUCTION = {"ENVIRONMENT": "production", "ADMIN_TOKEN": "admin-Token_1234567", "PUBLIC_URL": f"https://{HOST}",
              "TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "0123456789abcdef0123456789abcdef",
              "UIC_SALT": "zR0q3mVYkK8wQvJ5d2T7xN9bLhCeFgUoAiSpE1tXyWs", "WORKERS": 2,
              "RUN_AS_USER": "root" if os.getuid() == 0 else None}
APACHE = ["mpm_event", "authz_core", "socache_shmcb", "ssl", "headers", "proxy", "proxy_http"]


def from_guide(language):
    guide = (ROOT / "docs/guide-deploiement.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", guide, re.M | re.S)
    return block


def adapted(text, *changes):
    """Each change is of something that is there."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def haproxy(folder, port, upstream):
    """With the defaults of Debian's own file."""
    defaults = Path("/etc/haproxy/haproxy.cfg").read_text().partition("\ndefaults")
    text = adapted(from_guide("haproxy"), ("bind :443", f"bind 127.0.0.1:{port}"), ("127.0.0.1:8000", upstream),
                   ("/etc/haproxy/ciu.pem", str(folder / "both.pem")))
    (folder / "haproxy.cfg").write_text("".join(defaults[1:]) + "\n" + text)
    command = ["/usr/sbin/haproxy", "-f", str(folder / "haproxy.cfg")]
    return [*command, "-c", "-q"], command


def caddy(folder, port, upstream):
    """With a certificate that is there already: it would ask for one."""
    text = adapted(from_guide("caddyfile"), ("127.0.0.1:8000", upstream), (
        f"{HOST} {{\n", f"{HOST}:{port} {{\n    bind 127.0.0.1\n    tls {folder}/cert.pem {folder}/key.pem\n"))
    (folder / "Caddyfile").write_text("{\n    admin off\n    auto_https disable_redirects\n}\n" + text)
    options = ["--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    return ["/usr/bin/caddy", "validate", *options], ["/usr/bin/caddy", "run", *options]


def apache(folder, port, upstream):
    """With the modules that the guide's a2enmod loads, in a virtual host of the domain."""
    modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in APACHE)
    text = adapted(from_guide("apache"), ("127.0.0.1:8000", upstream))
    (folder / "apache.conf").write_text(
        f"ServerRoot {folder}\nServerName {HOST}\nPidFile {folder}/pid\nDefaultRuntimeDir {folder}\n{modules}"
        f"Listen 127.0.0.1:{port}\nErrorLog {folder}/error.log\nUser www-data\nGroup www-data\nDocumentRoot /var/www\n"
        "<Directory />\nAllowOverride None\n</Directory>\n"
        f"<VirtualHost *:{port}>\nServerName {HOST}\nSSLEngine on\nSSLCertificateFile {folder}/cert.pem\n"
        f"SSLCertificateKeyFile {folder}/key.pem\n{text}</VirtualHost>\n")
    command = ["/usr/sbin/apache2", "-f", str(folder / "apache.conf")]
    return [*command, "-t"], [*command, "-DFOREGROUND"]


class Front(Process):
    """A proxy; visitors come to it by TLS from VISITOR."""

    def __init__(self, folder, server, prepare):
        super().__init__(folder)
        self.settings = server.settings
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "9", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
                        "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True)
        (folder / "both.pem").write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
        self.port = free_port()
        syntax, command = prepare(folder, self.port, f"127.0.0.1:{server.port}")
        assert os.access(syntax[0], os.X_OK), f"{syntax[0]} is missing: scripts/packages.sh installs it for these tests"
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder)}
        done = subprocess.run(syntax, capture_output=True, text=True, env=environment, timeout=PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr
        self.said = done.stdout + done.stderr
        self.spawn(command, env=environment)
        eventually(lambda: not self.running or self.listens(), "the proxy listens")
        assert self.running, self.log()

    def listens(self):
        try:
            self.connect().close()
            return True
        except OSError:
            return False

    def connect(self):
        context = ssl.create_default_context(cafile=self.directory / "cert.pem")
        connection = http.client.HTTPConnection(HOST, timeout=PATIENCE)
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE, (VISITOR, 0))
        connection.sock = context.wrap_socket(plain, server_hostname=HOST)
        return connection

    def ask(self, method, path, body=None, **headers):
        connection = self.connect()
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        found = response.status, response.read()
        connection.close()
        return found


@pytest.fixture(scope="module", params=[haproxy, caddy, apache], ids=lambda prepare: prepare.__name__)
def front(request, server, tmp_path_factory):
    front = Front(tmp_path_factory.mktemp("front"), server, request.param)
    yield front
    front.signal(signal.SIGTERM)
    front.process.wait(PATIENCE)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = UicServer(tmp_path_factory.mktemp("server"), PRODUCTION)
    server.start()
    yield server
    server.stop()


def test_it_finds_nothing_to_say_of_the_guides_lines(front):
    ours = ("is not formatted", "OCSP", "redirects are disabled")  # of what the test adds
    said = [line for line in front.said.splitlines() if not any(text in line for text in ours)]
    assert not [line for line in said if re.search(r"warn|alert|deprecat", line, re.I)], said


def test_a_signed_conversation_comes_through(front):
    with Phone(front) as phone:
        assert code_in(phone.say_all("Bonjour", *JEAN))


def test_the_address_is_the_visitors_whatever_he_says(front, server):
    before = server.log().count(f" client={VISITOR}")
    status, _ = front.ask("POST", WEBHOOK, "Body=x", Content_Type=FORM, X_Forwarded_For=FORGED)
    assert status == 400
    eventually(lambda: server.log().count(f" client={VISITOR}") > before, "it is told")
    assert FORGED not in server.log()


@pytest.mark.parametrize("path", ["/metrics", "/metrics?x=1", "/%6detrics", "//metrics", "/simulator", "/simulator/send"])
def test_what_is_not_for_the_world(front, path):
    assert front.ask("GET", "/health")[0] == 200
    for headers in ({}, {"X_Forwarded_For": "127.0.0.1"}):
        status, body = front.ask("GET", path, **headers)
        assert status in (401, 404) and b"uic_" not in body, (path, body)
        assert status == 404 or path in ("/%6detrics", "//metrics")


def test_what_is_too_long_is_refused(front):
    assert front.ask("POST", WEBHOOK, b" " * 100_000, Content_Type=FORM)[0] == 413
