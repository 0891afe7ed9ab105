"""What the packages are made of."""

import re
import stat
import subprocess

import pytest

FILES = """
etc/fail2ban/filter.d/whatsapp-uic.conf
etc/fail2ban/jail.d/whatsapp-uic.conf
etc/logrotate.d/whatsapp-uic
etc/nginx/sites-available/whatsapp-uic
etc/whatsapp-uic
usr/bin/whatsapp-uic
usr/bin/whatsapp-uic-backup
usr/bin/whatsapp-uic-restore
usr/include/uic/uic.h
usr/share/bash-completion/completions/whatsapp-uic
usr/share/man/man1/whatsapp-uic.1.gz
usr/share/man/man5/whatsapp-uic.env.5.gz
usr/share/whatsapp-uic/backup-common.sh
usr/share/whatsapp-uic/ciu-rdc.json
usr/share/whatsapp-uic/grafana/whatsapp-uic.json
usr/share/whatsapp-uic/prometheus/whatsapp-uic.rules.yml
usr/share/whatsapp-uic/lllfffycg.json
usr/share/whatsapp-uic/reference-initial.json
usr/share/whatsapp-uic/whatsapp-uic.env
var/lib/whatsapp-uic
""".split()


def control(package, field):
    done = subprocess.run(["dpkg-deb", "-f", package, field], capture_output=True, text=True,
                          check=True)
    return done.stdout.strip()


def test_one_command_makes_three_packages_of_one_version(packages, root):
    version = re.search(r"^project\(.* VERSION ([\d.]+)", (root / "CMakeLists.txt").read_text(), re.M)
    found = {control(package, "Package"): control(package, "Version")
             for package in packages.glob("*.deb")}
    assert sorted(found) == ["libuic-dev", "libuic1", "whatsapp-uic"]
    assert {value.partition("~")[0] for value in found.values()} == {version[1]}


def test_lintian_finds_nothing(packages):
    (changes,) = packages.glob("*.changes")
    done = subprocess.run(["lintian", "--fail-on", "error,warning", "--allow-root", changes],
                          capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == "", done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES)
def test_it_is_there(installed, path):
    assert (installed / path).exists()


def test_every_definition_is_there(installed, root):
    for definition in (root / "flow/definitions").glob("*.json"):
        assert (installed / "usr/share/whatsapp-uic" / definition.name).is_file()


def test_nobody_else_looks_at_codes_and_logs(installed):
    for folder in ("var/lib/whatsapp-uic", "var/log/whatsapp-uic"):
        assert stat.S_IMODE((installed / folder).stat().st_mode) == 0o750


def test_the_settings_are_no_conffile(packages):
    """They hold a salt that no package brings, and that none takes away."""
    (package,) = packages.glob("whatsapp-uic_*.deb")
    done = subprocess.run(["dpkg-deb", "--ctrl-tarfile", package], capture_output=True, check=True)
    conffiles = subprocess.run(["tar", "-xO", "./conffiles"], input=done.stdout, capture_output=True,
                               check=True).stdout.decode()
    assert "/etc/fail2ban/filter.d/whatsapp-uic.conf" in conffiles
    assert "/etc/whatsapp-uic" not in conffiles


def test_another_program_is_built_with_the_library(installed, tmp_path):
    (pc,) = installed.glob("usr/lib/**/libuic.pc")
    source = tmp_path / "program.c"
    source.write_text("#include <uic/uic.h>\n#include <stdio.h>\n"
                      "int main(void) { return puts(uic_strerror(UIC_NOT_NUMBER)) < 0; }\n")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libuic"], capture_output=True,
                           text=True, check=True, env={"PATH": "/usr/bin:/bin",
                                                       "PKG_CONFIG_PATH": str(pc.parent)})
    subprocess.run(["gcc", "-o", tmp_path / "program", source, *flags.stdout.split()], check=True)
    done = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=True,
                          env={"LD_LIBRARY_PATH": str(pc.parents[1])})
    assert "number" in done.stdout
