"""TLS on the server's own port, for those who have no nginx in front of it."""

import json
import shutil
import signal
import socket
import ssl
import subprocess
import warnings

import pytest
from memory import read_image
from phone import Phone
from processes import PATIENCE, UicServer, eventually, run_program
from texts import JEAN, code_in, code_of

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make keys with")
pytestmark = needs_openssl


def make_certificate(directory, name):
    """A certificate of its own maker, and its key, in certificate.pem and key.pem."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", directory / "key.pem", "-out", directory / "certificate.pem"],
        check=True, capture_output=True)


def client(directory, **versions):
    """What a client knows that trusts the certificate of this directory."""
    context = ssl.create_default_context(cafile=directory / "certificate.pem")
    for name, value in versions.items():
        setattr(context, name, value)
    return context


def settings(directory):
    return {"TLS_CERT_FILE": directory / "certificate.pem", "TLS_KEY_FILE": directory / "key.pem"}


@pytest.fixture
def keys(tmp_path):
    directory = tmp_path / "keys"
    directory.mkdir()
    make_certificate(directory, "first")
    return directory


@pytest.fixture
def serve(tmp_path, keys):
    """serve(NAME=value, ...) -> a server that speaks TLS."""
    servers = []

    def start(**more):
        server = UicServer(tmp_path / f"server{len(servers)}", {**settings(keys), **more})
        server.tls = client(keys)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop()


def open_tls(server, context=None):
    server.tls = context or server.tls
    return server.connect_raw()


def name_of(connection):
    """The name in the certificate that was shown."""
    return dict(pair for (pair,) in connection.getpeercert()["subject"])["commonName"]


def test_a_conversation_over_tls_gets_its_code(serve):
    server = serve()
    with Phone(server) as phone:
        assert code_in(phone.say_all("Bonjour", *JEAN)) == code_of(JEAN)
    assert server.get("/health")[0] == 200


def test_only_tls_1_2_and_later_is_spoken(serve, keys):
    server = serve()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = client(keys, minimum_version=version, maximum_version=version)
        with open_tls(server, context) as connection:
            assert connection.version() in ("TLSv1.2", "TLSv1.3")
            assert "GCM" in connection.cipher()[0] or "CHACHA20" in connection.cipher()[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python knows, too, that it is old
        old = client(keys, minimum_version=ssl.TLSVersion.TLSv1,
                     maximum_version=ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(OSError):
        open_tls(server, old)
    server.tls = client(keys)


def test_who_speaks_no_tls_is_closed_without_an_answer(serve):
    server = serve()
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b"HTTP/1.1" not in received
    assert server.get("/health")[0] == 200


def test_a_malformed_head_is_refused_over_tls_too(serve):
    server = serve()
    with open_tls(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    assert received.startswith(b"HTTP/1.1 400 ")
    assert json.loads(received.partition(b"\r\n\r\n")[2])["error"]


def test_a_large_body_and_many_requests_on_one_connection(serve):
    server = serve()
    with Phone(server) as phone:
        head = f"From=whatsapp%3A%2B{phone.number[1:]}&Body=Bonjour&Filler="
        for _ in range(20):
            assert phone.post(head + "x" * (65536 - len(head)))[0] == 200
        assert phone.post(head + "x" * 65536)[0] == 413


def test_sighup_shows_the_new_certificate_to_those_who_come(serve, keys):
    server = serve()
    with open_tls(server) as connection:
        assert name_of(connection) == "first"
        make_certificate(keys, "second")
        server.signal(signal.SIGHUP)
        server.tls = client(keys)
        eventually(lambda: "tls_reloaded" in server.log(), "reloaded")
        with open_tls(server) as new:
            assert name_of(new) == "second"
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def test_a_broken_certificate_is_told_and_the_old_one_stays(serve, keys):
    server = serve()
    (keys / "certificate.pem").write_text("-----BEGIN CERTIFICATE-----\nx\n")
    server.signal(signal.SIGHUP)
    eventually(lambda: "tls_not_reloaded" in server.log(), "told")
    with open_tls(server) as connection:
        assert name_of(connection) == "first"


def test_without_tls_sighup_changes_nothing(start):
    server = start()
    server.signal(signal.SIGHUP)
    eventually(lambda: "nothing_to_reload" in server.log(), "told")
    assert server.status_of("/health") == 200


def test_who_never_greets_is_closed(serve):
    server = serve(HEAD_TIMEOUT_SECONDS=1)
    for sent in (b"", b"\x16\x03\x01\x02\x00\x01\x00"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
            connection.sendall(sent)
            assert connection.recv(4096) == b""


def test_too_many_connections_are_closed(serve):
    server = serve(WORKERS=1, MAX_CONNECTIONS=16)
    kept = []

    def refused():
        try:
            kept.append(open_tls(server))
        except OSError:
            return True

    eventually(refused, "refused")
    for connection in kept:
        connection.close()
    eventually(lambda: server.status_of("/health") == 200, "room again")


def test_nothing_that_was_said_is_in_a_core_image(serve):
    from test_privacy import NAMES, register_crowd

    server = serve(WORKERS=2)
    register_crowd(server, 24)
    eventually(lambda: "uic_connections_total" in server.get("/metrics")[1], "others are gone")
    image = read_image(server.process.pid).lower()
    found = [image.find(name.lower().encode()) for name in NAMES]
    assert set(found) == {-1}, [image[max(0, at - 200):at + 100] for at in found if at >= 0]


@pytest.mark.parametrize("missing", ["TLS_CERT_FILE", "TLS_KEY_FILE"])
def test_one_file_without_the_other_is_told(tmp_path, keys, missing):
    done = run_program("serve", cwd=tmp_path, **{**settings(keys), missing: None})
    assert done.returncode == 1
    assert "TLS_KEY_FILE" in done.stderr and "TLS_CERT_FILE" in done.stderr


def test_a_key_of_another_certificate_is_told(tmp_path, keys):
    (tmp_path / "other").mkdir()
    make_certificate(tmp_path / "other", "other")
    mixed = {**settings(keys), "TLS_KEY_FILE": tmp_path / "other/key.pem"}
    for command in ("serve", "check"):
        done = run_program(command, cwd=tmp_path, **mixed)
        assert done.returncode == 1
        assert "TLS_KEY_FILE" in done.stdout + done.stderr


def test_check_tells_until_when_the_certificate_is_good(tmp_path, keys):
    assert run_program("init-db", cwd=tmp_path).returncode == 0
    done = run_program("check", cwd=tmp_path, **settings(keys))
    assert done.returncode == 0, done.stdout
    assert "TLS: good until " in done.stdout
