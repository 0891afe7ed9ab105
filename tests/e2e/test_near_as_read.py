"""A code may be made of less than was written: ciu-opaque keeps of a family name its sound. Whether answers are
near goes by what was read, by either channel, and where the outbox brought the record."""

import json
from functools import partial

import meta
import pytest
from graph import Graph
from meta import Meta, text
from phone import Phone
from processes import RedisServer, eventually, run_program, sqlite_query
from test_meta_conversation import got
from test_near import ASKED, Stage, ask
from texts import FLOW_PATH

OPAQUE = str(FLOW_PATH.with_name("ciu-opaque.json"))
JEANNE = ("1985", "Kinshasa", "Jeanne", "15", "Mukendi")
SWAPPED = ("1985", "Kinshasa", "Mukendi", "15", "Jeanne")
AWAY = {"wait_for": "/health", "DATABASE_URL": "postgresql://uic@127.0.0.1:1/uic"}


@pytest.fixture
def stage(tmp_path):
    path = tmp_path / "codes.db"
    with RedisServer(tmp_path / "redis", durable=False) as redis, Graph(tmp_path / "graph") as graph:
        stage = Stage(tmp_path, f"sqlite:///{path}", partial(sqlite_query, path), redis, graph)
        yield stage
        stage.server.stop()


def computed(stage, person):
    """What `whatsapp-uic code` says is near."""
    done = run_program("code", "--jsonl", "--near", "--flow", OPAQUE, cwd=stage.directory,
                       stdin=json.dumps({"answers": person}) + "\n")
    return "".join(json.loads(done.stdout)["near"])


def ask_by_meta(stage, number, person):
    before = len(stage.graph.got[number])
    with Meta(stage.server) as sender:
        for count, words in enumerate(["Bonjour", *person], before + 1):
            sender.say(text(number, words))
            reply = got(stage.graph, number, count)[-1]
    return reply


def test_swapped_names_are_near(stage):
    number = meta.new_number()
    stage.start(FLOW_FILE=OPAQUE, **AWAY)
    ask_by_meta(stage, number, JEANNE)
    stage.server.stop()
    stage.start(FLOW_FILE=OPAQUE)
    eventually(lambda: stage.redis.command("XLEN", "uic:outbox") == ["0"], "the outbox is written")
    assert ask_by_meta(stage, number, SWAPPED) == ASKED
    with Phone(stage.server) as phone:
        ask(phone, SWAPPED)
        assert ask(phone, JEANNE) == [ASKED]
    assert stage.query("SELECT near FROM uic_records ORDER BY id") == \
        [(computed(stage, person),) for person in (JEANNE, SWAPPED)]
