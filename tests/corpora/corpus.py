"""Where the public corpora are: `TURNKEEPER_CORPORA`, else a folder beside the repository."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def corpora() -> Path:
    """The folder of the corpora; the test is skipped, in one line, where there is none."""
    folder = Path(os.environ.get("TURNKEEPER_CORPORA", ROOT.parent / "shared" / "corpora"))
    if not folder.is_dir():
        pytest.skip("no corpora: set TURNKEEPER_CORPORA to the folder that has them")
    return folder


def json_lines(path: Path) -> Iterator[dict[str, object]]:
    """One record a line, gzipped or not."""
    content = path.read_bytes()
    for line in (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines():
        yield json.loads(line)
