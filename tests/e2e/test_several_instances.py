"""Several instances on one Redis and one database are one service; one person is one line."""

import threading

from phone import Phone, new_number
from texts import CODE_LINE, JEAN, code_in, code_of, question


def start_two(start, redis, tmp_path):
    settings = {"REDIS_URL": redis.url, "DATABASE_URL": f"sqlite:///{tmp_path}/records.db"}
    return start(**settings), start(**settings)


def at_once(*calls):
    """Runs the calls at the same time and returns their results in order."""
    results = [None] * len(calls)
    together = threading.Barrier(len(calls))

    def run(index, call):
        together.wait()
        results[index] = call()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_conversation_goes_on_whichever_instance_is_asked(start, redis, tmp_path):
    servers = start_two(start, redis, tmp_path)
    number = new_number()
    for index, text in enumerate(("Bonjour", *JEAN)):
        with Phone(servers[index % 2], number) as phone:
            reply = phone.say(text)
    assert code_in(reply) == code_of(JEAN)


def test_two_messages_at_once_are_handled_one_after_the_other(start, redis, tmp_path):
    left, right = start_two(start, redis, tmp_path)
    for _ in range(20):
        with Phone(left) as one, Phone(right, one.number) as other:
            one.say_all("Bonjour", "1985")
            replies = at_once(lambda: one.say("Boma"), lambda: other.say("Goma"))
            # Both counted: one is the place, the other the first name.
            assert sum(question(2) in reply for reply in replies) == 1, replies
            assert sum(question(3) in reply for reply in replies) == 1, replies
            code = code_in(one.say_all("15", "Kabila"))
            assert code in (code_of(("1985", "Boma", "Goma", "15", "Kabila")),
                            code_of(("1985", "Goma", "Boma", "15", "Kabila")))


def test_many_messages_at_once_on_one_instance_are_all_counted(shared):
    for _ in range(10):
        with Phone(shared) as phone:
            phone.say_all("Bonjour", "1985")
            places = ("Boma", "Goma", "Kindu", "Uvira", "Bunia")
            phones = [Phone(shared, phone.number) for _ in places]
            # One is the place, one the first name, and none of the others is a day.
            replies = at_once(*(lambda p=p, place=place: p.say(place)
                                for p, place in zip(phones, places)))
            for step, times in ((2, 1), (3, 4)):
                assert sum(question(step) in reply for reply in replies) == times, replies
            for other in phones:
                other.connection.close()


def test_one_message_delivered_to_both_at_once_counts_once(start, redis, tmp_path):
    left, right = start_two(start, redis, tmp_path)
    for _ in range(10):
        with Phone(left) as one, Phone(right, one.number) as other:
            one.say_all("Bonjour", *JEAN[:3])
            one.say("15")
            sid = one.last_sid + "ff"
            replies = at_once(lambda: one.say("Kabila", sid=sid),
                              lambda: other.say("Kabila", sid=sid))
            assert replies[0] == replies[1]
            assert CODE_LINE.search(replies[0])
    (row,) = left.records()
    assert row["request_count"] == 10


def test_many_people_registering_the_same_answers_get_the_same_code(start, redis, tmp_path):
    servers = start_two(start, redis, tmp_path)
    phones = [Phone(servers[index % 2]) for index in range(8)]
    for phone in phones:
        phone.say_all("Bonjour", *JEAN[:4])
    replies = at_once(*(lambda p=p: p.say("Kabila") for p in phones))
    assert {code_in(reply) for reply in replies} == {code_of(JEAN)}
    (row,) = servers[0].records()
    assert row["request_count"] == 8
    for phone in phones:
        phone.connection.close()


def test_different_people_finishing_at_once_are_all_recorded(start, redis, tmp_path):
    servers = start_two(start, redis, tmp_path)
    names = [f"Kabila{letter}" for letter in "abcdefghij"]
    phones = [Phone(servers[index % 2]) for index in range(len(names))]
    for phone in phones:
        phone.say_all("Bonjour", *JEAN[:4])
    replies = at_once(*(lambda p=p, n=n: p.say(n) for p, n in zip(phones, names)))
    told = {code_in(reply) for reply in replies}
    assert told == {code_of((*JEAN[:4], name)) for name in names}
    assert {row["uic_code"] for row in servers[0].records()} == told
    for phone in phones:
        phone.connection.close()
