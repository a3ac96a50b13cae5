"""Loading: a YAML file, a text, or a folder of files, to frozen `Form`s.

Everything that is wrong is told at once, in one `FormError`, each mistake with its file, line and
column. Reading goes in three steps: text to nodes that know their place (`nodes`), nodes to values
by the tables of keys (`keys`), and then the rules that look at more than one key (`rules`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from turnkeeper.errors import FormError
from turnkeeper.forms.compiling import compile_form
from turnkeeper.forms.mistakes import Place
from turnkeeper.forms.model import Form
from turnkeeper.forms.nodes import read_yaml

SUFFIXES = (".yaml", ".yml")


def parse_form(text: str, source: str = "<form>") -> Form:
    """The form that a YAML text says; `source` names the text in mistakes.

    Raises `FormError` with every mistake.
    """
    return compile_form(read_yaml(text, source))


def load_form(path: str | Path) -> Form:
    """The form in a YAML file. Raises `FormError`, also when the file cannot be read."""
    return parse_form(_read(Path(path)), str(path))


def load_folder(path: str | Path) -> dict[str, Form]:
    """Every form in the folder's `*.yaml` and `*.yml` files, by id; empty when there are none.

    Raises `FormError` with the mistakes of all files, two files with one form id among them.
    """
    loaded = load_files(_form_files(path))
    mistakes = [mistake for file in loaded for mistake in file.mistakes]
    if mistakes:
        raise FormError(mistakes)
    return {file.form.form: file.form for file in loaded if file.form}


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A file with its form, or with what is wrong with it."""

    path: Path
    form: Form | None = None
    mistakes: tuple[str, ...] = ()


def load_files(paths: Iterable[Path]) -> list[LoadedFile]:
    """Each file's form or mistakes, a folder's files in its place; a form id that an earlier file
    has is a mistake. Raises `FormError` only for a folder that cannot be read."""
    files = [file for path in paths for file in (_form_files(path) if path.is_dir() else [path])]
    loaded: list[LoadedFile] = []
    origins: dict[str, Path] = {}
    for path in dict.fromkeys(files):
        file = _load_file(path)
        if file.form and (first := origins.setdefault(file.form.form, path)) != path:
            what = f'form "{file.form.form}" is also in {first}; rename one of them'
            file = LoadedFile(path, mistakes=(f"{path}: {what}",))
        loaded.append(file)
    return loaded


def _load_file(path: Path) -> LoadedFile:
    try:
        return LoadedFile(path, load_form(path))
    except FormError as error:
        return LoadedFile(path, mistakes=error.mistakes)


def form_files(folder: str | Path) -> list[Path]:
    """The form files of a folder, in the order of their names. Raises `OSError` without one."""
    return sorted(file for file in Path(folder).iterdir() if file.suffix in SUFFIXES)


def _form_files(folder: str | Path) -> list[Path]:
    try:
        return form_files(folder)
    except OSError as error:
        what = f"no folder that can be read ({error.strerror}); name the folder with the forms"
        raise FormError([f"{folder}: {what}"]) from None


def _read(path: Path) -> str:
    place = Place(str(path))
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise place.error("there is no such file; check the path") from None
    except UnicodeDecodeError:
        raise place.error("not UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        raise place.error(f"cannot be read ({error.strerror}); check the path") from None
