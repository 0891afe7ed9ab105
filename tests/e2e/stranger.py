"""What a stranger may try: random scripts of messages, put together from the pieces of a table. A new
feature that people can write to gets a piece of its own here, and promise 9 is tested with it."""

import random
from collections import namedtuple
from dataclasses import dataclass, field

Person = namedtuple("Person", "year place first day family")

# What a step sends. "again" is the message with this index once more, under the same id. "show" sends
# nothing: from then on messages show number and user id as it says. "read" waits until a question can
# have been read.
Say = namedtuple("Say", "text")
Photo = namedtuple("Photo", "")
Again = namedtuple("Again", "index")
Show = namedtuple("Show", "who")
Read = namedtuple("Read", "")
NUMBER, BOTH, USER_ID, OTHER_ID = "number", "both", "user id", "number and another user id"

SYLLABLES = ("ba bo di ka ki ko la li lu ma mba mbu mo na nda ngo nta nya po sa she ta ti tu ya zo"
             " é ô nzé").split()
PLACES = ("Kinshasa", "Goma", "Lubumbashi", "Mbuji-Mayi", "Kisangani", "Bukavu", "Matadi", "Boma")
ACCENTS = str.maketrans("aeiouAEIOU", "áéîôúÁÉÎÔÚ")


@dataclass
class Script:
    """A script being written: its messages in acts, between which the database goes and comes back."""

    chance: random.Random
    acts: list = field(default_factory=lambda: [[]])
    persons: list = field(default_factory=list)
    sent: int = 0

    def add(self, step):
        self.acts[-1].append(step)
        self.sent += 1

    def say(self, *texts):
        for text in texts:
            self.add(Say(text))

    def show(self, who):
        self.acts[-1].append(Show(who))

    def read(self):
        self.acts[-1].append(Read())

    def person(self):
        """Somebody of this script, or now and then somebody new."""
        if not self.persons or self.chance.random() < 0.25:
            name = self.name
            self.persons.append(Person(str(self.chance.randint(1930, 2015)),
                                       self.chance.choice((*PLACES, name())), name(),
                                       str(self.chance.randint(1, 31)), name()))
        return self.chance.choice(self.persons)

    def name(self):
        return "".join(self.chance.choices(SYLLABLES, k=5)).capitalize()

    def spelled(self, text):
        """The same answer in other letters."""
        return self.chance.choice((str.upper, str.lower, lambda t: f"  {t} ",
                                   lambda t: t.translate(ACCENTS),
                                   lambda t: t.replace("-", " ")))(text)


# The pieces. Each begins and ends outside of a conversation.

def exactly(script):
    script.say("Bonjour", *script.person())


def spelled_otherwise(script):
    script.say("Bonjour", *map(script.spelled, script.person()))


def one_letter_off(script):
    person = script.person()
    script.say("Bonjour", *person[:4], person.family + script.chance.choice("abk"))


def twice_over(script):
    person = script.person()
    for _ in range(2):
        script.say("Bonjour", *person)


def four_of_five_and_stop(script):
    script.say("Bonjour", *script.person()[:4], "STOP")


def four_of_five_then_five(script):
    person = script.person()
    script.say("Bonjour", *person[:4], script.chance.choice(("AIDE", "RETOUR", "LANGUE")))
    script.say({"RETOUR": person.day, "LANGUE": "2"}.get(script.acts[-1][-1].text, "  "), person.family)
    script.say("STOP")


def stopped_and_begun_again(script):
    person = script.person()
    script.say("Bonjour", *person[:script.chance.randint(0, 4)], "STOP", "STOP")
    script.say(*person, "STOP")


def back_to_another_answer(script):
    person, other = script.person(), script.person()
    script.say("Bonjour", *person[:2], other.first, "RETOUR", *person[2:])


def another_language(script):
    person = script.person()
    script.say("Hello", "LANGUAGE", script.chance.choice(("1", "2", "English", "9")), *person, "STOP")


def begun_anew_in_the_middle(script):
    person, other = script.person(), script.person()
    script.say("Bonjour", *other[:script.chance.randint(1, 4)], "RECOMMENCER", *person)


def answers_that_are_none(script):
    person = script.person()
    script.say("Bonjour", "jamais", person.year, person.place, "123", person.first, "99", person.day)
    script.add(Photo())
    script.say(person.family)


SENTENCES = (("né en {0}", "je suis né en {0}", "{0} je crois"),
             ("à {0}", "née à {0}", "Alizaliwa {0}", "{0}, commune de {0}"),
             ("je m’appelle {0}", "prénom : {0}", "*{0}*"),
             ("le {0}", "le {0} mars", "tarehe {0}"),
             ("nkombo na ngai {0}", "mon nom est {0}", "Papa {0}"))


def in_sentences(script):
    """What is in doubt is read back; whether it is or not, OUI ends it, or begins the next."""
    sentences = [script.chance.choice(forms).format(answer)
                 for forms, answer in zip(SENTENCES, script.person())]
    script.say("Bonjour", *sentences, script.chance.choice(("OUI", "oui merci", "👍", "STOP")), "STOP")


def read_back_and_corrected(script):
    person, other = script.person(), script.person()
    which = script.chance.randrange(5)
    script.say("Bonjour", person.year, f"née à {person.place}", *person[2:],
               script.chance.choice(("non", "RETOUR", "AIDE", "rien")), str(which + 1), other[which],
               "ndiyo", "STOP")


