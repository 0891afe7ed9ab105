"""The reader that is measured: a command that reads lines {"answers": [...]} and writes {"code", "normalized", "doubt"}
or {"error", "field", "choices"}, as whatsapp-uic code --jsonl does."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

from errors import FAMILY, FIRST, STEPS
from names import forms

ROOT = Path(__file__).resolve().parents[2]
DEFINITIONS = ROOT / "flow/definitions"
CIU_RDC = DEFINITIONS / "ciu-rdc.json"
SALT = "mesure-de-l-identite-0123456789abcdef"  # any: it is the same for both visits

# What becomes of an extended text, and of that in turn where a name's sound is wanted.
FORM = {"extended": lambda text: text, "spelling": forms.spelling, "sound": forms.sound}
SOUND = {"extended": forms.sound, "spelling": forms.sound_of_spelling, "sound": lambda text: text}


def ending(spelling, sound):
    """What twins' names differ by that sound alike, as flow/near.c has it."""
    inner, written = re.fullmatch("(.*?)([AEIOU]*)", spelling).groups()
    heard_inner, heard = re.fullmatch("(.*?)([AEIOU]*)", sound).groups()
    if len(re.findall("[AEIOU]", inner)) != len(re.findall("[AEIOU]", heard_inner)):
        return spelling
    if not written and re.search(r"(.)\1$", spelling):
        return spelling[-1]
    return "" if written == heard else written


def plain_flow(directory):
    """ciu-rdc as it was before it read carefully."""
    flow = json.loads(CIU_RDC.read_text(encoding="utf-8"))
    for step in flow["steps"]:
        step.pop("holds", None)
        step["reading"] = "plain"
    flow["confirm"] = "never"
    path = Path(directory) / "plain.json"
    path.write_text(json.dumps(flow), encoding="utf-8")
    return path


class Reader:
    """With the flow file whose steps the command asks for."""

    def __init__(self, name, command, flow):
        self.name, self.command = name, command
        steps = json.loads(Path(flow).read_text(encoding="utf-8"))["steps"]
        self.steps = [STEPS.index(step["key"]) for step in steps]
        self.normalizations = {STEPS.index(step["key"]): step.get("normalization", "extended") for step in steps}

    def form(self, step, text):
        """Of an extended text, what goes into the code."""
        return FORM[self.normalizations[step]](text)

    def near_form(self, step, normalized):
        """(sound, ending) by which the question compares: names have an ending where they are not kept by sound."""
        way = self.normalizations[step]
        sound = SOUND[way](normalized)
        if step not in (FIRST, FAMILY) or way == "sound":
            return sound, ""
        return sound, ending(forms.spelling(normalized) if way == "extended" else normalized, sound)

    def read(self, answers):
        """The replies to all, in their order."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as lines:
            for said in answers:
                lines.write(json.dumps({"answers": [said[step] for step in self.steps]}, ensure_ascii=False) + "\n")
            lines.seek(0)
            done = subprocess.run(self.command, stdin=lines, stdout=subprocess.PIPE, encoding="utf-8", check=False,
                                  env=dict(os.environ, UIC_SALT=SALT, LC_ALL="C.UTF-8"))
        replies = [json.loads(line) for line in done.stdout.splitlines()]
        if len(replies) != len(answers):
            raise SystemExit(f"{self.command[0]}: {len(answers)} lines, {len(replies)} replies")
        return replies


def readers(program, directory, other=None):
    """The plain reading, those of the definitions, and another one's command."""
    code = [str(program), "code", "--jsonl", "--env", "/dev/null", "--flow"]
    flows = {"plain": plain_flow(directory), **{name: DEFINITIONS / f"{name}.json"
                                                for name in ("ciu-rdc", "ciu-opaque", "ciu-province")}}
    found = [Reader(name, code + [str(flow)], flow) for name, flow in flows.items()]
    return found + ([Reader("other", ["sh", "-c", other], CIU_RDC)] if other else [])


def register(errors, reader, visits):
    """Takes all visits to their codes, or to their ends without one. Questions that come again, choices and what is
    read back are answered as errors.py says."""
    waiting = list(visits)
    while waiting:
        replies = reader.read([visit.said for visit in waiting])
        waiting = [visit for visit, reply in zip(waiting, replies) if not settle(errors, reader, visit, reply)]


def settle(errors, reader, visit, reply):
    """Whether the visit has come to its end."""
    if "error" in reply:
        step = STEPS.index(reply["field"])
        if reply.get("choices"):
            errors.chooses(visit, step, reply["choices"])
            return False
        return not errors.is_asked(visit, step)
    read = dict(zip(reader.steps, reply["normalized"]))
    if reply.get("doubt") and not visit.confirmed:
        visit.confirmed = 1
        if any([errors.corrects(visit, step, is_hers(reader, visit, step, text)) for step, text in read.items()]):
            return False
    visit.code, visit.normalized = reply["code"], read
    return True


def is_hers(reader, visit, step, text):
    """People see what they wrote, and not its form; one that is the same is right in any case."""
    return any(text == reader.form(step, meant) for meant in visit.meant[step])
