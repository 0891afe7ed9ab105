"""`check --public` before a real nginx: what it tells of each kind of certificate, in one line."""

import os
import shutil
import socket
import subprocess
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from processes import PATIENCE, Process, eventually, free_port, run_program
from test_check_quiet import PRODUCTION

HEAD = """\
daemon off; master_process off; pid nginx.pid; error_log error.log warn;
events {{ }}
{user}http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
uwsgi_temp_path uwsgi; scgi_temp_path scgi;
"""
SITE = """server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {name}.pem; ssl_certificate_key key.pem;
location / {{ proxy_pass http://127.0.0.1:{upstream}; }} }}
"""
AUTHORITY = """[ca]
default_ca = ours
[ours]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""
# name: (days it is good for, host name)
CERTIFICATES = {"three": (3, "localhost"), "twenty": (20, "localhost"), "long": (200, "localhost"), "hours": (0.4, "localhost"),
                "over": (-2, "localhost"), "other": (200, "other.example.org"), "later": (200, "localhost"), "ours": (200, "localhost")}


class Certificates:
    """Signed by an authority of our own, but the last one, which vouches for itself."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "ca.cnf").write_text(AUTHORITY)
        (folder / "index.txt").touch()
        self.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 900 -subj /CN=authority "
                     "-keyout authority.key -out authority.pem")
        self.openssl("ecparam -name prime256v1 -genkey -noout -out key.pem")
        for name, (days, host) in CERTIFICATES.items():
            self.make(name, days, host)

    def make(self, name, days, host):
        now = datetime.now(timezone.utc)
        begin = now + timedelta(days=1) if name == "later" else now - timedelta(days=90)
        stamps = [at.strftime("%Y%m%d%H%M%SZ") for at in (begin, now + timedelta(days=days))]
        self.openssl(f"req -new -key key.pem -subj /CN={host} -addext subjectAltName=DNS:{host} -out {name}.csr")
        signer = "-selfsign -keyfile key.pem" if name == "ours" else "-keyfile authority.key -cert authority.pem"
        self.openssl(f"ca -batch -notext -config ca.cnf {signer} -startdate {stamps[0]} -enddate {stamps[1]} "
                     f"-in {name}.csr -out {name}.pem")

    def openssl(self, line):
        subprocess.run(["openssl", *line.split()], cwd=self.folder, check=True, capture_output=True, timeout=PATIENCE)


@pytest.fixture(scope="module")
def ask(shared, tmp_path_factory):
    """ask(certificate, options) -> exit code and the lines about the public address."""
    folder = tmp_path_factory.mktemp("public")
    Certificates(folder)
    ports = {name: free_port() for name in CERTIFICATES}
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(HEAD.format(user=user) + "".join(
        SITE.format(port=port, name=name, upstream=shared.port) for name, port in ports.items()) + "}\n")
    nginx = Process(folder)
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    nginx.spawn([program, "-p", f"{folder}/", "-c", "nginx.conf", "-e", "error.log"])
    for port in ports.values():
        eventually(lambda port=port: not nginx.running or answers(port), "nginx listens")
    assert nginx.running, nginx.log()

    def run(name, *options, **settings):
        settings = {**PRODUCTION, "PUBLIC_URL": f"https://localhost:{ports[name]}",
                    "SSL_CERT_FILE": folder / "authority.pem", **settings}
        done = run_program("check", "--public", *options, cwd=folder, **settings)
        return done.returncode, [line for line in done.stdout.splitlines() if "public: " in line]

    assert run_program("init-db", cwd=folder).returncode == 0
    yield run
    nginx.kill()


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def test_certificates_have_ports_of_their_own():
    """Before two of them had the same one now and then, and nginx showed the first one's for both."""
    assert len({free_port() for _ in range(500)}) == 500


