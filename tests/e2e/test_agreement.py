"""whatsapp-uic agreement: from a table of pairs of codes, how often people get the same code again."""

import pytest
from processes import run_program

FIRST = "985-KINS-15-JEA-KABI-91A3F"
OTHERS = {"birth_year": "986-KINS-15-JEA-KABI-00001", "mother_birthplace": "985-GOMA-15-JEA-KABI-00001",
          "first_name": "985-KINS-15-JOS-KABI-00001", "birth_day": "985-KINS-16-JEA-KABI-00001",
          "family_name": "985-KINS-15-JEA-KABA-00001", "rien de ce que le code montre": "985-KINS-15-JEA-KABI-00001"}


@pytest.fixture
def agreement(tmp_path):
    """agreement(text, ARGUMENT...) -> the finished command on a file with this text."""

    def run(text, *arguments, **settings):
        file = tmp_path / "pairs.csv"
        file.write_bytes(text.encode())
        done = run_program("agreement", *arguments, str(file), cwd=tmp_path, **settings)
        for code in (FIRST, *OTHERS.values()):
            assert code[:10] not in done.stdout + done.stderr
        return done

    return run


def lines(same, different, separator=","):
    return (f"{FIRST}{separator}{FIRST}\n" * same
            + f"{FIRST}{separator}{OTHERS['mother_birthplace']}\n" * different)


def test_the_rate_and_its_interval(agreement):
    done = agreement(lines(130, 70))
    assert done.returncode == 0
    assert done.stdout.startswith("personnes\u00a0: 200\nmême code\u00a0: 130\nautre code\u00a0: 70\n"
                                  "taux\u00a0: 65,0\u00a0%, à 95\u00a0% entre 58,2 et 71,3\u00a0%\n")
    assert "davantage" not in done.stdout


def test_in_english(agreement):
    done = agreement(lines(130, 70), LC_ALL="en_US.UTF-8")
    assert "rate: 65.0%, at 95% between 58.2 and 71.3%\n" in done.stdout


@pytest.mark.parametrize("part", OTHERS)
def test_what_differs_is_told_by_its_name(agreement, part):
    done = agreement(lines(39, 0) + f"{FIRST};{OTHERS[part].lower()}\n")
    told = {line[2:-8].rstrip(): int(line[-8:]) for line in done.stdout.splitlines() if line.startswith("  ")}
    assert told == {name: int(name == part) for name in OTHERS}


def test_as_a_spreadsheet_writes_it(agreement):
    many = lines(39, 0, ";").replace("\n", "\r\n")
    done = agreement("\ufeff" + f'premier;second;\r\n"{FIRST}"; {FIRST} ;\r\n;\r\n' + many)
    assert done.stdout.startswith("personnes\u00a0: 40\nmême code\u00a0: 40\n")


def test_what_cannot_be_read_is_told_by_its_line(agreement):
    wrong = [f"{FIRST}\n", f"{FIRST},{FIRST[:-1]}\n", f"{FIRST},{FIRST},{FIRST}\n", f"{FIRST} {FIRST}\n",
             f"{FIRST},\n", "x" * 5000 + "\n", "\0,\0\n", "premier,second\n"]
    done = agreement(lines(20, 20) + "".join(wrong) + "\n\n" + lines(1, 0).rstrip("\n"))
    assert done.stdout.startswith("lignes illisibles, non comptées\u00a0: 8 (n°\u00a041, 42, 43, 44, 45, 46, 47, 48)\n"
                                  "personnes\u00a0: 41\n")
    many = agreement(lines(20, 20) + wrong[0] * 11)
    assert many.stdout.startswith("lignes illisibles, non comptées\u00a0: 11 (n°\u00a041, 42,")
    assert "50 …)" in many.stdout and "51" not in many.stdout.split("\n")[0]


def test_a_few_people_are_no_rate(agreement):
    done = agreement(lines(20, 9))
    assert done.returncode == 1
    assert "\ntaux" not in done.stdout and "il serait entre 50,8 et 82,7\u00a0%" in done.stdout
    done = agreement(lines(20, 10))
    assert done.returncode == 0
    assert "taux\u00a0: 66,7" in done.stdout and "200 personnes" in done.stdout


@pytest.mark.parametrize("text", ["", "\n", "premier,second\n", "nom,prénom\nKabila,Jean\n"])
def test_a_file_of_something_else(agreement, text):
    done = agreement(text)
    assert done.returncode == 1
    assert "aucune ligne" in done.stderr and "Kabila" not in done.stdout + done.stderr


def test_the_codes_of_another_flow(agreement, root):
    form = str(root / "flow/definitions/reference-initial.json")
    pair = "985-KINS15-JEA-KABI-91A3F,985-GOMA15-JEA-KABI-91A3F\n" * 30
    assert "aucune ligne" in agreement(pair).stderr
    done = agreement(pair, "--flow", form)
    assert done.returncode == 0 and "taux\u00a0: 0,0" in done.stdout


def test_wrong_usage(tmp_path):
    for arguments in ((), ("a", "b"), ("--what", "a")):
        assert run_program("agreement", *arguments, cwd=tmp_path).returncode == 2
    done = run_program("agreement", "none.csv", cwd=tmp_path)
    assert done.returncode == 1 and "none.csv: " in done.stderr
