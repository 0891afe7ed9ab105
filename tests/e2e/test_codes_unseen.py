"""A code stands in records, exports and replies: never in a log, a figure or an address, ours, nginx's,
Redis's or PostgreSQL's."""

import re
from urllib.parse import quote

import meta
import pytest
from graph import TOKEN as GRAPH_TOKEN
from phone import Phone
from processes import eventually, run_program
from production import Nginx, PostgresServer
from texts import CODE_LINE, FLOW_PATH, JEAN, MARIE, code_in

TOKEN = "admin-Token_1234567"
GUIDE = FLOW_PATH.parents[2] / "docs/guide-deploiement.md"
OPAQUE = FLOW_PATH.with_name("ciu-opaque.json")
OPAQUE_LINE = re.compile(r"^CIU-[0-9A-F]{12,}-[0-9A-Z]$", re.M)


@pytest.fixture
def postgres(tmp_path):
    """One that tells all that it is asked, with our role set as the guide has it."""
    settings = {"log_statement": "all", "log_min_duration_statement": "0"}
    with PostgresServer(tmp_path / "postgres", settings) as server:
        commands = re.findall(r"ALTER ROLE \"whatsapp-uic\" SET [a-z_]+ = \w+", GUIDE.read_text(encoding="utf-8"))
        assert len(commands) == 3
        for command in commands:
            server.query(command.replace("whatsapp-uic", server.NAME))
        yield server


def nginx_of(tmp_path, *servers):
    ports = [server.port for server in servers]
    return Nginx(tmp_path / "nginx", (ports * 2)[:2])


def talk_by_twilio(nginx, line, answers):
    with Phone(nginx) as phone:
        phone.say("Bonjour")
        *_, reply = [phone.say(answer) for answer in answers]
        again = phone.say(answers[-1], sid=phone.last_sid)
        code = re.findall(line, reply)
        assert len(code) == 1 and code[0] in again
        phone.say("Bonjour")
        assert code[0] in [phone.say(answer) for answer in answers][-1]
    return code[0], phone.number


def talk_by_meta(nginx, graph, answers):
    number = meta.new_number()
    for count, text in enumerate(("Bonjour", *answers), 1):
        with meta.Meta(nginx) as sender:
            sender.say(meta.text(number, text))
        eventually(lambda: len(graph.got[number]) == count, f"a reply to {text}")
    return code_in(graph.got[number][-1])


def search(where, code):
    """In clear, in a URL, in hexadecimal as PostgreSQL shows bytes; and without its strokes."""
    for form in (code, quote(code, safe=""), code.encode().hex(), code.replace("-", "")):
        assert form.lower() not in where.lower(), where[max(0, where.lower().find(form.lower()) - 300):][:600]


def violate(postgres, code):
    """What two claims at once may do: PostgreSQL tells of it."""
    postgres.query("CREATE TABLE told (uic_code text UNIQUE)")
    postgres.query("INSERT INTO told SELECT uic_code FROM uic_records")
    with pytest.raises(AssertionError):
        postgres.query("INSERT INTO told SELECT uic_code FROM uic_records")
    assert "violates unique constraint" in postgres.log() and "Key (uic_code)" not in postgres.log()


@pytest.mark.parametrize("flow", [FLOW_PATH, OPAQUE], ids=lambda path: path.stem)
def test_no_code_stands_where_it_should_not(start, redis, postgres, graph, tmp_path, flow):
    settings = {**meta.SETTINGS, **graph.settings(META_MESSAGES_PER_SECOND="0"), "REDIS_URL": redis.url,
                "DATABASE_URL": postgres.url, "ADMIN_TOKEN": TOKEN, "LOG_LEVEL": "DEBUG", "FLOW_FILE": flow}
    server = start(**settings)
    said = []
    with nginx_of(tmp_path, server) as nginx:
        code, number = talk_by_twilio(nginx, CODE_LINE if flow == FLOW_PATH else OPAQUE_LINE, JEAN)
        codes = [code]
        if flow == FLOW_PATH:
            codes.append(talk_by_meta(nginx, graph, MARIE))
        violate(postgres, code)
        # The database goes and comes: records by the outbox, and what is said of it.
        postgres.stop()
        codes.append(talk_by_twilio(nginx, CODE_LINE if flow == FLOW_PATH else OPAQUE_LINE,
                                    ("1991", "Bukavu", "Amina", "7", "Zawadi"))[0])
        postgres.start()
        eventually(lambda: len(postgres.records()) == len(codes), "the records are written")
        for path in ("/admin", "/health", "/ready", "/", "/admin/stats"):
            connection = nginx.connect()
            connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
            response = connection.getresponse()
            assert response.status == 200, path
            said.append(response.read().decode())
            connection.close()
        said.append(server.get("/metrics")[1])
        commands = (["check"], ["stats"], ["sessions"], ["retention"], ["export", "--format", "csv"],
                    ["erase", "--code", codes[-1], "--yes", "--delete"], ["erase", "--phone", number, "--yes"])
        for command in commands:
            done = run_program(*command, cwd=tmp_path, **settings, PORT=server.port)
            assert done.returncode in (0, 1) and "usage" not in done.stderr.lower(), done.stderr
            if command[0] == "export":
                assert all(code in done.stdout for code in codes), "the reading itself works"
            elif command[0] != "erase":
                said.append(done.stdout)
            said.append(done.stderr)
    server.stop()
    redis.stop()
    assert "uic_records" in postgres.log() and "message from=" in server.log()
    logs = {"ours": server.log(), "PostgreSQL's": postgres.log(), "Redis's": redis.log(),
            **{path.name: path.read_text() for path in (tmp_path / "nginx").glob("*log")}}
    assert "POST /whatsapp/webhook" in logs["access.log"]
    for code in codes:
        for text in (*logs.values(), *said):
            search(text, code)
    assert GRAPH_TOKEN not in logs["ours"] and number[1:] not in "".join(logs.values())
