"""whatsapp-uic chat: the conversation in a terminal."""

import json
import os
import pty
import subprocess

import pytest
from processes import PATIENCE, PROGRAM, environment_for, run_program
from texts import JEAN, code_in, code_of, message, question


@pytest.fixture
def chat(tmp_path):
    """chat(LINE...) -> what is said when these lines are typed, and then Ctrl-D."""

    def talk(*lines, options=(), end="\n"):
        done = run_program("chat", *options, cwd=tmp_path, stdin="".join(line + end for line in lines))
        assert done.returncode == 0, done.stderr
        return done

    return talk


def test_five_answers_give_the_code(chat, tmp_path):
    done = chat("Bonjour", *JEAN)
    said = done.stdout
    assert done.stderr == "", "no line of a log stands between the sentences"
    assert message("welcome") in said and question(0) in said
    assert code_in(said) == code_of(JEAN)
    assert list(tmp_path.iterdir()) == [], "nothing is registered anywhere"


def test_the_code_again_is_the_same(chat):
    said = chat("Bonjour", *JEAN, "Bonjour", *JEAN).stdout
    assert said.count(code_of(JEAN)) == 2


def test_other_questions(chat, root):
    path = root / "flow/definitions/lllfffycg.json"
    first = json.loads(path.read_text(encoding="utf-8"))["steps"][0]["question"]
    assert list(first.values())[0] in chat("Bonjour", options=("--flow", path)).stdout


def test_a_line_that_is_no_text_is_asked_for_again(tmp_path):
    done = subprocess.run([PROGRAM, "chat"], cwd=tmp_path, input=b"Bonjour\r\n\xff\xfe\r\n1985\r\n",
                          env=environment_for(), capture_output=True, timeout=PATIENCE * 2)
    assert done.returncode == 0
    assert done.stderr == b"chat: this line is not UTF-8, say it again\n"
    assert question(1) in done.stdout.decode()


def test_nothing_typed_is_nothing_said(chat):
    assert chat().stdout == ""


def test_without_a_salt_it_says_so(tmp_path):
    done = run_program("chat", cwd=tmp_path, stdin="Bonjour\n", UIC_SALT=None)
    assert done.returncode == 1 and "UIC_SALT" in done.stderr and done.stdout == ""


def test_a_person_sees_where_to_type(tmp_path):
    """On a terminal it explains itself, and waits behind a sign."""
    keyboard, terminal = pty.openpty()
    talk = subprocess.Popen([PROGRAM, "chat"], cwd=tmp_path, env=environment_for(), stdin=terminal,
                            stdout=subprocess.PIPE)
    os.close(terminal)
    os.write(keyboard, b"Bonjour\n\x04")
    said = talk.communicate(timeout=PATIENCE * 2)[0].decode()
    os.close(keyboard)
    assert talk.returncode == 0
    assert said.startswith("Écrivez un message ; Ctrl-D pour finir.") and said.count("> ") == 2
