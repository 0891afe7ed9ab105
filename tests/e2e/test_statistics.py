"""GET /admin/stats: exact figures whichever instance is asked, for those who have the token, and
nothing that belongs to a person. The command line tells the same."""

import json
import time

import pytest
from phone import Phone
from processes import eventually, free_port, run_program
from crowd import STEPS, TOKEN, crowd, expected, found, get, stats
from texts import JEAN


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/records.db"
    return request.getfixturevalue("postgres").url


@pytest.fixture
def two(start, redis, database_url):
    settings = {"REDIS_URL": redis.url, "DATABASE_URL": database_url, "ADMIN_TOKEN": TOKEN,
                "WORKERS": 2}
    return start(**settings), start(**settings)


@pytest.fixture
def alone(start):
    """One instance that keeps sessions and figures in memory."""
    return start(ADMIN_TOKEN=TOKEN, WORKERS=2)


def eventually_found(server, figures):
    """Waits until each worker, which tells what it knew a second ago at most, tells this."""
    wanted = expected(figures)
    try:
        eventually(lambda: all(found(stats(server)) == wanted for _ in range(6)), "the figures")
    except AssertionError:
        assert found(stats(server)) == wanted
        raise


def told_when(server, condition, what):
    """The statistics as they are when they meet the condition, on whichever worker."""
    return eventually(lambda: next(filter(condition, [stats(server)]), None), what)


def test_a_thousand_conversations_over_two_instances_are_counted_exactly(two):
    figures, secrets = crowd(two, 1000)
    for server in two:
        eventually_found(server, figures)
    for server in two:
        body = get(server, "/admin/stats?days=365")[2]
        assert not [secret for secret in secrets if secret in body]
        told = json.loads(body)
        assert len(told["instances"]) == 2 and len(told["by_day"]) == 365
        assert {instance["workers"] for instance in told["instances"]} == {2}
        assert told["stores"]["sessions"] == {"kind": "redis", "up": True}
        assert told["outbox"] == {"length": 0, "oldest_seconds": 0}


def test_without_redis_the_figures_are_those_of_the_process(alone):
    figures, secrets = crowd([alone], 60)
    for _ in range(6):  # whichever worker answers
        eventually_found(alone, figures)
    told = stats(alone)
    assert not [secret for secret in secrets if secret in json.dumps(told)]
    assert told["stores"] == {"sessions": {"kind": "memory", "up": True},
                              "records": {"kind": "sqlite", "up": True}}
    assert told["outbox"] is None
    (instance,) = told["instances"]
    assert instance["workers"] == 2 and instance["seen_seconds_ago"] == 0


def test_the_shape_is_as_documented(alone):
    told = stats(alone, days=30)
    assert set(told) == {"as_of", "time_zone", "days", "service", "version", "uptime_seconds",
                         "flow", "totals", "today", "by_day", "active", "funnel", "languages",
                         "replies", "outbox", "stores", "instances"}
    assert told["time_zone"] == "Africa/Kinshasa" and told["days"] == 30
    assert told["flow"]["steps"] == STEPS and told["flow"]["languages"] == ["fr", "en", "ln", "sw"]
    assert told["today"] == told["by_day"][-1]
    dates = [day["date"] for day in told["by_day"]]
    assert len(dates) == 30 and dates == sorted(set(dates))
    assert set(told["funnel"]) == set(told["languages"]) == set(told["replies"]) == {"today", "period"}
    assert set(told["funnel"]["today"]) == {
        "started", "finished", "expired", "stopped", "read_back", "reached", "wrong", "not_known",
        "asked_which", "doubtful", "corrected"}
    assert told["replies"]["today"] == {"delivered": 0, "read": 0, "failed": 0}


def test_a_day_begins_where_people_live(start):
    """As far east and as far west as days are counted, today is another day for much of the time."""
    for zone, hours in (("Pacific/Kiritimati", 14), ("Etc/GMT+12", -12), ("UTC", 0)):
        server = start(ADMIN_TOKEN=TOKEN, TIME_ZONE=zone)
        before = time.time()
        told = stats(server)
        dates = {time.strftime("%Y-%m-%d", time.gmtime(at + hours * 3600))
                 for at in (before, time.time())}
        assert told["today"]["date"] in dates and told["time_zone"] == zone
        with Phone(server) as phone:
            phone.say_all("Bonjour", *JEAN)
        eventually(lambda: stats(server)["today"]["new"] == 1, "the code counts today")


