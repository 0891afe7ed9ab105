"""The reader that is measured: a command that reads lines {"answers": [...]} and writes {"code", "normalized", "doubt",
"near"} or {"error", "field", "choices"}, as whatsapp-uic code --jsonl does."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from errors import STEPS
from names import forms

ROOT = Path(__file__).resolve().parents[2]
DEFINITIONS = ROOT / "flow/definitions"
CIU_RDC = DEFINITIONS / "ciu-rdc.json"
SALT = "mesure-de-l-identite-0123456789abcdef"  # any: it is the same for both visits

# What becomes of an extended text.
FORM = {"extended": lambda text: text, "spelling": forms.spelling, "sound": forms.sound}


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

    def __init__(self, name, command, flow, knows_near=False):
        definition = json.loads(Path(flow).read_text(encoding="utf-8"))
        steps = definition["steps"]
        self.name, self.asks_near = name, knows_near and definition.get("near") == "ask"
        self.command = command + ["--near"] if self.asks_near else command
        self.steps = [STEPS.index(step["key"]) for step in steps]
        self.normalizations = {STEPS.index(step["key"]): step.get("normalization", "extended") for step in steps}

    def form(self, step, text):
        """Of an extended text, what goes into the code."""
        return FORM[self.normalizations[step]](text)

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
    found = [Reader(name, code + [str(flow)], flow, knows_near=True) for name, flow in flows.items()]
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
    visit.near = dict(zip(reader.steps, reply.get("near", [])))
    return True


def is_hers(reader, visit, step, text):
    """People see what they wrote, and not its form; one that is the same is right in any case."""
    return any(text == reader.form(step, meant) for meant in visit.meant[step])
