"""People with numbers and user ids: what they ask for, and what Meta tells of new ones."""

import time

import meta
from phone import Phone
from processes import eventually

NUMBER, OTHER, THIRD = "+243899000001", "+243899000002", "+243899000003"
USER, OTHER_USER = "CD.9001", "CD.9002"
LUC = ("1991", "Boma", "Luc", "3", "Ilunga")


def asked(server, number, user_id, *people):
    with Phone(server, number) as phone:
        phone.user_id = user_id
        return [phone.say_all("Bonjour", *person) for person in people]


def hidden(server, user_id, *people):
    """The same of who hides her number."""
    with Phone(server) as phone:
        phone.user_id, phone.hidden = user_id, True
        return [phone.say_all("Bonjour", *person) for person in people]


def number_changed(sent_ago=0, old=NUMBER, new=THIRD, **known):
    change = meta.system("user_changed_number", old[1:], wa_id=new[1:], **known)
    return {**change, "timestamp": str(int(time.time()) - sent_ago)}


def carried_out(server, change):
    """Meta tells of it, and it is."""
    before = server.counts()["uic_meta_moved_total"]
    with meta.Meta(server) as sender:
        sender.say(change)
        eventually(lambda: server.counts()["uic_meta_moved_total"] == before + 1, "it is carried out")


def move(server, *changes):
    """Of each (old number, new number, user id)."""
    for old, new, user in changes:
        carried_out(server, number_changed(old=old, new=new, previous_user_id=user, user_id=user))


def id_changed(server, number, old, new):
    carried_out(server, meta.system("user_changed_user_id", number[1:], previous_user_id=old, user_id=new))
