"""The folders of the product stand on one another as cmake/arrows.txt says."""

from pathlib import Path

import arrows
import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "cmake/arrows.txt"


@pytest.fixture(scope="module")
def ours():
    return arrows.read(FILE.read_text(encoding="utf-8"))


def test_no_include_goes_against_the_arrows(ours):
    assert not list(arrows.broken(ROOT, ours))


def test_every_folder_has_a_line_and_every_line_a_folder(ours):
    assert set(ours) == {str(path.parent) for path, _ in arrows.sources(ROOT)}


def test_the_server_knows_the_stores_by_their_public_headers(ours):
    public = {"store", "store/base", "store/redis/url.h"}
    for folder in ours:
        if folder.startswith("server"):
            beside = {name for name in arrows.reach(ours, folder) if name.startswith("store")} - public
            assert not beside, f"{folder} may include {sorted(beside)}"


def test_what_is_pure_includes_nothing_of_a_store_or_a_server(ours):
    for folder in ("uic", "flow", "flow/reading"):
        assert arrows.reach(ours, folder) <= {"uic", "flow", "flow/reading"}


def test_no_two_files_include_each_other():
    assert not arrows.circles(ROOT)


def test_architecture_shows_the_same_lines():
    shown = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("```")[1::2]
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert "\n" + "\n".join(lines) + "\n" in shown


# What these tests would say of a tree in which something is wrong.


@pytest.fixture
def tree(tmp_path):
    def write(path, *lines):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("".join(line + "\n" for line in lines))

    write("store/records.h")
    write("store/records/sql.h")
    write("server/http/http.h")
    write("server/http/http.c", '#include "server/http/http.h"', '#include "store/records.h"')
    write("server/commands/erase.c", "/* erase */", '#include "server/http/http.h"')
    return tmp_path, write


LINES = "store\nstore/records store\nserver/http store\nserver/commands server/http\n"


def test_a_line_that_breaks_an_arrow_is_named(tree):
    root, write = tree
    ours = arrows.read(LINES)
    assert not list(arrows.broken(root, ours))
    write("server/commands/command.h")
    write("server/http/http.c", "/* http */", '  #  include "server/commands/command.h"')
    write("server/commands/erase.c", '#include "store/records/sql.h"', '#include "http.h"')
    assert sorted(arrows.broken(root, ours)) == [
        "server/commands/erase.c:1: server/commands -> store/records (store/records/sql.h)",
        "server/commands/erase.c:2: there is no http.h",
        "server/http/http.c:2: server/http -> server/commands (server/commands/command.h)",
    ]


def test_one_header_can_be_let_through(tree):
    root, write = tree
    write("server/commands/erase.c", '#include "store/records/sql.h"')
    assert not list(arrows.broken(root, arrows.read(LINES.rstrip() + " store/records/sql.h\n")))


def test_arrows_go_down():
    with pytest.raises(ValueError, match="line 1: server/http -> server/commands"):
        arrows.read("server/http server/commands\nserver/commands\n")


def test_a_circle_of_files_is_named(tree):
    root, write = tree
    write("server/http/head.h", '#include "server/http/http.h"')
    write("server/http/head.c", '#include "server/http/head.h"')
    assert not arrows.circles(root)
    write("server/http/http.c", '#include "server/http/head.h"')
    assert arrows.circles(root) == ["server/http/head <-> server/http/http"]
