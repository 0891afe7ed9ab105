"""From an alert to a mail that arrives: the Alertmanager of the distribution with the file of the package."""

import re
import socketserver
import subprocess
import threading

import pytest
from processes import Process, eventually, free_port


class MailServer(socketserver.ThreadingTCPServer):
    """SMTP, as far as one mail needs it; mails: what arrived."""

    daemon_threads = True

    def __init__(self):
        self.mails = []
        super().__init__(("127.0.0.1", 0), Session)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self):
        self.say("220 mail.example.org")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self.say("354 go on")
                mail = b""
                for text in self.rfile:
                    if text == b".\r\n":
                        break
                    mail += text
                self.server.mails.append(mail.decode())
            self.say("221 bye" if word == b"QUIT" else "250 ok")
            if word == b"QUIT":
                return


class Alertmanager(Process):
    def __init__(self, folder, config):
        super().__init__(folder)
        folder.mkdir(exist_ok=True)
        (folder / "alertmanager.yml").write_text(config, encoding="utf-8")
        self.url = f"http://127.0.0.1:{free_port()}"

    def start(self):
        self.spawn(["prometheus-alertmanager", f"--config.file={self.directory}/alertmanager.yml",
                    f"--storage.path={self.directory}", f"--web.listen-address={self.url.rpartition('/')[2]}",
                    "--cluster.listen-address="])

    def tool(self, *arguments):
        return subprocess.run(["amtool", *arguments, f"--alertmanager.url={self.url}"], capture_output=True, text=True)


@pytest.fixture
def mails():
    with MailServer() as server:
        yield server
        server.shutdown()


def test_an_alert_becomes_a_mail(root, tmp_path, mails):
    config = (root / "packaging/prometheus/alertmanager.yml").read_text(encoding="utf-8")
    config = config.replace("smtp.example.org:587", f"127.0.0.1:{mails.server_address[1]}")
    config = re.sub(r"  smtp_auth_.*\n", "", config).replace("group_wait: 30s", "group_wait: 1s")
    config = config.replace("global:\n", "global:\n  smtp_require_tls: false\n")
    manager = Alertmanager(tmp_path / "alertmanager", config)
    manager.start()
    try:
        eventually(lambda: manager.tool("alert").returncode == 0, "it answers")
        for severity in ("info", "critical"):
            done = manager.tool("alert", "add", "UicEssai", f"severity={severity}", f"--annotation=summary={severity}")
            assert done.returncode == 0, done.stderr
        eventually(lambda: mails.mails, "a mail arrives")
    finally:
        manager.process.terminate()
        manager.process.wait()
    mail, = mails.mails
    assert "Subject: [CIU] critical" in mail and "alertes@example.org" in mail


def test_the_file_is_good_as_it_stands(root):
    for command in (["amtool", "check-config", "alertmanager.yml"], ["promtool", "check", "config", "prometheus.yml"]):
        done = subprocess.run(command, cwd=root / "packaging/prometheus", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
