"""Manual pages and completion."""

import os
import subprocess

import pytest

PAGES = ["man1/whatsapp-uic.1.gz", "man5/whatsapp-uic.env.5.gz", "man8/whatsapp-uic-backup.8.gz",
         "man8/whatsapp-uic-restore.8.gz"]
PROGRAM = os.environ["WHATSAPP_UIC"]


def commands():
    done = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True)
    table = done.stdout.partition("\nCommands")[2].partition("\n\n")[0]
    return [line.split()[0] for line in table.splitlines()[1:]]


def page(installed, name):
    done = subprocess.run(["man", "--warnings", "-l", installed / "usr/share/man" / name],
                          capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "100"})
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout


@pytest.mark.parametrize("name", PAGES)
def test_man_has_nothing_to_say_against_it(installed, name):
    assert "NAME\n" in page(installed, name)


def test_the_page_has_every_command_and_option(installed):
    text = page(installed, PAGES[0])
    for command in commands():
        if command == "help":
            continue
        done = subprocess.run([PROGRAM, command, "--help"], capture_output=True, text=True, check=True)
        usage = done.stdout.splitlines()[0].removeprefix("Usage: whatsapp-uic ")
        assert f"\n   {usage}\n" in text
        for line in done.stdout.splitlines()[2:]:
            assert line.strip() in text


def complete(installed, *words):
    """What bash offers behind these words, the last of which is being typed."""
    script = f"""
        source '{installed}/usr/share/bash-completion/completions/whatsapp-uic'
        PATH='{os.path.dirname(PROGRAM)}':$PATH
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _whatsapp_uic "$1" "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
        printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-euc", script, "bash", "whatsapp-uic", *words],
                          capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.split()


def test_commands_are_completed(installed):
    assert sorted(complete(installed, "")) == sorted(commands())
    assert complete(installed, "sal") == ["salt"]
    assert complete(installed, "--env", "x.env", "ini") == ["init-db"]
    assert complete(installed, "help", "sal") == ["salt"]


def test_options_are_completed(installed):
    assert complete(installed, "salt", "--q") == ["--quiet"]
    assert set(complete(installed, "check", "--")) >= {"--quiet", "--server", "--flow", "--env"}
    assert set(complete(installed, "--")) == {"--env", "--help", "--version"}


def test_files_are_completed(installed, tmp_path):
    (tmp_path / "one.env").touch()
    assert complete(installed, "check", "--env", f"{tmp_path}/o") == [f"{tmp_path}/one.env"]
