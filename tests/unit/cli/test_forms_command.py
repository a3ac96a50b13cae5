"""`turnkeeper forms` says what is wrong with a form, for people and for scripts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from turnkeeper.cli import COMMANDS, main
from turnkeeper.forms import load_folder
from turnkeeper.forms.json_schema import json_schema

FORMS = Path(__file__).parents[3] / "forms"

GOOD = "form: good\nfields: [{name: a, prompt: Ask}]\n"
BAD = "form: bad\nfields:\n  - {name: a, type: dat, prompt: Ask}\n  - {name: b}\n"


def turnkeeper(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_check_passes_the_example_forms() -> None:
    result = turnkeeper("forms", "check", FORMS)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"✓ {FORMS / form.form}.yaml: {form.form}, {len(form.fields)} fields"
        for form in load_folder(FORMS).values()
    ]


def test_check_prints_every_mistake_and_exits_with_one(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(GOOD)
    bad.write_text(BAD)
    result = turnkeeper("forms", "check", good, bad)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"✓ {good}: good, 1 field",
        f'{bad}:3:21: field "a": type "dat" is not known; did you mean "date"?',
        f'{bad}:4:5: field "b": it has no prompt; add the question that the caller hears',
    ]


def test_check_is_json_for_scripts(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    (tmp_path / "good.yaml").write_text(GOOD)
    result = turnkeeper("forms", "check", "--json", tmp_path)
    assert result.exit_code == 1
    bad, good = json.loads(result.stdout)
    assert good == {
        "file": str(tmp_path / "good.yaml"),
        "ok": True,
        "form": "good",
        "fields": 1,
        "mistakes": [],
    }
    assert (bad["ok"], bad["form"], len(bad["mistakes"])) == (False, None, 2)


def test_check_of_a_folder_without_forms_fails_in_one_sentence(tmp_path: Path) -> None:
    result = turnkeeper("forms", "check", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == (
        f"error: there are no *.yaml or *.yml files in {tmp_path}; name a form file\n"
    )


def test_schema_prints_the_json_schema() -> None:
    assert json.loads(turnkeeper("forms", "schema").stdout) == json.loads(json.dumps(json_schema()))


def test_show_lists_the_fields_in_order() -> None:
    rows = turnkeeper("forms", "show", FORMS / "dinner_reservation.yaml").stdout.splitlines()
    assert rows[0].split("\t") == ["field", "type", "required", "when", "prompt"]
    assert [row.split("\t")[0] for row in rows[1:]] == ["guests", "day", "time", "name", "wishes"]


def test_show_is_json_for_scripts() -> None:
    shown = json.loads(turnkeeper("forms", "show", FORMS / "roadside_claim.yaml", "--json").stdout)
    assert shown["fields"][0]["name"] == "policy_number"


@pytest.mark.parametrize("command", ["show", "check"])
def test_a_missing_file_is_one_sentence_and_no_traceback(command: str, tmp_path: Path) -> None:
    result = turnkeeper("forms", command, tmp_path / "none.yaml")
    assert result.exit_code == 1
    assert "there is no such file; check the path" in result.output
    assert len(result.output.splitlines()) == 1


def test_an_unknown_command_is_a_usage_error() -> None:
    assert turnkeeper("from").exit_code == 2


def test_every_command_of_the_table_is_there_and_has_an_example() -> None:
    for name in COMMANDS:
        result = turnkeeper(name, "--help")
        assert result.exit_code == 0
        assert "Example:" in result.stdout
    for name in ("check", "show", "schema"):
        assert "Example:" in turnkeeper("forms", name, "--help").stdout


def test_help_and_version_import_nothing_heavy() -> None:
    """Measured: Temporal's client takes half a second to import, dateparser a tenth."""
    script = (
        "import sys\n"
        "from turnkeeper.cli import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "heavy = {'temporalio', 'dateparser', 'pydantic', 'rich', 'yaml'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    for option in ("--help", "--version"):
        subprocess.run([sys.executable, "-c", script, option], check=True, capture_output=True)
