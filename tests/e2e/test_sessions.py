"""Sessions in Redis: they expire, survive what may happen to Redis, and tell nothing."""

import pytest
from phone import Phone
from processes import eventually
from texts import JEAN, code_in, code_of, message, question


def test_an_expired_session_is_told_and_starts_again(start, redis):
    with Phone(start(REDIS_URL=redis.url)) as phone:
        phone.say_all("Bonjour", "1985", "Kinshasa")
        redis.expire("uic:s:*")
        reply = phone.say("Jean")
        assert message("expired") in reply and question(0) in reply
        assert message("welcome") not in reply
        assert code_in(phone.say_all(*JEAN)) == code_of(JEAN)


def test_a_day_later_nothing_is_remembered(start, redis):
    with Phone(start(REDIS_URL=redis.url)) as phone:
        phone.say_all("Bonjour", "1985", "Kinshasa")
        redis.expire("uic:*")
        reply = phone.say("Jean")
        assert message("welcome") in reply and message("expired") not in reply


@pytest.mark.parametrize("ending", ["STOP", "the code"])
def test_who_came_to_an_end_has_no_expired_session(start, redis, ending):
    with Phone(start(REDIS_URL=redis.url)) as phone:
        phone.say_all("Bonjour", *(["1985", "STOP"] if ending == "STOP" else JEAN))
        redis.expire("uic:s:*")
        assert message("welcome") in phone.say("Bonjour")


def test_every_key_has_a_time_to_live(start, redis):
    with Phone(start(REDIS_URL=redis.url, SESSION_TIMEOUT_MINUTES=7)) as phone:
        phone.say_all("Bonjour", "1985")
        minutes = {"uic:s:": 7, "uic:m:": 26 * 60}
        for prefix, longest in minutes.items():
            (key,) = redis.keys(prefix + "*")
            assert 0 < int(redis.command("PTTL", key)[0]) <= longest * 60 * 1000
        # What is counted, for 90 days at most, and who is there.
        for key in redis.keys():
            assert 0 < int(redis.command("PTTL", key)[0]) <= 91 * 24 * 60 * 60 * 1000, key


def test_each_message_renews_the_life_of_the_session(start, redis):
    with Phone(start(REDIS_URL=redis.url)) as phone:
        phone.say("Bonjour")
        (session,) = redis.keys("uic:s:*")
        redis.command("PEXPIRE", session, "60000")
        phone.say("1985")
        assert int(redis.command("PTTL", session)[0]) > 60000


def test_a_session_survives_the_restart_of_the_server(start, redis, tmp_path):
    settings = {"REDIS_URL": redis.url, "DATABASE_URL": f"sqlite:///{tmp_path}/records.db"}
    server = start(**settings)
    with Phone(server) as phone:
        phone.say_all("Bonjour", *JEAN[:3])
    server.stop()
    with Phone(start(**settings), phone.number) as again:
        assert code_in(again.say_all(*JEAN[3:])) == code_of(JEAN)


def test_a_script_flushed_from_redis_is_loaded_again(start, redis):
    with Phone(start(REDIS_URL=redis.url)) as phone:
        phone.say("Bonjour")
        redis.command("SCRIPT", "FLUSH")
        assert question(1) in phone.say("1985")
        assert question(2) in phone.say("Kinshasa")


def test_a_damaged_session_counts_as_none(start, redis):
    with Phone(start(REDIS_URL=redis.url)) as phone:
        phone.say_all("Bonjour", "1985")
        (session,) = redis.keys("uic:s:*")
        redis.command("SETRANGE", session, "20", "damage")
        assert question(0) in phone.say("Kinshasa")
        assert code_in(phone.say_all(*JEAN)) == code_of(JEAN)


def test_one_persons_session_put_under_anothers_key_is_not_opened(start, redis):
    server = start(REDIS_URL=redis.url, WORKERS=1)
    with Phone(server) as one, Phone(server) as other:
        one.say_all("Bonjour", *JEAN[:3])
        (first,) = redis.keys("uic:s:*")
        other.say("Bonjour")
        (second,) = set(redis.keys("uic:s:*")) - {first}
        redis.command("COPY", first, second, "REPLACE")
        assert question(0) in other.say("15")


def test_while_redis_stands_still_people_are_asked_to_try_again(start, redis):
    server = start(REDIS_URL=redis.url, WORKERS=1)
    with Phone(server) as phone:
        phone.say_all("Bonjour", "1985")
        phone.connection.timeout = 2
        redis.pause()
        try:
            assert phone.say("Kinshasa") == message("unavailable")
            assert server.status_of("/health") == 200
            eventually(lambda: server.status_of("/ready") == 503, "not ready")
            assert phone.say("Kinshasa") == message("unavailable")
        finally:
            redis.resume()
        eventually(lambda: question(2) in phone.say("Kinshasa"), "going on")
        assert code_in(phone.say_all(*JEAN[2:])) == code_of(JEAN)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_when_redis_is_gone_and_back_the_conversation_goes_on_where_it_was(start, redis, how):
    server = start(REDIS_URL=redis.url, WORKERS=1)
    with Phone(server) as phone:
        phone.say_all("Bonjour", "1985")
        phone.connection.timeout = 2
        getattr(redis, how)()
        assert phone.say("Kinshasa") == message("unavailable")
        redis.start()
        eventually(lambda: question(2) in phone.say("Kinshasa"), "going on")


def test_the_server_starts_without_redis_and_finds_it_later(start, redis):
    redis.stop()
    server = start(REDIS_URL=redis.url, wait_for="/health")
    with Phone(server) as phone:
        assert server.status_of("/ready") == 503
        assert phone.say("Bonjour") == message("unavailable")
        redis.start()
        eventually(lambda: message("welcome") in phone.say("Bonjour"), "welcome")
        eventually(lambda: server.status_of("/ready") == 200, "ready")


def test_redis_behind_a_socket_file_and_another_database(start, redis):
    with Phone(start(REDIS_URL=f"unix://{redis.socket_path}?db=3")) as phone:
        phone.say_all("Bonjour", "1985")
    assert not redis.keys()
    assert len(redis.command("-n", "3", "KEYS", "uic:s:*")) == 1


def test_redis_with_a_password(start, redis):
    redis.command("CONFIG", "SET", "requirepass", "Open_Sesame-7")
    server = start(REDIS_URL=f"redis://:Open_Sesame-7@127.0.0.1:{redis.port}/0")
    with Phone(server) as phone:
        assert question(1) in phone.say_all("Bonjour", "1985")
    wrong = start(REDIS_URL=f"redis://:Open_Sesame-8@127.0.0.1:{redis.port}/0", wait_for="/health")
    with Phone(wrong) as phone:
        assert phone.say("Bonjour") == message("unavailable")
        assert wrong.status_of("/ready") == 503
    for log in (server.log(), wrong.log()):
        assert "Sesame" not in log


def test_a_session_is_small(start, redis):
    """Bytes of Redis for one registration, at each of its messages: in sentences, and read back."""
    sizes = []
    with Phone(start(REDIS_URL=redis.url)) as phone:
        for said in ("Bonjour", "je suis né en 1985", "née à Mbuji-Mayi", "je m’appelle Jean-Pierre",
                     "le 15 mars", "Kabila Ilunga", "1", "2", "Kinshasa", "oui"):
            reply = phone.say(said)
            (key,) = redis.keys("uic:s:*")
            sizes.append(int(redis.command("MEMORY", "USAGE", key)[0]))
    assert code_in(reply)
    assert max(sizes) <= 300, sizes
