"""Every command line of our documents is run as it stands, on a copy of the sources with the programs of
the packages in PATH; those of the guide's machine by tests/chroot. tests/documents says which are not,
and why. Only the port differs, for 8000 may be somebody's."""

import json
import os
import re
import shutil
import signal
import subprocess

import pytest
from commands import DATA, GUIDE, blocks, inline, is_excused, matches, not_run, on_the_machine
from processes import RedisServer, eventually, free_port
from texts import CODE_LINE, JEAN

MINUTES = 15  # a build among them
START = {"scripts/run", "scripts/run --full"}  # begins the sandbox, and has a test of its own
LINES = json.dumps({"answers": JEAN}) + "\n"  # for code --jsonl
TYPED = "".join(f"{line}\n" for line in ("Bonjour", *JEAN))
# What documents leave to the reader.
FILLED = {"csv|jsonl": "csv", " FILE": " .env", "DAYS": "3650 --yes", "[--days N]": "--days 7",
          "[--json]": "--json", "+243…": "+243999999999 --yes",
          "scripts/backup": "scripts/backup --env .env --directory kept"}
NEW_QUESTION = "Dans quelle zone de santé habitez-vous"


def scripts():
    """(document, script) of all that is to be run here: what is left of each block, and what stands in the
    text."""
    for block in blocks():
        lines = [line for line in block.lines() if not is_excused(line) and line not in START
                 and not on_the_machine(line)]
        if lines and block.language not in DATA and not block.marked and not is_told(block):
            yield block.document, "\n".join(lines)
    for document, command in inline():
        if command not in START and not is_excused(command) and not on_the_machine(command):
            yield document, command


def is_told(block):
    """What the program says to a wrong flow: test_mistakes_are_told_like_that."""
    return block.text.startswith("my-flow.json: ")


class Sandbox:
    """The sources in a folder, built and started by scripts/run."""

    def __init__(self, root, installed, folder):
        self.folder = folder
        listing = subprocess.run("git ls-files -co --exclude-standard -z || find . -type f -print0", cwd=root,
                                 shell=True, capture_output=True, check=True).stdout
        copy = subprocess.Popen(["tar", "-c", "--null", "-T", "-"], cwd=root, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)
        unpack = subprocess.Popen(["tar", "-x", "-C", folder], stdin=copy.stdout)
        copy.stdin.write(listing)
        copy.stdin.close()
        assert unpack.wait() == 0 == copy.wait()
        config, = installed.glob("usr/lib/*/pkgconfig")
        self.environment = {**os.environ, "PATH": f"{installed}/usr/bin:{os.environ['PATH']}",
                            "PKG_CONFIG_PATH": str(config), "MANPATH": f"{installed}/usr/share/man",
                            "TMPDIR": str(folder)}
        self.environment.pop("WHATSAPP_UIC", None)

    def start(self, *options):
        """The first thing that anybody types."""
        self.environment["PORT"] = str(free_port())
        with open(self.folder / "run.log", "w") as log:
            self.server = subprocess.Popen(["scripts/run", *options], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=log, start_new_session=True,
                                           env=self.environment)
        for _ in range(MINUTES * 2):
            try:
                eventually(lambda: self.server.poll() is not None or subprocess.run(
                    ["curl", "-sf", "-o", "/dev/null", self.address + "/ready"]).returncode == 0,
                    "the server answers")
                break
            except AssertionError:
                continue
        assert self.server.poll() is None, (self.folder / "run.log").read_text()

    def folder_of(self, document):
        """Where one who reads this is: with other questions, not beside the codes of the first ones."""
        return self.folder / "mine" if document == "docs/flow-file.md" else self.folder

    @property
    def address(self):
        return f"http://localhost:{self.environment['PORT']}"

    def stop(self):
        os.killpg(self.server.pid, signal.SIGTERM)
        return self.server.wait()

    def run(self, document, script):
        for example, value in FILLED.items():
            script = script.replace(example, value)
        script = re.sub(r"\b8000\b", self.environment["PORT"], script)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=self.folder_of(document),
                              input=LINES if "--jsonl" in script else TYPED, env=self.environment, capture_output=True, text=True,
                              timeout=MINUTES * 60)
        # For monitoring, and it sees that this is no production.
        expected = 1 if "check --quiet" in script else 0
        assert done.returncode == expected, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout


