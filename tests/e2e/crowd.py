"""What a crowd of people does, and the figures that it must leave behind."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from phone import Phone, new_number
from texts import CODE_LINE, FLOW

STEPS = [step["key"] for step in FLOW["steps"]]
ANSWERS = ("1985", "Lubumbashi", "Jean", "15", "Kabila")
TOKEN = "a-token-for-administrators"


def get(server, path="/admin/stats", token=TOKEN, authorization=None):
    """(status, headers, body) with the administrators' token, or another, or None."""
    connection = server.connect()
    try:
        headers = {"Authorization": authorization or f"Bearer {token}"} if token else {}
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def stats(server, days=2):
    """The statistics of two days, so that no test fails at midnight."""
    status, headers, body = get(server, f"/admin/stats?days={days}")
    assert status == 200, (status, body)
    assert headers.get_content_type() == "application/json"
    return json.loads(body)


def conversation_of(kind, index):
    """(messages, what they add to the figures) of the index-th person. None is the last message
    again, "photo" a picture."""
    # No letter three times in a row, which would be in doubt.
    name = ANSWERS[4] + "".join(chr((107, 97)[i % 2] + int(digit)) for i, digit in enumerate(str(index)))
    answers = [*ANSWERS[:4], name]
    reached = lambda count: {f"reached:{step}": 1 for step in STEPS[:count]}  # noqa: E731
    done = {"started": 1, "finished": 1, "language:fr": 1, "codes": 1, "requests": 1, **reached(5)}
    if kind == "stops":
        return ["Bonjour", *answers[:2], "STOP"], {"started": 1, "stopped": 1, **reached(3)}
    if kind == "leaves":
        return ["Bonjour", *answers[:3]], {"started": 1, "at:birth_day": 1, **reached(4)}
    if kind == "errs":
        return (["Bonjour", "hier", "23", *answers[:3], "trente-deux", *answers[3:]],
                {**done, "wrong:birth_year": 2, "wrong:birth_day": 1})
    if kind == "talks":  # what is in doubt is read back, and the place corrected
        return (["Bonjour", "vers 1985", "je ne sais pas", *answers[1:3], "15", f"{name} {name}son",
                 "1", "2", answers[1], "OUI"],
                {**done, "doubtful:birth_year": 1, "wrong:mother_birthplace": 1,
                 "not_known:mother_birthplace": 1, "asked_which:family_name": 1,
                 "corrected:mother_birthplace": 1, "read_back": 1})
    if kind == "english":
        del done["language:fr"]
        return ["Hello", "LANGUE", "9", "2", *answers], {**done, "language:en": 1}
    if kind == "returns":
        return ["Bonjour", *answers[:2], "RETOUR", "RETOUR", *answers], done
    if kind == "restarts":
        return ["Bonjour", *answers[:3], "RECOMMENCER", "photo", "AIDE", *answers], done
    if kind == "repeats":
        return ["Bonjour", *answers, None, None], done
    if kind == "twice":
        return (["Bonjour", *answers, "Encore", *answers],
                {**{name: 2 * n for name, n in done.items()}, "codes": 1})
    return ["Bonjour", *answers], done


KINDS = ["stops", "leaves", "errs", "english", "returns", "restarts", "repeats", "twice", "plain",
         "talks"]


def talk(servers, index):
    """One person's conversation, each message to the next of the servers. Returns its figures and
    what is secret of it."""
    messages, adds = conversation_of(KINDS[index % len(KINDS)], index)
    number = new_number()
    phones = [Phone(server, number) for server in servers]
    secrets = {number.lstrip("+")}
    sid = None
    for turn, text in enumerate(messages):
        phone = phones[(index + turn) % len(phones)]
        if text is None:
            reply = phone.say(messages[5], sid=sid)
        elif text == "photo":
            reply = phone.send_photo()
        else:
            reply = phone.say(text)
        sid = phone.last_sid
        secrets.update(CODE_LINE.findall(reply))
    for phone in phones:
        phone.connection.close()
    return Counter({**adds, "numbers": 1 if adds.get("codes") else 0}), secrets


def crowd(servers, count, at_once=8):
    """(figures, secrets) of so many people."""
    figures, secrets = Counter(), set(ANSWERS[1:3]) | {ANSWERS[4], ANSWERS[1].upper()}
    with ThreadPoolExecutor(at_once) as pool:
        for adds, theirs in pool.map(lambda index: talk(servers, index), range(count)):
            figures.update(adds)
            secrets |= theirs
    return figures, secrets


def expected(figures):
    """The members of the statistics that such figures make, for two days."""
    funnel = {name: figures[name]
              for name in ("started", "finished", "expired", "stopped", "read_back")}
    for name in ("reached", "wrong", "not_known", "asked_which", "doubtful", "corrected"):
        funnel[name] = {step: figures[f"{name}:{step}"] for step in STEPS}
    here = {step: figures[f"at:{step}"] for step in STEPS}
    return {
        "totals": {"codes": figures["codes"], "requests": figures["requests"],
                   "repeated": figures["requests"] - figures["codes"],
                   "numbers": figures["numbers"]},
        "days": (figures["codes"], figures["requests"] - figures["codes"]),
        "active": {"total": sum(here.values()), "by_step": here},
        "funnel": funnel,
        "languages": {language: figures[f"language:{language}"] for language in FLOW["languages"]},
    }


def found(told):
    """The same members of the statistics that were told."""
    return {
        "totals": {name: total for name, total in told["totals"].items() if name != "possible_duplicates"},
        "days": tuple(sum(day[name] for day in told["by_day"]) for name in ("new", "repeated")),
        "active": told["active"],
        "funnel": told["funnel"]["period"],
        "languages": told["languages"]["period"],
    }
