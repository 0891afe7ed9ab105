"""The reader that is measured: a command that reads lines {"answers": [...]} and writes {"code", "normalized", "doubt"}
or {"error", "field", "choices"}, as whatsapp-uic code --jsonl does."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from errors import STEPS

ROOT = Path(__file__).resolve().parents[2]
CIU_RDC = ROOT / "flow/definitions/ciu-rdc.json"
SALT = "mesure-de-l-identite-0123456789abcdef"  # any: it is the same for both visits


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
    def __init__(self, name, command):
        self.name, self.command = name, command

    def read(self, answers):
        """The replies to all, in their order."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as lines:
            for said in answers:
                lines.write(json.dumps({"answers": said}, ensure_ascii=False) + "\n")
            lines.seek(0)
            done = subprocess.run(self.command, stdin=lines, stdout=subprocess.PIPE, encoding="utf-8", check=False,
                                  env=dict(os.environ, UIC_SALT=SALT, LC_ALL="C.UTF-8"))
        replies = [json.loads(line) for line in done.stdout.splitlines()]
        if len(replies) != len(answers):
            raise SystemExit(f"{self.command[0]}: {len(answers)} lines, {len(replies)} replies")
        return replies


def readers(program, directory, other=None):
    """The plain reading, that of ciu-rdc, and another one's command."""
    code = [str(program), "code", "--jsonl", "--env", "/dev/null", "--flow"]
    found = [Reader("plain", code + [str(plain_flow(directory))]), Reader("ciu-rdc", code + [str(CIU_RDC)])]
    return found + ([Reader("other", ["sh", "-c", other])] if other else [])


def register(errors, reader, visits):
    """Takes all visits to their codes, or to their ends without one. Questions that come again, choices and what is
    read back are answered as errors.py says."""
    waiting = list(visits)
    while waiting:
        replies = reader.read([visit.said for visit in waiting])
        waiting = [visit for visit, reply in zip(waiting, replies) if not settle(errors, visit, reply)]


def settle(errors, visit, reply):
    """Whether the visit has come to its end."""
    if "error" in reply:
        step = STEPS.index(reply["field"])
        if reply.get("choices"):
            errors.chooses(visit, step, reply["choices"])
            return False
        return not errors.is_asked(visit, step)
    if reply.get("doubt") and not visit.confirmed:
        visit.confirmed = 1
        if any([errors.corrects(visit, step, read) for step, read in enumerate(reply["normalized"])]):
            return False
    visit.code, visit.normalized = reply["code"], reply["normalized"]
    return True