def write_flow(folder):
    """What docs/flow-file.md does to the built-in flow; its commands name the file."""
    old_step, new_step, old_piece, new_piece, *more = (
        json.loads(block.text) for block in blocks()
        if block.document == "docs/flow-file.md" and block.language == "json")
    flow = json.loads((folder / "flow/definitions/ciu-rdc.json").read_text(encoding="utf-8"))
    flow["steps"][flow["steps"].index(old_step)] = new_step
    flow["code"][flow["code"].index(old_piece)] = new_piece
    for keys in more:
        flow.update(keys)
    flow.update(id="mine", version=flow["version"] + 1)
    (folder / "mine").mkdir()
    (folder / "mine/my-flow.json").write_text(json.dumps(flow), encoding="utf-8")


@pytest.fixture(scope="module")
def sandbox(root, installed, tmp_path_factory):
    sandbox = Sandbox(root, installed, tmp_path_factory.mktemp("documents"))
    write_flow(sandbox.folder)
    redis = RedisServer(sandbox.folder / "redis")
    redis.start()
    sandbox.environment.update(REDIS_URL=redis.url, RETENTION_DAYS="3650")
    sandbox.start()
    shutil.copy(sandbox.folder / ".env", sandbox.folder / "mine")
    sandbox.run("docs/flow-file.md", "whatsapp-uic init-db")
    (sandbox.folder / "paires.csv").write_text("985-KINS-15-JEA-KABI-91A3F;985-KINS-15-JEA-KABI-91A3F\n" * 30)
    yield sandbox
    sandbox.stop()
    redis.stop()


def test_what_is_not_run_is_still_shown():
    shown = {line for block in blocks() for line in block.lines()} | {command for _, command in inline()}
    assert [pattern for pattern in not_run() if not any(matches(line, pattern) for line in shown)] == []


def test_only_the_guide_is_marked():
    assert {block.document for block in blocks() if block.marked} == {GUIDE}


def test_what_is_for_the_guide_s_machine_is_run_there():
    """tests/chroot follows the blocks that the guide marks, and types what stands in its text."""
    marked = {line for block in blocks() if block.marked for line in block.lines()}
    assert [(block.document, line) for block in blocks() for line in block.lines()
            if on_the_machine(line) and line not in marked and not is_excused(line)] == []
    assert {document for document, command in inline()
            if on_the_machine(command) and not is_excused(command)} == {GUIDE}


@pytest.mark.parametrize("document, script", list(scripts()))
def test_it_does_what_it_says(sandbox, document, script):
    said = sandbox.run(document, script)
    if "FLOW_FILE=" in script and script.endswith("chat"):
        assert NEW_QUESTION in said


def test_the_first_page_gives_the_same_code_in_every_way(sandbox):
    """By the webhook, in the terminal, and without a conversation."""
    said = [sandbox.run(document, script) for document, script in scripts() if document == "README.md" and
            script.endswith(("say Kabila", " chat", "15 Kabila"))]
    assert len(said) == 3
    assert len({CODE_LINE.findall(text)[-1] for text in said}) == 1


def test_mistakes_are_told_like_that(sandbox):
    told, = (block.text for block in blocks() if is_told(block))
    flow = json.loads((sandbox.folder / "flow/definitions/ciu-rdc.json").read_text(encoding="utf-8"))
    del flow["steps"][2]["question"]["fr"]
    flow["code"][0]["field"] = "birthyear"
    folder = sandbox.folder / "mistakes"
    folder.mkdir()
    (folder / "my-flow.json").write_text(json.dumps(flow), encoding="utf-8")
    done = subprocess.run([f"{sandbox.folder}/build/release/whatsapp-uic", "check"], cwd=folder,
                          env={"FLOW_FILE": "my-flow.json"}, capture_output=True, text=True)
    assert done.returncode == 1
    for line in told.splitlines():
        assert line in done.stdout + done.stderr


def test_the_shape_of_production(sandbox):
    """The last one: two instances behind nginx, on a port of their own."""
    sandbox.stop()
    sandbox.start("--full")