def test_an_unknown_time_zone_stops_the_start(tmp_path):
    for zone in ("Africa/Nowhere", "../../etc/passwd", "Africa", "-1"):
        done = run_program("serve", cwd=tmp_path, TIME_ZONE=zone, PORT=free_port())
        assert done.returncode == 1 and "what=TIME_ZONE reason=\"holds" in done.stderr


@pytest.mark.parametrize("token, authorization", [
    (None, None), ("wrong", None), (TOKEN + "x", None), (TOKEN[:-1], None),
    ("x", "Bearer"), ("x", f"Basic {TOKEN}"), ("x", TOKEN), ("x", f"Bearer  {TOKEN}")])
def test_only_the_token_opens_the_door(alone, token, authorization):
    status, headers, body = get(alone, token=token, authorization=authorization)
    assert status == 401 and headers["WWW-Authenticate"].startswith("Bearer")
    assert "error" in json.loads(body)
    eventually(lambda: "admin_refused" in alone.log(), "a log line")
    assert TOKEN not in alone.log()
    assert "uic_admin_refused_total 1" in alone.get("/metrics")[1]


def test_the_scheme_is_not_case_sensitive(alone):
    assert get(alone, token="x", authorization=f"bearer {TOKEN}")[0] == 200


def test_without_a_token_there_is_nothing_to_see(shared):
    assert get(shared)[0] == 404


@pytest.mark.parametrize("query", [
    "days=0", "days=366", "days=1000", "days=-1", "days=+1", "days=1.5", "days=", "days=x",
    "days=1&days=2", "days=%31%00", "days=999999999999999999999", "days=%F0%28%8C%28",
    "&".join(f"a{i}=1" for i in range(20)), "x=" + "1" * 600])
def test_days_are_a_number_from_1_to_365(alone, query):
    assert get(alone, f"/admin/stats?{query}")[0] == 400


@pytest.mark.parametrize("query, days", [
    ("days=1", 1), ("days=365", 365), ("days=030", 30), ("", 30), ("other=1", 30), ("days=%37", 7)])
def test_days_are_30_unless_said_otherwise(alone, query, days):
    told = json.loads(get(alone, f"/admin/stats?{query}")[2])
    assert told["days"] == len(told["by_day"]) == days


def test_many_at_once_are_all_answered(alone):
    connections = [alone.connect() for _ in range(60)]
    for index, connection in enumerate(connections):
        connection.request("GET", f"/admin/stats?days={1 + index % 3}",
                           headers={"Authorization": f"Bearer {TOKEN}"})
    for index, connection in enumerate(connections):
        response = connection.getresponse()
        assert response.status == 200
        assert json.loads(response.read())["days"] == 1 + index % 3
        connection.close()


def test_an_expired_conversation_is_begun_again(start, redis):
    server = start(REDIS_URL=redis.url, ADMIN_TOKEN=TOKEN)
    with Phone(server) as phone:
        phone.say_all("Bonjour", "1985")
        redis.expire()
        phone.say("Bonjour")
    told = told_when(server, lambda told: told["funnel"]["period"]["expired"], "expired")
    funnel = told["funnel"]["period"]
    assert (funnel["started"], funnel["expired"]) == (2, 1)
    assert funnel["reached"] == {**dict.fromkeys(STEPS, 0), "birth_year": 2, "mother_birthplace": 1}


def test_an_orderly_stop_loses_no_count(start, redis):
    settings = {"REDIS_URL": redis.url, "ADMIN_TOKEN": TOKEN}
    left, right = start(**settings), start(**settings)
    for _ in range(3):
        with Phone(left) as phone:
            phone.say_all("Bonjour", *JEAN)
        left.stop()
        left.start()
    told = told_when(right, lambda told: told["funnel"]["period"]["finished"] == 3, "three")
    assert told["active"]["total"] == 0


