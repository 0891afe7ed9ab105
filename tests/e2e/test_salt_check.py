"""A database belongs to the salt and the flow that made its codes: started with others by accident,
the server says so and stops."""

import json
import sqlite3

from phone import Phone
from processes import SALT, run_program
from texts import FLOW, JEAN, code_in

OTHER_SALT = "another-Salt_0123456789"


def start_and_stop(start, **settings):
    server = start(**settings)
    with Phone(server) as phone:
        code_in(phone.say_all("Bonjour", *JEAN))
    server.stop()
    return server


def other_flow(directory):
    path = directory / "other.json"
    path.write_text(json.dumps({**FLOW, "id": "other-programme"}), encoding="utf-8")
    return path


def assert_refused(server, what, **settings):
    """Both serve and check stop with a line that names the setting and shows no secret."""
    for command, code in (("serve", 3), ("check", 1)):
        done = run_program(command, cwd=server.directory, HOST="127.0.0.1", PORT=server.port,
                           **settings)
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        (line,) = [line for line in said.splitlines() if what in line and "database" in line]
        assert SALT not in said and OTHER_SALT not in said
    return line


def test_another_salt_is_refused(start):
    server = start_and_stop(start)
    line = assert_refused(server, "UIC_SALT", UIC_SALT=OTHER_SALT)
    assert line == ("bad   UIC_SALT: is not the salt that made the codes in this database: everybody "
                    "would get another code")


def test_another_flow_is_refused(start, tmp_path):
    server = start_and_stop(start)
    line = assert_refused(server, "FLOW_FILE", FLOW_FILE=other_flow(tmp_path))
    assert line == ("bad   FLOW_FILE: the codes in this database are of another flow than "
                    "other-programme")


def test_before_the_first_code_another_salt_and_flow_are_welcome(start, tmp_path):
    """As when the service ran once before the old salt was put in."""
    first = start()
    first.stop()
    settings = {"DATABASE_URL": f"sqlite:///{first.database}", "UIC_SALT": OTHER_SALT,
                "FLOW_FILE": other_flow(tmp_path)}
    assert run_program("check", cwd=tmp_path, **settings).returncode == 0
    server = start(**settings)
    with Phone(server) as phone:
        phone.say_all("Bonjour", *JEAN)
    server.stop()
    assert_refused(first, "UIC_SALT")


def test_the_same_salt_and_a_changed_text_of_the_flow_go_on(start, tmp_path):
    server = start_and_stop(start)
    changed = json.loads(json.dumps(FLOW))
    changed["messages"]["fr"]["welcome"] = "Salut !"
    (tmp_path / "changed.json").write_text(json.dumps(changed), encoding="utf-8")
    again = start(DATABASE_URL=f"sqlite:///{server.database}", FLOW_FILE=tmp_path / "changed.json")
    with Phone(again) as phone:
        assert "Salut !" in phone.say("Bonjour")


def test_a_check_of_a_new_database_leaves_no_mark(start, tmp_path):
    done = run_program("init-db", cwd=tmp_path)
    assert done.returncode == 0
    done = run_program("check", cwd=tmp_path, UIC_SALT=OTHER_SALT)
    assert done.returncode == 0, done.stdout + done.stderr
    start_and_stop(start, DATABASE_URL=f"sqlite:///{tmp_path}/uic_database.db")


def test_the_marks_tell_nothing_and_can_be_forgotten_on_purpose(start):
    server = start_and_stop(start)
    connection = sqlite3.connect(server.database)
    marks = dict(connection.execute("SELECT name, value FROM uic_marks"))
    assert set(marks) == {"salt", "flow"}
    assert all(len(value) == 32 and FLOW["id"] not in value for value in marks.values())
    connection.execute("DELETE FROM uic_marks")
    connection.commit()
    connection.close()
    start_and_stop(start, DATABASE_URL=f"sqlite:///{server.database}", UIC_SALT=OTHER_SALT)
