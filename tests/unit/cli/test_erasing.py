"""`turnkeeper sessions export` and `erase`, with sessions in memory."""

import json

import pytest
from click.testing import CliRunner

from tests.unit.cli.test_sessions import ANN, BOB, document, kept, run
from turnkeeper.cli import main
from turnkeeper.erasure import ErasureCertificate
from turnkeeper.export import FORMAT, SessionsExport
from turnkeeper.testing import MemorySessions

__all__ = ["kept"]


def test_export_prints_what_the_caller_said_as_one_document(kept: MemorySessions) -> None:
    result = run(kept, "export", ANN)
    assert result.exit_code == 0
    exported = SessionsExport.model_validate_json(result.stdout)
    assert (exported.format, exported.session_id, exported.secrets) == (FORMAT, ANN, False)
    assert [entry.heard for entry in exported.sessions[0].transcript.entries] == ["", "four"]


def test_erase_asks_and_takes_no_for_an_answer(kept: MemorySessions) -> None:
    result = CliRunner().invoke(main, ["sessions", "erase", ANN], input="n\n", obj=lambda _: kept)
    assert result.exit_code == 1
    assert f"Erase {ANN} for good?" in result.stderr
    assert run(kept, "show", ANN).exit_code == 0


def test_erase_prints_the_certificate_and_prints_the_same_again(kept: MemorySessions) -> None:
    first = document(run(kept, "erase", ANN, "--yes", "--json"))
    certificate = ErasureCertificate.model_validate(first)
    assert (certificate.session_id, certificate.runs_deleted) == (ANN, 1)
    assert run(kept, "show", ANN).exit_code == 1
    assert document(run(kept, "erase", ANN, "--yes", "--json")) == first
    heading, *rows = run(kept, "erase", ANN, "--yes").stdout.splitlines()
    assert heading == f"{ANN} is erased"
    assert f"certificate\tcertificate id\t{certificate.certificate_id}" in rows
    assert run(kept, "show", BOB).exit_code == 0


def test_erase_need_not_be_waited_for(kept: MemorySessions) -> None:
    result = run(kept, "erase", ANN, "--yes", "--no-wait")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "It is being erased" in result.stderr


@pytest.mark.parametrize("command", [["erase", "--yes"], ["export"]])
def test_a_session_that_never_was_is_one_sentence(kept: MemorySessions, command: list[str]) -> None:
    verb, *options = command
    result = run(kept, verb, ANN[:-1] + "a", *options)
    assert result.exit_code == 1
    assert json.dumps(result.stderr).count("error: there is no session") == 1