def several_names(script):
    person, other = script.person(), script.person()
    script.say("Bonjour", *person[:4], f"{person.family} {other.family}",
               script.chance.choice(("1", "2", other.family, "7", "RETOUR")))
    script.say(person.family, "STOP")


def who_does_not_know(script):
    person = script.person()
    script.say("Bonjour", "je ne sais pas", person.year, "sijui", person.place, "ok", *person[2:])


def the_last_message_again(script):
    exactly(script)
    for _ in range(script.chance.randint(1, 3)):
        script.add(Again(script.sent - 1))


def older_messages_again(script):
    begin = script.sent
    exactly(script)
    for _ in range(3):
        script.add(Again(script.chance.randrange(begin, script.sent)))


def hides_the_number(script):
    """In the middle of a conversation; and is asked for once more."""
    person, cut = script.person(), script.chance.randint(0, 5)
    script.show(BOTH)
    script.say("Bonjour", *person[:cut])
    script.show(USER_ID)
    script.say(*person[cut:])
    script.show(script.chance.choice((BOTH, USER_ID)))
    script.say("Bonjour", *person)
    script.show(NUMBER)


def shows_the_number_later(script):
    person = script.person()
    for who in (USER_ID, BOTH, USER_ID):
        script.show(who)
        script.say("Bonjour", *person)
    script.show(NUMBER)


def a_number_from_before_there_were_ids(script):
    person = script.person()
    for who in (NUMBER, script.chance.choice((BOTH, USER_ID)), script.chance.choice((BOTH, NUMBER))):
        script.show(who)
        script.say("Bonjour", *person)
    script.show(NUMBER)


def a_number_that_is_given_out_again(script):
    person = script.person()
    for who in (script.chance.choice((BOTH, NUMBER)), OTHER_ID,
                script.chance.choice((BOTH, OTHER_ID, NUMBER))):
        script.show(who)
        script.say("Bonjour", *person)
    script.show(NUMBER)


def nearly(script, person):
    """The same but for one answer, which is not the first name; or but for how that one is spelt."""
    chance, other = script.chance, list(person)
    which = chance.choice((0, 1, 3, 4))
    other[which] = {0: str(int(person.year) - 1), 1: chance.choice((*PLACES, person.place.replace("k", "c"))),
                    3: str(int(person.day) % 28 + 1), 4: chance.choice((script.name(), f"{person.family}h"))}[which]
    return other


SAME_OR_NOT = ("Oui", "non", "1", "2", "Non, une autre", "peut-être", "RETOUR", "AIDE", "LANGUE")


def whether_it_is_the_same_person(script):
    person = script.person()
    script.say("Bonjour", *person, "STOP", "Bonjour", *nearly(script, person))
    if script.chance.random() < 0.3:
        script.add(Again(script.sent - 1))
    if script.chance.random() < 0.8:
        script.read()
    script.say(script.chance.choice(SAME_OR_NOT), script.chance.choice(("oui", "2", "STOP")))


def near_answers_in_another_order(script):
    person = script.person()
    script.say("Bonjour", *nearly(script, person))
    script.read()
    script.say(script.chance.choice(("oui", "non", "STOP")), "STOP",
               "Bonjour", *person[:2], person.family, person.day, person.first)
    script.read()
    script.say(script.chance.choice(("oui", "non", "👍")))


def while_the_database_is_away(script):
    """Once in a script; what comes after it finds the database there again. Now and then it leaves while
    it is asked whether it is the same person."""
    if len(script.acts) > 1:
        return
    asked = script.chance.random() < 0.3
    if asked:
        person = script.person()
        script.say("Bonjour", *person, "STOP", "Bonjour", *nearly(script, person))
    script.acts.append([])
    if asked:
        script.read()
        script.say(script.chance.choice(("oui", "non")), "STOP")
    script.chance.choice((exactly, twice_over, spelled_otherwise, the_last_message_again,
                          hides_the_number, a_number_that_is_given_out_again))(script)
    script.acts.append([])


PIECES = {
    exactly: 4,
    spelled_otherwise: 3,
    one_letter_off: 1,
    twice_over: 2,
    four_of_five_and_stop: 1,
    four_of_five_then_five: 2,
    stopped_and_begun_again: 1,
    back_to_another_answer: 1,
    another_language: 1,
    begun_anew_in_the_middle: 1,
    answers_that_are_none: 1,
    in_sentences: 3,
    read_back_and_corrected: 3,
    several_names: 2,
    who_does_not_know: 1,
    the_last_message_again: 2,
    older_messages_again: 1,
    hides_the_number: 3,
    shows_the_number_later: 2,
    a_number_from_before_there_were_ids: 2,
    a_number_that_is_given_out_again: 2,
    whether_it_is_the_same_person: 4,
    near_answers_in_another_order: 2,
    while_the_database_is_away: 4,
}
ACTS = 3           # with the database, without it, and with it again
MESSAGES_MAX = 45  # Meta lets one person have so many at once
PIECES_BEGIN_MAX = 20


def write_script(seed):
    """The acts of a script, the same for the same seed."""
    script = Script(random.Random(f"stranger {seed}"))
    for piece in script.chance.choices(list(PIECES), PIECES.values(), k=script.chance.randint(1, 3)):
        if script.sent > PIECES_BEGIN_MAX:
            break
        piece(script)
        script.say("STOP")  # whatever is asked, whether it is the same person too
    exactly(script)  # whatever it was, somebody who was in it is asked for in the end
    return script.acts + [[] for _ in range(ACTS - len(script.acts))]
