"""What makes a mistake of ours harder to use: how the program is linked, what it may do, and what
others may see of it."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest
from processes import PROGRAM, run_program

PRODUCTION = {"ENVIRONMENT": "production", "ADMIN_TOKEN": "admin-Token_1234567",
              "TWILIO_AUTH_TOKEN": "0123456789", "PUBLIC_URL": "https://ciu.exemple.cd"}
# A process that nobody may look into cannot look for its own leaks either.
PRODUCTION["ASAN_OPTIONS"] = "detect_leaks=0"
NOBODY = pwd.getpwnam("nobody")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def readelf(program, *options):
    done = subprocess.run(["readelf", "-W", *options, program], capture_output=True, text=True,
                          check=True)
    return done.stdout


needs_readelf = pytest.mark.skipif(not shutil.which("readelf"), reason="binutils is not installed")


@needs_readelf
def test_the_program_is_position_independent_and_its_tables_are_read_only():
    assert "DYN (Position-Independent Executable file)" in readelf(PROGRAM, "-h")
    segments = readelf(PROGRAM, "-l")
    assert "GNU_RELRO" in segments
    (stack,) = [line for line in segments.splitlines() if "GNU_STACK" in line]
    assert "RW " in stack and "RWE" not in stack
    assert "BIND_NOW" in readelf(PROGRAM, "-d")


@needs_readelf
def test_what_people_run_checks_its_stack_and_its_buffers(root):
    program = root / "build/release/whatsapp-uic"
    if not program.exists():
        pytest.skip("there is no release build")
    symbols = readelf(program, "--dyn-syms")
    assert "__stack_chk_fail" in symbols
    assert "__snprintf_chk" in symbols and "__memcpy_chk" in symbols
    if os.uname().machine == "x86_64":  # every object of ours; the system's may lack it
        for library in ("server", "store", "flow", "uic"):
            notes = readelf(root / f"build/release/{library}/lib{library}.a", "-n")
            assert notes.count("IBT, SHSTK") == notes.count("\nFile: ") > 0


def test_no_page_can_be_written_and_executed(start):
    server = start()
    maps = Path(f"/proc/{server.process.pid}/maps").read_text().splitlines()
    assert maps
    assert [line for line in maps if "w" in line.split()[1] and "x" in line.split()[1]] == []


def status_of(server):
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def core_size_of(server):
    limits = Path(f"/proc/{server.process.pid}/limits").read_text().splitlines()
    return next(line.split()[4] for line in limits if line.startswith("Max core file size"))


def test_it_can_never_get_more_rights(start):
    assert status_of(start())["NoNewPrivs"] == "1"


@pytest.fixture
def open_directory():
    """A directory of nobody's that everybody can reach; pytest's own are closed."""
    path = Path("/tmp") / f"uic-hardening-{os.getpid()}"
    path.mkdir(mode=0o755)
    os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    yield path
    shutil.rmtree(path)


@as_root
@pytest.mark.parametrize("settings", [{"RUN_AS_USER": "nobody"}, {}], ids=["named", "owner"])
def test_root_becomes_somebody_who_may_do_less(open_directory, start, settings):
    server = start(directory=open_directory, **PRODUCTION, **settings)
    status = status_of(server)
    assert set(status["Uid"].split()) == {str(NOBODY.pw_uid)}
    assert set(status["Gid"].split()) == {str(NOBODY.pw_gid)}
    assert status["CapEff"].strip("0") == "" and status["CapPrm"].strip("0") == ""
    assert status["Groups"].split() in ([], [str(NOBODY.pw_gid)])
    assert (open_directory / "uic_database.db").stat().st_uid == NOBODY.pw_uid


@as_root
def test_in_production_nobody_else_may_look_into_the_memory(open_directory, start):
    server = start(directory=open_directory, **PRODUCTION, RUN_AS_USER="nobody")
    # Where a process may not be looked at, its files in /proc are root's.
    assert Path(f"/proc/{server.process.pid}/environ").stat().st_uid == 0
    assert core_size_of(server) == "0"


@as_root
def test_in_development_a_debugger_may(open_directory, start):
    server = start(directory=open_directory, RUN_AS_USER="nobody")
    assert Path(f"/proc/{server.process.pid}/environ").stat().st_uid == NOBODY.pw_uid


@as_root
def test_in_production_root_does_not_stay_root_unless_told_to(start, tmp_path):
    done = run_program("serve", cwd=tmp_path, **PRODUCTION)
    assert done.returncode == 1
    assert "RUN_AS_USER" in done.stderr
    server = start(**PRODUCTION, RUN_AS_USER="root")
    assert core_size_of(server) == "0"
    assert "running_as_root" in server.log()


@as_root
def test_a_user_who_does_not_exist_is_told(tmp_path):
    done = run_program("serve", cwd=tmp_path, RUN_AS_USER="no-such-user")
    assert done.returncode == 1
    assert "RUN_AS_USER" in done.stderr and "no such user" in done.stderr
