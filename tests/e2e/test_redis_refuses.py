"""A Redis that answers, and refuses: what it costs, what people are told, what operators are told."""

import pytest
from phone import Phone
from processes import eventually
from texts import JEAN, code_in, code_of, message, question


def saves(redis):
    """How often Redis was asked to save a session."""
    lines = dict(line.strip().split(":", 1) for line in redis.command("INFO", "commandstats") if ":" in line)
    counts = [lines.get(f"cmdstat_{name}", "calls=0") for name in ("eval", "evalsha")]
    return sum(sum(int(field.split("=")[1]) for field in count.split(",")
                   if field.split("=")[0] in ("calls", "rejected_calls")) for count in counts)


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
        redis.command("CONFIG", "SET", "maxmemory", "0")
        assert question(2) in phone.say("Kinshasa"), "the conversation stayed where it was"
        assert code_in(phone.say_all(*JEAN[2:])) == code_of(JEAN)
    assert "too_many_conflicts" not in server.log()
