"""Build hook: refuses a wheel or sdist whose front end is missing or older than its sources.

It never runs npm. Editable installs are left alone, so working on the Python side needs no Node.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WAY_OUT = "Run `make frontend` (or `npm ci && npm run build` in js/) and build again."


def source_hash(js: Path) -> str:
    """Hash of the front end's sources; js/build.mjs computes the same one."""
    digest = hashlib.sha256()
    files = [p for p in (js / "src").rglob("*") if p.is_file()] + [js / "build.mjs", js / "package.json"]
    for path in sorted(files, key=lambda p: p.relative_to(js).as_posix()):
        digest.update(path.relative_to(js).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


class FrontEndGuard(BuildHookInterface):
    """Verifies `smallest_nb/notebook/static/manifest.json` against the sources and the files beside it."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Raise with one sentence and the way out when the built front end cannot be shipped."""
        if version == "editable":
            return
        root = Path(self.root)
        static = root / "smallest_nb" / "notebook" / "static"
        manifest_path = static / "manifest.json"
        if not manifest_path.is_file():
            raise RuntimeError(f"The front end is not built: {manifest_path.name} is missing. {WAY_OUT}")
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
        js = root / "js"
        if js.is_dir() and manifest["source_hash"] != source_hash(js):
            raise RuntimeError(f"The built front end is stale: js/src has changed since it was built. {WAY_OUT}")
        for name, digest in manifest["files"].items():
            asset = static / name
            if not asset.is_file() or hashlib.sha256(asset.read_bytes()).hexdigest() != digest:
                raise RuntimeError(f"The built front end is damaged: {name} is missing or changed. {WAY_OUT}")
