"""A person writes, answers five questions, and gets a code."""

import pytest
from phone import WEBHOOK, Phone, reply_text
from texts import CODE_LINE, FLOW_PATH, JEAN, code_in, code_of, invalid, message, question

JEAN_CODE = code_of(JEAN)


def register(phone, answers=JEAN):
    """A whole conversation; returns the reply that tells the code."""
    return phone.say_all("Bonjour", *answers)


def test_the_first_message_is_a_greeting_and_not_an_answer(phone):
    reply = phone.say("1985")
    assert message("welcome") in reply
    assert question(0) in reply


def test_jean_answers_five_questions_and_gets_his_code(phone):
    phone.say("Bonjour")
    for step, answer in enumerate(JEAN[:-1]):
        reply = phone.say(answer)
        assert question(step + 1) in reply, f"after {answer}"
        assert not CODE_LINE.search(reply)
    reply = phone.say(JEAN[-1])
    assert code_in(reply) == JEAN_CODE
    assert JEAN_CODE.startswith("985-KINS-15-JEA-KABI-")
    assert reply == message("new_code", code=JEAN_CODE)


def test_the_same_person_again_hears_that_the_code_existed(start):
    with Phone(start()) as phone:
        assert register(phone) == message("new_code", code=JEAN_CODE)
        assert register(phone) == message("existing_code", code=JEAN_CODE)


def test_from_another_number_nobody_learns_that_the_person_is_registered(start):
    server = start()
    with Phone(server) as jean, Phone(server) as stranger:
        first = register(jean)
        assert register(stranger) == first == message("new_code", code=JEAN_CODE)
    assert [row["phone_number"] for row in server.records()] == [jean.number]


@pytest.mark.parametrize(
    "answers",
    [
        ("1985", "KINSHASA", "jean", "15", "kabila"),
        ("1985", "Kinshàsa", "Jéan", "15", "Kabilà"),
        ("1985", "Kinsha\u0301sa", "Je\u0301an", "15", "Kabila\u0300"),
        (" 1985 ", "  Kinshasa", "Jean  ", "15", "Kabila\n"),
        ("1985", "Kin-shasa", "Je'an", "15.", "Kabila!"),
        ("１９８５", "Ｋｉｎｓｈａｓａ", "Jean", "١٥", "Kabila"),
    ],
    ids=["case", "accents", "combining accents", "spaces", "punctuation", "other digits"],
)
def test_however_the_answers_are_written_the_code_is_the_same(phone, answers):
    assert code_in(register(phone, answers)) == JEAN_CODE


def test_a_day_with_a_leading_zero_is_the_same_day(shared):
    with Phone(shared) as one, Phone(shared) as other:
        five = code_in(register(one, ("1985", "Kinshasa", "Jean", "5", "Kabila")))
        assert five == code_in(register(other, ("1985", "Kinshasa", "Jean", "05", "Kabila")))
        assert five.startswith("985-KINS-05-")


def test_short_names_are_padded(phone):
    answers = ("2001", "Goma", "Li", "1", "Ndé")
    assert "3. Li\n" in register(phone, answers)  # two letters are unusual: they are read back
    assert code_in(phone.say("OUI")) == code_of(answers)
    assert code_of(answers).startswith("001-GOMA-01-LIX-NDEX-")


def test_a_letter_without_decomposition_is_folded(phone):
    code = code_in(register(phone, ("1990", "Bɔma", "Œdipe", "3", "Ɛsaka")))
    assert code.startswith("990-BOMA-03-OED-ESAK-")


@pytest.mark.parametrize(
    "step, answer",
    [(0, "1899"), (0, "9999"), (0, "vingt"), (1, "..."), (1, "x" * 81), (2, "--"),
     (3, "0"), (3, "32"), (3, "lundi"), (4, "?!")],
)
def test_a_wrong_answer_is_explained_and_asked_for_again(phone, step, answer):
    phone.say_all("Bonjour", *JEAN[:step])
    reply = phone.say(answer)
    assert invalid(step) in reply and question(step) in reply
    assert code_in(phone.say_all(*JEAN[step:])) == JEAN_CODE


def test_the_guide_says_of_the_post_nom_what_the_question_says():
    guide = (FLOW_PATH.parents[2] / "docs/guide-deploiement.md").read_text(encoding="utf-8")
    assert question(4).split("\n")[1] in guide


def test_what_was_read_out_of_a_sentence_is_read_back(phone):
    reply = phone.say_all("Bonjour", "né en 85", "née à Goma", "Prénom : Jean", "le 15", "Kabila")
    assert message("review", answers="1. 1985\n2. Goma\n3. Jean\n4. 15\n5. Kabila") in reply
    assert message("correct", answers="1. 1985\n2. Goma\n3. Jean\n4. 15\n5. Kabila") in phone.say("non")
    assert message("correcting") in phone.say("2")
    assert "2. Kinshasa" in phone.say("Kinshasa")
    assert code_in(phone.say("oui")) == JEAN_CODE


def test_of_several_names_one_is_asked_for(phone):
    reply = phone.say_all("Bonjour", *JEAN[:4], "Kabila Ilunga")
    assert "1. Kabila\n2. Ilunga" in reply
    assert code_in(phone.say("1")) == JEAN_CODE


