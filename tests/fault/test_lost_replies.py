"""What a store did and could not say any more: the session was saved, and the connection broke before
the word of it came."""

from phone import Phone
from texts import JEAN, code_in, code_of, message, question

SAVED = b":1\r\n"  # Redis's answer to the script that saves


def test_a_step_that_was_saved_without_a_word_is_not_asked_for_again(set_up):
    stage = set_up("sqlite")
    redis = stage.proxies["redis"]
    with Phone(stage.instances[0]) as phone:
        for text, step in zip(("Bonjour", *JEAN[:4]), range(5)):
            stage.on_loop(redis.cut_replies, 1, SAVED)
            assert question(step) in phone.say(text)
            assert redis.cuts == step + 1
        # Of the last answer two saves are cut: of the complete answers, and of the code.
        stage.on_loop(redis.cut_replies, 2, SAVED)
        assert phone.say(JEAN[4]) == message("new_code", code=code_of(JEAN))
        assert redis.cuts == 7
        assert message("welcome") in phone.say("Bonjour")
    assert [count for *_, count in stage.database.records()] == [1]


def test_a_record_that_was_written_without_a_word_counts_once(set_up):
    stage = set_up("postgres")
    database = stage.proxies["database"]
    with Phone(stage.instances[0]) as phone:
        phone.say_all("Bonjour", *JEAN[:4])
        stage.on_loop(database.cut_replies, 1, code_of(JEAN).encode())
        assert code_in(phone.say(JEAN[4])) == code_of(JEAN)
        assert database.cuts == 1
    stage.wait_until_settled()
    assert [count for *_, count in stage.database.records()] == [1]
