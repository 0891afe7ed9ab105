"""A Redis that answers, and refuses or may lose what it is told: what it costs, what people are told,
what operators are told."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from phone import Phone, new_sid
from processes import RedisServer, eventually, run_program
from texts import JEAN, code_in, code_of, message, question

MARIE = ("1990", "Goma", "Marie", "7", "Mukendi")


@pytest.fixture
def redis_with(tmp_path):
    """redis_with(options…, durable=True) -> a Redis of another kind."""
    servers = []

    def start(*options, durable=True):
        servers.append(RedisServer(tmp_path / f"other{len(servers)}", durable, options))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def check(tmp_path):
    """check(SETTING=…) -> (exit code, its lines about Redis), with tables that are there."""
    assert run_program("init-db", cwd=tmp_path).returncode == 0

    def run(**settings):
        done = run_program("check", cwd=tmp_path, **settings)
        return done.returncode, [line for line in done.stdout.splitlines() if "Redis" in line and "clock:" not in line]

    return run


def cluster(redis_with):
    redis = redis_with("--cluster-enabled", "yes")
    redis.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
    eventually(lambda: "cluster_state:ok\r" in redis.command("CLUSTER", "INFO"), "cluster")
    return redis


def replica_of(redis, redis_with):
    redis.command("CONFIG", "SET", "repl-diskless-sync-delay", "0")
    replica = redis_with("--replicaof", "127.0.0.1", str(redis.port))
    eventually(lambda: "state=online" in "".join(redis.command("INFO", "replication")), "a replica")
    return replica


def saves(redis):
    """How often Redis was asked to save a session."""
    counts = [line.split(":", 1)[1].strip() for line in redis.command("INFO", "commandstats")
              if line.startswith(("cmdstat_eval:", "cmdstat_evalsha:"))]
    return sum(int(field.split("=")[1]) for count in counts for field in count.split(",")
               if field.startswith(("calls=", "rejected_calls=")))


def logged(server, event):
    """The log is written by a thread of its own."""
    eventually(lambda: event in server.log(), event)


def ready(server):
    status, text = server.get("/ready")
    return status, json.loads(text).get("reason")


def test_a_full_redis_is_asked_once_for_each_message(start, redis):
    server = start(REDIS_URL=redis.url, WORKERS=1)
    with Phone(server) as phone:
        phone.say_all("Bonjour", "1985")
        redis.command("CONFIG", "SET", "maxmemory", "1")
        for number in range(1, 4):
            before = saves(redis)
            assert phone.say("Kinshasa") == message("unavailable")
            assert server.counts()["uic_sessions_refused_total"] == number
            assert saves(redis) - before <= 3, "one save, and a look whether it is still so"
        assert ready(server) == (503, "Redis is full: raise maxmemory")
        redis.command("CONFIG", "SET", "maxmemory", "0")
        assert question(2) in phone.say("Kinshasa"), "the conversation stayed where it was"
        assert code_in(phone.say_all(*JEAN[2:])) == code_of(JEAN)
    eventually(lambda: server.status_of("/ready") == 200, "ready again")
    server.terminate()
    server.wait()
    log = server.log()
    assert "too_many_conflicts" not in log
    assert log.count("sessions_down") == 1 and "OOM command not allowed" in log
    assert log.count("sessions_up") == 2


def test_a_redis_that_serves_again_is_found_without_anybody_writing(start, redis):
    redis.command("CONFIG", "SET", "maxmemory", "1")
    server = start(REDIS_URL=redis.url, WORKERS=2, wait_for="/health")
    eventually(lambda: ready(server) == (503, "Redis is full: raise maxmemory"), "why it is not ready")
    redis.command("CONFIG", "SET", "maxmemory", "0")
    eventually(lambda: server.answers("/ready"), "ready")
    assert redis.keys("uic:probe:*") == []


def test_a_cluster_serves_nobody_and_says_so(start, redis_with, check):
    redis = cluster(redis_with)
    code, lines = check(REDIS_URL=redis.url)
    assert code == 1
    assert lines[0].startswith("bad   Redis: ") and "CROSSSLOT" in lines[0]
    assert "use one Redis, or sentinels / " in lines[0] and "sentinelles" in lines[0]
    server = start(REDIS_URL=redis.url, WORKERS=1, wait_for="/health")
    eventually(lambda: ready(server)[1] is not None, "a reason")
    assert ready(server) == (503, "a Redis Cluster cannot serve us: use one Redis, or sentinels")
    with Phone(server) as phone:
        assert phone.say("Bonjour") == message("unavailable")
    server.terminate()
    server.wait()
    assert server.log().count("sessions_down") == 1


# The commands inside of scripts, and those that are sent.
@pytest.mark.parametrize("forbidden", ["set", "mget", "evalsha"])
def test_a_user_who_may_not_do_all_is_told(start, redis, check, forbidden):
    redis.command("ACL", "SETUSER", "uic", "on", ">Open_Sesame-7", "~uic:*", "+@all", f"-{forbidden}")
    url = f"redis://uic:Open_Sesame-7@127.0.0.1:{redis.port}/0"
    code, lines = check(REDIS_URL=url)
    assert code == 1 and "an ACL forbids what we need" in lines[0] and "Sesame" not in "".join(lines)
    server = start(REDIS_URL=url, WORKERS=1, wait_for="/health")
    eventually(lambda: ready(server)[1] is not None, "a reason")
    assert ready(server) == (503, "an ACL forbids what we need: see Redis in docs/operations.md")
    redis.command("ACL", "SETUSER", "uic", f"+{forbidden}")
    eventually(lambda: server.answers("/ready"), "ready")
    assert "Sesame" not in server.log()


@pytest.mark.parametrize("forbidden", ["xadd", "xautoclaim", "hincrby"])
def test_check_tries_what_other_stores_need(redis, check, forbidden):
    redis.command("ACL", "SETUSER", "default", f"-{forbidden}")
    code, lines = check(REDIS_URL=redis.url)
    assert code == 1 and "an ACL forbids what we need" in lines[0], lines
    redis.command("ACL", "SETUSER", "default", f"+{forbidden}")
    assert check(REDIS_URL=redis.url) == (0, ["ok    sessions: Redis answers"])
    assert not redis.keys("uic:*")


def test_who_waits_for_no_replica_need_not_be_allowed_to(redis, check):
    redis.command("ACL", "SETUSER", "default", "-wait")
    assert check(REDIS_URL=redis.url) == (0, ["ok    sessions: Redis answers"])
    code, lines = check(REDIS_URL=redis.url, OUTBOX_REPLICAS=1)
    assert code == 1 and "an ACL forbids what we need" in lines[0], lines
    code, lines = check(REDIS_URL=redis.url, SESSION_REPLICAS=1)
    assert code == 1 and "an ACL forbids what we need" in lines[0], lines


def test_the_user_of_the_operations_guide_may_do_all(root, start, redis, check):
    (line,) = (line for line in (root / "docs/operations.md").read_text().splitlines()
               if line.startswith("ACL SETUSER "))
    redis.command(*line.replace(">…", ">Open_Sesame-7").split())
    url = f"redis://whatsapp-uic:Open_Sesame-7@127.0.0.1:{redis.port}/0"
    assert check(REDIS_URL=url) == (0, ["ok    sessions: Redis answers"])
    with Phone(start(REDIS_URL=url)) as phone:
        assert code_in(phone.say_all("Bonjour", *JEAN)) == code_of(JEAN)


@pytest.mark.parametrize("policy, bad", [("allkeys-lru", True), ("volatile-ttl", True), ("noeviction", False)])
def test_a_redis_that_throws_away_is_bad(start, redis, check, policy, bad):
    redis.command("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", policy)
    code, lines = check(REDIS_URL=redis.url)
    server = start(REDIS_URL=redis.url, WORKERS=2)
    assert (code == 1) == bad
    if bad:
        assert any(line.startswith(f"bad   Redis: {policy} – when Redis is full, conversations vanish")
                   for line in lines)
    server.terminate()
    server.wait()
    assert server.log().count("conversations vanish") == bad, "once, whatever the workers"


def test_a_redis_that_writes_nothing_to_disk_is_a_hint(start, redis_with, check):
    redis = redis_with(durable=False)
    code, lines = check(REDIS_URL=redis.url)
    assert code == 0
    assert any(line.startswith("hint  Redis: Redis writes nothing to disk: ") for line in lines)
    logged(start(REDIS_URL=redis.url), "redis_may_lose")
    redis.command("CONFIG", "SET", "save", "3600 1")
    assert check(REDIS_URL=redis.url) == (0, ["ok    sessions: Redis answers"])


def test_a_replica_is_worth_three_hints(redis, redis_with, check):
    replica_of(redis, redis_with)
    code, lines = check(REDIS_URL=redis.url)
    assert code == 0
    assert any("set min-replicas-to-write 1" in line for line in lines)
    assert any("with OUTBOX_REPLICAS=1 no code that was told is lost" in line for line in lines)
    assert any("with SESSION_REPLICAS=1 a failover asks nobody again" in line for line in lines)
    code, lines = check(REDIS_URL=redis.url, SESSION_REPLICAS=1)
    assert code == 1
    assert "bad   Redis: a failover of Redis may lose what was said just before: set min-replicas-to-write 1" in (
        line.split(" / ")[0] for line in lines), lines
    redis.command("CONFIG", "SET", "min-replicas-to-write", "1")
    both = {"OUTBOX_REPLICAS": 1, "SESSION_REPLICAS": 1}
    assert check(REDIS_URL=redis.url, **both) == (0, ["ok    sessions: Redis answers"])
    code, lines = check(REDIS_URL=redis.url, OUTBOX_REPLICAS=2)
    assert code == 0 and any("fewer replicas than OUTBOX_REPLICAS" in line for line in lines)
    code, lines = check(REDIS_URL=redis.url, SESSION_REPLICAS=2)
    assert code == 1 and lines[0].startswith("bad   Redis: 1 of 2 – fewer replicas are there"), lines


def test_nothing_is_answered_that_no_replica_has(start, redis, redis_with):
    replica = replica_of(redis, redis_with)
    server = start(REDIS_URL=redis.url, WORKERS=1, SESSION_REPLICAS=1)
    with Phone(server) as phone, Phone(server, phone.number) as same, ThreadPoolExecutor(2) as pool:
        phone.say("Bonjour")
        replica.pause()
        sid = new_sid()
        said = pool.submit(phone.say, "1985", sid)
        eventually(lambda: server.counts()["uic_sessions_unreplicated_total"] >= 1, "saved alone")
        again = pool.submit(same.say, "1985", sid)  # would find it, and need no save
        eventually(lambda: server.counts()["uic_sessions_unreplicated_total"] >= 5, "tried again")
        assert not said.done() and not again.done()
        assert ready(server)[1].startswith("fewer replicas are there in time than min-replicas-to-write")
        replica.resume()
        assert question(1) in said.result()
        assert again.result() == said.result()
    eventually(lambda: server.answers("/ready"), "ready again")
    # When it changes, not for each save: on a loud machine the replica may be late once more.
    assert 1 <= server.log().count("sessions_down") < server.counts()["uic_sessions_unreplicated_total"]
    redis.kill()
    replica.command("REPLICAOF", "NO", "ONE")
    with Phone(start(REDIS_URL=replica.url), phone.number) as later:
        assert question(2) in later.say("Kinshasa")


def test_a_code_told_by_the_outbox_survives_a_failover(start, redis, redis_with, tmp_path):
    replica = replica_of(redis, redis_with)
    server = start(REDIS_URL=redis.url, DATABASE_URL="postgresql://uic@127.0.0.1:1/uic", WORKERS=1,
                   OUTBOX_REPLICAS=1, wait_for="/health")
    unreplicated = 'uic_outbox_records_total{step="unreplicated"}'
    with Phone(server) as phone, Phone(server) as other:
        assert code_in(phone.say_all("Bonjour", *JEAN)) == code_of(JEAN)
        replica.pause()
        assert other.say_all("Bonjour", *MARIE) == message("unavailable")
        assert server.counts()[unreplicated] == 1
        logged(server, "outbox_replicas_missing")
        replica.resume()
        eventually(lambda: code_of(MARIE) in other.say(MARIE[-1]), "a code")
        logged(server, "outbox_replicas_back")
    redis.kill()
    replica.command("REPLICAOF", "NO", "ONE")
    writer = start(REDIS_URL=replica.url, DATABASE_URL=f"sqlite:///{tmp_path}/records.db")
    eventually(lambda: len(writer.records()) == 2, "the outbox is written")
    assert {row["uic_code"] for row in writer.records()} == {code_of(JEAN), code_of(MARIE)}
    assert {row["request_count"] for row in writer.records()} == {1}
