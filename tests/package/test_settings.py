"""One table of settings, and four places that explain it to people: none lacks a setting, and none
names one that is gone."""

import gzip
import re

import pytest
from processes import run_program

ASSIGNED = re.compile(r"^#? ?([A-Z][A-Z0-9_]+)=", re.M)
ROW = re.compile(r"^\| ((?:`[A-Z_]+` ?)+)\| (.*?) \|", re.M)
NAMED = re.compile(r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b")


@pytest.mark.parametrize("path", [".env.example", "packaging/whatsapp-uic.env"])
def test_the_files_name_every_setting(root, settings, path):
    text = (root / path).read_text(encoding="utf-8")
    assert set(re.findall(r"^([A-Z][A-Z0-9_]+)=", text, re.M)) == set(settings)


@pytest.mark.parametrize("path", [".env.example", "packaging/whatsapp-uic.env"])
def test_the_files_name_each_setting_once(root, path):
    names = re.findall(r"^([A-Z][A-Z0-9_]+)=", (root / path).read_text(encoding="utf-8"), re.M)
    assert len(names) == len(set(names))


def test_the_manual_page_names_every_setting(installed, settings):
    page = gzip.open(installed / "usr/share/man/man5/whatsapp-uic.env.5.gz", "rt").read()
    assert re.findall(r"^\.B ([A-Z_]+)$", page, re.M) == settings


def test_the_guide_names_every_setting_and_none_that_is_gone(root, settings):
    guide = (root / "docs/guide-deploiement.md").read_text(encoding="utf-8")
    for setting in settings:
        assert re.search(rf"\b{setting}\b", guide), f"{setting} is not in the guide"
    assert set(ASSIGNED.findall(guide)) - set(settings) == {"MAILTO"}  # cron's own
    assert set(NAMED.findall(guide)) - set(settings) == {"CREDENTIALS_DIRECTORY"}  # systemd's own


def test_the_guide_tells_each_setting_once_with_its_default(root, settings, tmp_path):
    said = run_program("--help", cwd=tmp_path).stdout.partition("\nSettings")[2].partition("\n\n")[0]
    defaults = dict.fromkeys(settings, "–")
    for line in said.splitlines():
        if line[2:3].isupper():
            name = line.split()[0]
        elif "; default " in line:
            defaults[name] = line.partition("; default ")[2]
    guide = (root / "docs/guide-deploiement.md").read_text(encoding="utf-8")
    told = []
    for names, values in ROW.findall(guide[guide.index("## 18."):]):
        names, values = re.findall(r"`(.*?)`", names), re.findall(r"`(.*?)`", values)
        told += zip(names, values or ["–"] * len(names), strict=True)
    assert sorted(told) == sorted(defaults.items())


def test_the_packaged_settings_run_once_their_secrets_are_filled_in(root, tmp_path):
    text = (root / "packaging/whatsapp-uic.env").read_text(encoding="utf-8")
    secrets = {name: run_program("salt", "--quiet", cwd=tmp_path, UIC_SALT=None).stdout.strip()
               for name in ("UIC_SALT", "ADMIN_TOKEN")}
    for name, value in secrets.items():
        text = text.replace(f"\n{name}=\n", f'\n{name}="{value}"\n')
    text = text.replace("/var/lib/whatsapp-uic", str(tmp_path))
    (tmp_path / "test.env").write_text(text, encoding="utf-8")
    (tmp_path / "test.env").chmod(0o640)
    assert run_program("init-db", "--env", "test.env", cwd=tmp_path, UIC_SALT=None).returncode == 0
    done = run_program("check", "--env", "test.env", cwd=tmp_path, UIC_SALT=None)
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = {line.split()[1] for line in done.stdout.splitlines() if "production requires" in line}
    assert "PUBLIC_URL:" in wanted and "ADMIN_TOKEN:" not in wanted

    filled = (text.replace("PUBLIC_URL=\n", "PUBLIC_URL=https://ciu.exemple.cd\n")
              .replace("TWILIO_AUTH_TOKEN=\n", "TWILIO_AUTH_TOKEN=0123456789\n")
              .replace("ENVIRONMENT=development", "ENVIRONMENT=production"))
    (tmp_path / "test.env").write_text(filled, encoding="utf-8")
    done = run_program("check", "--quiet", "--env", "test.env", cwd=tmp_path, UIC_SALT=None)
    assert done.returncode == 0, done.stdout
