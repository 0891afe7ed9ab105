"""From Meta and back to Meta: what people write to the webhook is answered through the Graph API, in
order, and never not at all."""

import meta
import pytest
from meta import Meta, button, row, text
from phone import Phone
from processes import eventually
from texts import JEAN, code_in, code_of, message, question

SETTINGS = {**meta.SETTINGS, "META_MESSAGES_PER_SECOND": "0"}


@pytest.fixture
def begin(start, redis, graph):
    """begin() -> a server with both channels; each call starts another on the same Redis."""
    def begin_server(**settings):
        return start(**{**SETTINGS, **graph.settings(), "REDIS_URL": redis.url, **settings})
    return begin_server


def got(graph, person, count):
    """The texts that a person got, when there are so many."""
    eventually(lambda: len(graph.got[person]) >= count, f"{count} replies to {person}")
    return graph.got[person]


def test_a_conversation_through_meta(begin, graph):
    server, number = begin(), meta.new_number()
    with Meta(server) as sender:
        for count, said in enumerate(("Bonjour", *JEAN), 1):
            sender.say(text(number, said))
            replies = got(graph, number, count)
    for step in range(5):
        assert question(step) in replies[step]
    assert code_in(replies[5]) == code_of(JEAN) and len(replies) == 6


def test_the_languages_are_offered_as_a_list(begin, graph):
    server, number = begin(), meta.new_number()
    with Meta(server) as sender:
        sender.say(text(number, "Bonjour"), text(number, "LANGUE"))
        got(graph, number, 2)
        offered = graph.messages[number][1]["interactive"]
        assert offered["type"] == "list"
        french, english, lingala, swahili = offered["action"]["sections"][0]["rows"]
        assert (french["title"], english["title"]) == ("Français", "English")
        assert (lingala["id"], swahili["title"]) == (":ln", "Kiswahili")
        sender.say(row(number, english["id"], english["title"]))
        assert question(0, "en") in got(graph, number, 3)[2]
        # The list is still there, but a year is asked now.
        sender.say(row(number, french["id"], french["title"]))
        assert message("answered", "en") in got(graph, number, 4)[3]


def buttons_of(graph, number, index):
    """title → id of the buttons under a reply."""
    offered = graph.messages[number][index]["interactive"]
    assert offered["type"] == "button"
    return {b["reply"]["title"]: b["reply"]["id"] for b in offered["action"]["buttons"]}


def test_names_and_the_review_are_offered_as_buttons(begin, graph):
    server, number = begin(), meta.new_number()
    with Meta(server) as sender:
        sender.say(*(text(number, said) for said in
                     ("Bonjour", "1985", "née à Kinshasa", "Jean", "15", "Kabila Ilunga")))
        got(graph, number, 6)
        names = buttons_of(graph, number, 5)
        assert list(names) == ["Kabila", "Ilunga"]
        sender.say(button(number, names["Kabila"], "Kabila"))
        assert "2. Kinshasa" in got(graph, number, 7)[6]
        choices = buttons_of(graph, number, 6)
        assert list(choices) == [message("yes"), message("no")]
        sender.say(button(number, choices[message("no")], message("no")))
        got(graph, number, 8)
        offered = graph.messages[number][7]["interactive"]
        assert offered["type"] == "list"
        rows = {row["title"]: row["id"] for row in offered["action"]["sections"][0]["rows"]}
        assert list(rows)[1] == "2. Kinshasa" and len(rows) == 5
        sender.say(button(number, rows["2. Kinshasa"], "2. Kinshasa"))
        assert question(1) in got(graph, number, 9)[8]
        sender.say(text(number, "Goma"))
        assert "2. Goma" in got(graph, number, 10)[9]
        # The first review's button confirms no other answers.
        sender.say(button(number, choices[message("yes")], message("yes")))
        assert message("answered") in got(graph, number, 11)[10]
        yes = buttons_of(graph, number, 10)[message("yes")]
        sender.say(button(number, yes, message("yes")))
        assert code_in(got(graph, number, 12)[11]) == code_of(
            ("1985", "Goma", "Jean", "15", "Kabila"))


def test_somebody_without_a_number_is_answered_by_user_id(begin, graph):
    server, user = begin(), "CD.13491208655302741918"
    said = text("", "Bonjour")
    del said["from"]
    with Meta(server) as sender:
        sender.say({**said, "from_user_id": user})
    assert question(0) in got(graph, user, 1)[0]
    assert graph.messages[user][0]["recipient"] == user


def test_a_message_that_comes_again_is_answered_once(begin, graph):
    server, number = begin(), meta.new_number()
    messages = [text(number, said) for said in ("Bonjour", "1985", "Boma")]
    with Meta(server) as sender:
        for _ in range(3):
            sender.say(*messages)
        sender.say(text(number, "Luc"))
    assert question(3) in got(graph, number, 4)[3]
    assert len(graph.got[number]) == 4


def test_both_channels_at_once(begin, graph):
    server, number = begin(), meta.new_number()
    with Meta(server) as sender, Phone(server, "+" + number) as phone:
        sender.say(text(number, "Bonjour"))
        sender.say(text(number, "1985"))
        assert question(0) in phone.say("Bonjour")
        assert question(1) in got(graph, number, 2)[1]


def test_killed_behind_the_200_the_replies_still_go(begin, graph):
    """The Graph API is away while people write; the server is killed; another one sends."""
    server = begin()
    port = graph.port
    graph.stop()
    people = [meta.new_number() for _ in range(50)]
    with Meta(server) as sender:
        sender.say(*(text(number, said) for said in ("Bonjour", "1985") for number in people))
    server.kill()
    graph.start(port)
    begin()
    for number in people:
        first, second = got(graph, number, 2)[:2]
        assert question(0) in first and question(1) in second
        assert len(graph.got[number]) == 2
