"""Whether the front end is built, whole, and made from the sources beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from smallest_nb.notebook.doctor.report import Check

__all__ = ["check_front_end", "source_hash"]

_STATIC = Path(__file__).resolve().parent.parent / "static"
_BUILD = "In a clone run `make frontend` (Node 20) and restart the kernel; otherwise install the package again."


def check_front_end(static: Path = _STATIC) -> list[Check]:
    """Check the built front end.

    Args:
        static: Its folder; in a clone its sources are beside the folder above it.
    """
    manifest_path = static / "manifest.json"
    if not manifest_path.is_file():
        return [_without_manifest(static)]
    try:
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
        build, hashed, files = str(manifest["build"]), str(manifest["source_hash"]), dict(manifest["files"])
    except (ValueError, KeyError, TypeError) as error:
        return [
            Check("front.built", "Front end", "red", f"manifest.json cannot be read ({type(error).__name__})", _BUILD)
        ]
    size = sum(p.stat().st_size for p in map(static.joinpath, files) if p.is_file())
    built = Check("front.built", "Front end", "green", f"build {build}, {len(files)} files, {size / 1000:.0f} kB")
    return [built, _whole(static, files, hashed)]


def _without_manifest(static: Path) -> Check:
    if list(static.glob("*.js")):
        return Check("front.built", "Front end", "amber", "built by `npm run dev`, without a manifest",
                     "Nothing to do while you develop; `make frontend` builds what is shipped.")  # fmt: skip
    return Check("front.built", "Front end", "red", "not built", _BUILD)


def _whole(static: Path, files: dict[str, str], hashed: str) -> Check:
    bad = sorted(name for name, digest in files.items() if _digest(static / name) != digest)
    if bad:
        return Check("front.matching", "Its files", "red", f"missing or changed: {', '.join(bad)}", _BUILD)
    js = static.parents[2] / "js"
    if not (js / "build.mjs").is_file():
        return Check("front.matching", "Its files", "green", "as they were built")
    if source_hash(js) != hashed:
        return Check("front.matching", "Its files", "amber", "js/src has changed since they were built", _BUILD)
    return Check("front.matching", "Its files", "green", "as they were built, from the sources in js")


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def source_hash(js: Path) -> str:
    """Hash of the front end's sources, as hatch_build.py and js/build.mjs compute it."""
    digest = hashlib.sha256()
    files = [p for p in (js / "src").rglob("*") if p.is_file()] + [js / "build.mjs", js / "package.json"]
    for path in sorted(files, key=lambda p: p.relative_to(js).as_posix()):
        digest.update(path.relative_to(js).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()