@pytest.mark.parametrize("name, verdict, told, codes", [
    ("long", "ok  ", " answers; its certificate ends in 200 days", (0, 0)),
    ("twenty", "ok  ", " answers; its certificate ends in 20 days", (0, 0)),
    ("three", "hint", " answers; its certificate ends in 3 days: sudo certbot renew", (0, 1)),
    ("hours", "hint", " answers; its certificate ends within a day: sudo certbot renew", (0, 1)),
    ("over", "bad ", ": its certificate is over: sudo certbot renew", (1, 2)),
    ("later", "bad ", ": its certificate is not good yet: see timedatectl", (1, 2)),
    ("other", "bad ", ": its certificate is for another name: sudo certbot --nginx -d localhost", (1, 2)),
    ("ours", "bad ", ": nobody known has signed its certificate: sudo certbot --nginx -d localhost", (1, 2))])
def test_each_certificate_is_told_in_one_line(ask, name, verdict, told, codes):
    code, lines = ask(name)
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"{verdict}  public: https://localhost:") and told in lines[0]
    assert code == codes[0]
    code, lines = ask(name, "--quiet")
    assert code == codes[1] and len(lines) == (codes[1] > 0)


def test_an_authority_that_is_not_told_is_unknown(ask):
    code, lines = ask("long", SSL_CERT_FILE=None)
    assert code == 1 and len(lines) == 1 and "nobody known has signed its certificate" in lines[0]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """site(answer to each path) -> settings of a public address that answers so; no TLS."""
    servers = []

    def start_site(pages):
        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                status, head, body = pages.get(self.path, (404, {}, b"nothing"))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **head}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.path = "POST " + self.path
                self.answer()

            do_GET = answer

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever).start()
        return {"PUBLIC_URL": f"http://localhost:{server.server_port}", "ENVIRONMENT": "development"}

    yield start_site
    for server in servers:
        server.shutdown()
        server.server_close()


HEALTHY = (200, {}, b'{"status": "healthy", "service": "x", "version": "1"}')
REFUSED = (400, {}, b'{"error": "X-Twilio-Signature is missing"}')


@pytest.mark.parametrize("pages, told", [
    ({"/health": (200, {"Content-Type": "text/html"}, b"<html>" + b"x" * 9000)}, "answers 200 with a web page, not this service"),
    ({"/health": (200, {"Content-Type": "text/plain"}, b"x" * 9000)}, "answers 200, and not as this service does"),
    ({"/health": (200, {"Content-Type": "text/html"}, b'<html>"healthy"</html>')}, "answers 200 with a web page"),
    ({"/health": (301, {"Location": "https://autre.example.org/\x1b[2Jhealth"}, b"")},
     "answers 301 and leads to https://autre.example.org/"),
    ({"/health": HEALTHY, "POST /autre": REFUSED}, "answers, but /whatsapp/webhook does not take messages (404)"),
    ({"/health": HEALTHY, "POST /whatsapp/webhook": (403, {}, b"<html>Forbidden")}, "does not take messages (403)"),
])
def test_whoever_else_answers_is_told_as_what_he_is(site, tmp_path, pages, told):
    settings = {**site(pages), "DATABASE_URL": "sqlite:///:memory:"}
    done = run_program("check", "--public", cwd=tmp_path, **settings)
    (line,) = [line for line in done.stdout.splitlines() if "public: " in line]
    assert done.returncode == 1 and line.startswith("bad ") and told in line, line
    assert "\x1b" not in line and "Failed writing" not in line


def test_another_server_than_ours_is_told(ask, shared, start):
    """The DNS, or the proxy, still leads to the old one."""
    code, lines = ask("long", PORT=str(shared.port))
    assert code == 0 and lines[0].startswith("ok  "), lines
    code, lines = ask("long", PORT=str(start().port))
    assert lines[0].startswith("hint") and "from another server than this machine's: see the DNS" in lines[0]
    code, lines = ask("long", PORT=str(shared.port), WEBHOOK_PATH="/autre/chemin")
    assert code == 1 and "/autre/chemin does not take messages (404)" in lines[0]