def test_a_kill_loses_a_second_of_figures_and_doubles_nothing(start, redis):
    settings = {"REDIS_URL": redis.url, "ADMIN_TOKEN": TOKEN}
    left, right = start(**settings), start(**settings)
    with Phone(left) as phone:
        phone.say_all("Bonjour", *JEAN)
    eventually(lambda: stats(right)["funnel"]["period"]["finished"] == 1, "one finished")
    with Phone(left) as phone:
        phone.say_all("Bonjour", *JEAN)
        left.kill()
    with Phone(right) as phone:
        phone.say_all("Bonjour", *JEAN)
    told = told_when(right, lambda told: told["funnel"]["period"]["finished"] >= 2, "the last one")
    assert told["funnel"]["period"]["finished"] in (2, 3)
    left.start()


def test_while_redis_is_away_the_rest_is_told(start, redis):
    server = start(REDIS_URL=redis.url, ADMIN_TOKEN=TOKEN)
    with Phone(server) as phone:
        phone.say_all("Bonjour", *JEAN)
    redis.pause()
    told = told_when(server, lambda told: told["active"] is None, "no figures")
    redis.resume()
    assert told["totals"]["codes"] == 1
    assert told["funnel"] is told["languages"] is told["replies"] is told["instances"] is None
    eventually(lambda: stats(server)["active"] is not None, "figures again")


def test_while_the_database_is_away_the_rest_is_told(start, redis, postgres):
    server = start(REDIS_URL=redis.url, DATABASE_URL=postgres.url, ADMIN_TOKEN=TOKEN)
    with Phone(server) as phone:
        phone.say_all("Bonjour", *JEAN)
    eventually(lambda: stats(server)["funnel"]["period"]["finished"] == 1, "one finished")
    assert stats(server)["totals"]["codes"] == 1
    postgres.pause()
    told = told_when(server, lambda told: told["totals"]["codes"] is None, "no totals")
    postgres.resume()
    assert set(told["totals"].values()) == {None}
    assert {day["new"] for day in told["by_day"]} == {None}
    assert told["funnel"]["period"]["finished"] == 1
    eventually(lambda: stats(server)["totals"]["codes"] == 1, "totals again")


def test_the_command_line_tells_the_same(two, redis, database_url, tmp_path):
    figures, secrets = crowd(two, 20)
    eventually_found(two[0], figures)
    settings = {"REDIS_URL": redis.url, "DATABASE_URL": database_url}
    done = run_program("stats", "--json", "--days", "2", cwd=tmp_path, **settings)
    told = json.loads(done.stdout)
    assert done.returncode == 0 and found(told) == expected(figures)
    assert set(stats(two[0])) - set(told) == {"uptime_seconds", "outbox"}
    table = run_program("stats", cwd=tmp_path, **settings)
    assert table.returncode == 0 and "Codes" in table.stdout and "aujourd’hui" in table.stdout
    english = run_program("stats", cwd=tmp_path, LANG="en_GB.UTF-8", **settings)
    assert "Asked for again" in english.stdout
    assert not [secret for secret in secrets if secret in table.stdout + done.stdout]
    counted = run_program("sessions", "--json", cwd=tmp_path, **settings)
    assert json.loads(counted.stdout) == expected(figures)["active"]
    table = run_program("sessions", cwd=tmp_path, **settings)
    assert [line.split()[0] for line in table.stdout.splitlines()[:-1]] == STEPS
    assert len(stats(two[0])["instances"]) == 2  # who only looks is none


def test_sessions_in_memory_are_known_to_the_server_alone(alone):
    done = run_program("sessions", cwd=alone.directory)
    assert done.returncode == 1 and "REDIS_URL" in done.stderr and not done.stdout
    done = run_program("stats", cwd=alone.directory)
    assert done.returncode == 0 and "REDIS_URL" in done.stdout


@pytest.mark.parametrize("arguments", [
    ("stats", "--days", "0"), ("stats", "--days", "366"), ("stats", "--days", "x"),
    ("stats", "--days"), ("stats", "more"), ("stats", "--what"), ("sessions", "--days", "1"),
    ("sessions", "more")])
def test_wrong_arguments_are_refused(arguments, tmp_path):
    done = run_program(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr and not done.stdout


def test_stores_that_are_away_are_said(tmp_path):
    done = run_program("stats", cwd=tmp_path, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert done.returncode == 1 and "DATABASE_URL" in done.stderr
    done = run_program("sessions", cwd=tmp_path, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert done.returncode == 1 and "REDIS_URL" in done.stderr and not done.stdout
