"""The worker's folder of forms: read when it starts, read again when a file changes."""

import os
from pathlib import Path

import pytest

from turnkeeper.errors import FormError
from worker.forms import FormFolder

FORM = """\
form: errand
fields:
  - name: what
    prompt: {prompt}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "What is it?")
    return tmp_path


def write(folder: Path, prompt: str, name: str = "errand.yaml") -> None:
    (folder / name).write_text(FORM.format(prompt=prompt))


def prompt_of(forms: FormFolder) -> str:
    form = forms.find("errand")
    assert form is not None
    return form.fields[0].prompt[0]


def test_a_form_is_found_by_its_id_and_an_unknown_one_is_none(folder: Path) -> None:
    forms = FormFolder(folder)
    assert forms.names == ("errand",)
    assert prompt_of(forms) == "What is it?"
    assert forms.find("errands") is None


def test_a_changed_file_is_there_for_the_next_session(folder: Path) -> None:
    forms = FormFolder(folder)
    write(folder, "What should we bring?")
    assert prompt_of(forms) == "What should we bring?"


def test_a_change_of_the_same_length_is_seen_by_its_time(folder: Path) -> None:
    forms = FormFolder(folder)
    write(folder, "What is at?")
    os.utime(folder / "errand.yaml", ns=(1, 1))
    assert prompt_of(forms) == "What is at?"


def test_a_new_file_is_a_new_form_and_a_removed_one_is_gone(folder: Path) -> None:
    forms = FormFolder(folder)
    (folder / "other.yml").write_text(FORM.format(prompt="Where?").replace("errand", "other"))
    assert forms.find("other") is not None
    (folder / "other.yml").unlink()
    assert forms.find("other") is None


def test_a_change_with_a_mistake_leaves_the_forms_as_they_were(folder: Path) -> None:
    forms = FormFolder(folder)
    (folder / "errand.yaml").write_text("form: errand\nfeilds: []\n")
    assert prompt_of(forms) == "What is it?"
    write(folder, "And now?")
    assert prompt_of(forms) == "And now?"


def test_a_folder_that_is_taken_away_leaves_the_forms_as_they_were(folder: Path) -> None:
    forms = FormFolder(folder)
    (folder / "errand.yaml").unlink()
    folder.rmdir()
    assert prompt_of(forms) == "What is it?"


def test_a_folder_without_a_form_cannot_be_served(tmp_path: Path) -> None:
    with pytest.raises(FormError, match="no form in this folder"):
        FormFolder(tmp_path)
