"""How the server starts, ends, and is killed."""

import http.client
import signal
import socket
import threading
from urllib.parse import urlencode

import pytest
from phone import FORM, WEBHOOK, Phone, new_sid, reply_text, twilio_form
from processes import eventually, run_program
from texts import JEAN, code_in, code_of, message, question


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_the_server_ends_well(start, number):
    server = start()
    with Phone(server) as phone:
        phone.say("Bonjour")  # the connection stays open and does not hold the server
        server.signal(number)
        server.wait()


def test_what_is_in_flight_is_finished(start, redis):
    server = start(REDIS_URL=redis.url, WORKERS=1)
    with Phone(server) as phone:
        phone.say("Bonjour")
        redis.pause()
        try:
            form = urlencode(twilio_form(phone.number, "1985", new_sid()))
            phone.connection.request("POST", WEBHOOK, form, {"Content-Type": FORM})
            assert server.status_of("/health") == 200  # the one loop is past our message now
            server.terminate()
        finally:
            redis.resume()
        response = phone.connection.getresponse()
        assert response.status == 200
        assert question(1) in reply_text(response.read())
        server.wait()


def test_a_load_balancer_hears_of_the_stop_before_the_port_closes(start):
    server = start(STOP_DELAY_SECONDS=60)
    with Phone(server) as phone:
        phone.say("Bonjour")
        server.terminate()
        eventually(lambda: server.status_of("/ready") == 503, "not ready")
        assert server.status_of("/health") == 200
        with Phone(server, phone.number) as again:
            assert question(1) in again.say("1985")
    server.kill()


def test_a_stopped_server_takes_no_new_connections(start):
    server = start()
    server.terminate()
    server.wait()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


def test_a_code_that_was_told_survives_kill_9(start, tmp_path):
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/records.db"}
    server = start(**settings)
    for index in range(10):
        answers = (*JEAN[:4], f"Kabila{chr(97 + index)}")
        with Phone(server) as phone:
            told = code_in(phone.say_all("Bonjour", *answers))
        assert told == code_of(answers)
        server.kill()
        assert told in [row["uic_code"] for row in server.records()]
        server = start(**settings)


def test_codes_told_to_many_at_once_survive_kill_9(start):
    server = start()
    told = []

    def register(index):
        try:
            with Phone(server) as phone:
                for round_ in range(1000):
                    letters = str(round_).translate(str.maketrans("0123456789", "bdfgklmnpt"))
                    answers = (str(1930 + round_ % 80), *JEAN[1:3], "7", f"Kabila{chr(97 + index)}{letters}")
                    told.append(code_in(phone.say_all("Bonjour", *answers)))
                    if len(told) >= 40:
                        enough.set()
        except (OSError, http.client.HTTPException):
            pass  # the server is gone

    enough = threading.Event()
    threads = [threading.Thread(target=register, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    enough.wait(60)
    server.kill()
    for thread in threads:
        thread.join()
    assert len(told) >= 40
    assert set(told) <= {row["uic_code"] for row in server.records()}


def test_a_restarted_server_knows_who_was_registered(start, tmp_path):
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/records.db"}
    server = start(**settings)
    with Phone(server) as phone:
        phone.say_all("Bonjour", *JEAN)
    server.stop()
    with Phone(start(**settings), phone.number) as again:
        assert again.say_all("Bonjour", *JEAN) == message("existing_code", code=code_of(JEAN))


def test_a_bad_configuration_is_told_all_at_once_and_without_secrets(tmp_path):
    bad = {
        "UIC_SALT": "Sh0rt-secret",
        "PORT": "99999",
        "LOG_LEVEL": "LOUD",
        "DEBUG": "perhaps",
        "WORKERS": "-1",
        "ENVIRONMENT": "moon",
        "SESSION_TIMEOUT_MINUTES": "1441",
        "REDIS_URL": "http://:hunter2@localhost",
        "DATABASE_URL": "mysql://root:hunter3@localhost/db",
        "ADMIN_TOKEN": "t0ken-short",
        "FLOW_FILE": "missing.json",
    }
    done = run_program("serve", cwd=tmp_path, **bad)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    for name in bad:
        told = [line for line in lines if f" start_failed what={name} " in line]
        assert len(told) == 1, f"{name} in:\n{done.stderr}"
    for secret in ("Sh0rt-secret", "hunter2", "hunter3", "t0ken-short"):
        assert secret not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("salt", ["fifteen-chars-1", "onlyLettersAndMoreLetters",
                                  "12345678901234567890"])
def test_a_weak_salt_is_refused(tmp_path, salt):
    done = run_program("serve", cwd=tmp_path, UIC_SALT=salt)
    assert done.returncode == 1
    assert "UIC_SALT" in done.stderr and salt not in done.stderr


def test_production_wants_its_secrets(tmp_path):
    done = run_program("serve", cwd=tmp_path, ENVIRONMENT="production", UIC_SALT=None)
    assert done.returncode == 1
    for name in ("UIC_SALT", "PUBLIC_URL", "ADMIN_TOKEN"):
        assert name in done.stderr


def test_a_flow_file_with_mistakes_is_told_by_path(tmp_path):
    (tmp_path / "flow.json").write_text('{"id": "x", "version": 1, "steps": [{}]}')
    done = run_program("serve", cwd=tmp_path, FLOW_FILE="flow.json")
    assert done.returncode == 1
    assert "flow.json" in done.stderr and "steps[0]" in done.stderr


def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_program("serve", cwd=tmp_path, HOST="127.0.0.1", PORT=port)
    assert done.returncode == 1
    assert str(port) in done.stderr


def test_the_env_file_supplies_what_the_environment_does_not(start, tmp_path):
    server_directory = tmp_path / "server1"
    server_directory.mkdir()
    (server_directory / ".env").write_text(
        "# a comment\r\n"
        "export APP_NAME = 'From the file'  # said so\r\n"
        'ENVIRONMENT="development"\r\n'
        "PORT=1\r\n"
        "NO_SUCH_NAME=1\r\n"
    )
    server = start()
    assert '"From the file"' in server.get("/health")[1]
    assert "NO_SUCH_NAME" in server.log()