def test_after_the_code_the_next_message_starts_for_the_next_person(phone):
    register(phone)
    reply = phone.say("1990")
    assert message("welcome") in reply and question(0) in reply


def test_help_and_back_and_restart(phone):
    phone.say_all("Bonjour", "1985")
    reply = phone.say("aide")
    assert message("help") in reply and question(1) in reply
    assert question(0) in phone.say("RETOUR")
    assert question(1) in phone.say("1985")
    assert question(0) in phone.say("Recommencer")
    assert code_in(phone.say_all(*JEAN)) == JEAN_CODE


def test_there_is_no_way_back_from_the_first_question(phone):
    phone.say("Bonjour")
    reply = phone.say("back")
    assert message("back_at_first") in reply and question(0) in reply


@pytest.mark.parametrize("choice", ["2", "English", "english"])
def test_who_chooses_english_goes_on_in_english(phone, choice):
    phone.say_all("Bonjour", "1985")
    choices = phone.say("Langue")
    assert "Français" in choices and "English" in choices
    reply = phone.say(choice)
    assert message("language_set", "en") in reply and question(1, "en") in reply
    assert phone.say_all(*JEAN[1:]) == message("new_code", "en", code=JEAN_CODE)


@pytest.mark.parametrize("word", ["Aide", "HELP", "aidé", " help ", "*HELP*", "Aide !"])
def test_commands_are_understood_however_they_are_written(phone, word):
    phone.say("Bonjour")
    assert message("help") in phone.say(word)


def test_a_command_inside_an_answer_is_part_of_the_answer(phone):
    phone.say_all("Bonjour", "1985")
    assert question(2) in phone.say("Stop Kinshasa")


def test_stop_forgets_the_conversation(phone):
    phone.say_all("Bonjour", "1985", "Kinshasa")
    assert phone.say("STOP") == message("stopped")
    reply = phone.say("Bonjour")
    assert message("welcome") in reply and question(0) in reply


def test_a_photo_is_answered_with_a_request_to_write(phone):
    phone.say_all("Bonjour", "1985")
    reply = phone.send_photo()
    assert message("not_text") in reply and question(1) in reply
    assert question(2) in phone.say("Kinshasa")


def test_a_photo_with_words_below_counts_as_written(phone):
    phone.say_all("Bonjour", "1985")
    assert question(2) in phone.say("Kinshasa", media=1)


def test_the_curl_line_of_the_guide_gets_the_welcome(shared, phone):
    status, _, body = phone.post("From=whatsapp:+243999999999&Body=Test")
    assert status == 200
    reply = reply_text(body)
    assert message("welcome") in reply and question(0) in reply


def test_messages_without_an_id_are_all_different(phone):
    assert message("welcome") in phone.say("1985", sid=None)
    assert question(1) in phone.say("1985", sid=None)
    assert question(2) in phone.say("Kinshasa", sid=None)


def test_a_user_id_without_a_number_is_an_address_like_another(start):
    server = start()
    with Phone(server, number="US.13491208655302741918") as phone:
        assert code_in(register(phone)) == JEAN_CODE
    assert [row["phone_number"] for row in server.records()] == ["US.13491208655302741918"]


@pytest.mark.parametrize(
    "text",
    ["<Response>", "]]>", "&amp;&#0;&lol;", "\"'<>&", "\u0001\u0008\u001f", "\ufffe\uffff",
     "\u202e\u2066", "😀" * 400, "a" * 1600, "%00%zz+", "\u0000"],
)
def test_whatever_is_written_the_reply_is_well_formed(phone, text):
    phone.say_all("Bonjour", "1985")
    reply = phone.say(text)  # parses the XML
    assert question(1) in reply or question(2) in reply


def test_unknown_and_repeated_parameters_do_no_harm(phone):
    body = f"Zz=1&=&&%41=%42&From=whatsapp%3A{phone.number.replace('+', '%2B')}&Body=Bonjour&x"
    status, _, answer = phone.post(body)
    assert status == 200
    assert message("welcome") in reply_text(answer)


def test_encoded_keys_are_keys(phone):
    body = f"%46rom=whatsapp%3A%2B{phone.number[1:]}&B%6Fdy=Bonjour"
    status, _, answer = phone.post(body)
    assert status == 200
    assert message("welcome") in reply_text(answer)


def test_the_record_is_what_operators_expect(start):
    server = start()
    with Phone(server) as phone:
        register(phone)
        register(phone)
    (row,) = server.records()
    assert row["uic_code"] == JEAN_CODE
    assert row["phone_number"] == phone.number
    assert row["request_count"] == 2
    assert row["is_active"] in (1, True)
    assert row["notes"] is None
    assert row["created_at"] <= row["last_requested_at"]


def test_the_webhook_may_live_on_another_path(start):
    server = start(WEBHOOK_PATH="/twilio/in")
    with Phone(server) as phone:
        assert phone.post("From=a&Body=b")[0] == 404
        phone.connection.request("POST", "/twilio/in", "From=a&Body=b",
                                 {"Content-Type": "application/x-www-form-urlencoded"})
        assert phone.connection.getresponse().status == 200
    assert WEBHOOK != "/twilio/in"
