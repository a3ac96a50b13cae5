"""deploy/kubernetes as kustomize builds it, with or without a component."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.tools import DEPLOY, ROOT, run, tool

PAGE = ROOT / "docs" / "deploy.md"
KUBERNETES = DEPLOY / "kubernetes"
Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Built:
    """The manifests that `kubectl kustomize` made."""

    manifests: tuple[Manifest, ...]

    def of(self, kind: str) -> dict[str, Manifest]:
        """The manifests of a kind, by name."""
        found = (each for each in self.manifests if each["kind"] == kind)
        return {each["metadata"]["name"]: each for each in found}

    def pods(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The pod template of each workload, with the name of the workload."""
        for kind in ("Deployment", "WorkerDeployment"):
            for name, manifest in self.of(kind).items():
                yield name, manifest["spec"]["template"]


def build(folder: Path, *components: str) -> Built:
    """The overlay of docs/deploy.md with these components, made in `folder`."""
    overlay = yaml.safe_load(_overlay())
    overlay["resources"] = [_from(folder, KUBERNETES / "base")]
    overlay["components"] = [_from(folder, KUBERNETES / "components" / c) for c in components]
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    text = run(tool("kubectl"), "kustomize", folder).ok()
    return Built(tuple(yaml.load_all(text, yaml.CSafeLoader)))


def _overlay() -> str:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    (overlay,) = [block for block in blocks if "kind: Kustomization" in block]
    return str(overlay)


def _from(folder: Path, path: Path) -> str:
    return os.path.relpath(path, folder.resolve())
