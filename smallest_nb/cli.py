"""The `smallest-nb` command: `demo`, `speak`, `transcribe`, `simulate` and others."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from smallest_nb.common.child_environment import child_environment
from smallest_nb.common.files import copy_folder
from smallest_nb.common.terminal import prepare_output
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.keys import find_key

__all__ = ["main"]

_HERE = Path(__file__).resolve().parent
_FIRST = "01_tune_a_voice.ipynb"
_FOLDER = "smallest-nb-tutorials"
_MAX_PORT = 65535


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the arguments and run the command."""
    from smallest_nb.client.batch import command as batch  # noqa: PLC0415
    from smallest_nb.notebook.doctor import command as doctor  # noqa: PLC0415
    from smallest_nb.notebook.listen import command as listen  # noqa: PLC0415
    from smallest_nb.simulator import command as simulate  # noqa: PLC0415
    from smallest_nb.testing.cassette import command as cassette  # noqa: PLC0415

    prepare_output()
    parser = argparse.ArgumentParser(prog="smallest-nb", description="Smallest AI's speech API in notebooks.")
    parser.add_argument("--version", action="version", version=f"smallest-nb {version('smallest-nb')}")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="open the tutorial notebooks in JupyterLab")
    demo.add_argument("--port", type=int, default=8888, help="port of JupyterLab, 0 for a free one (default 8888)")
    demo.add_argument("--no-browser", action="store_true", help="print the URL instead of opening a browser")
    demo.add_argument("--notebook", default=_FIRST, help=f"notebook to open (default {_FIRST})")
    batch.add_commands(commands)
    simulating = commands.add_parser("simulate", help="run the local simulator of the service")
    simulate.add_arguments(simulating)
    cassette.add_arguments(commands.add_parser("cassette", help="show recorded sessions"))
    listen.add_arguments(commands.add_parser("listen", help="let others take a listening test by a link"))
    doctor.add_arguments(commands.add_parser("doctor", help="check what works here and what to do about the rest"))
    runs = {
        "demo": _demo,
        "simulate": simulate.run,
        "cassette": cassette.run,
        "listen": listen.run,
        "doctor": doctor.run,
        **batch.COMMANDS,
    }
    args = parser.parse_args(argv)
    try:
        return runs[args.command](args)
    except ConfigError as error:
        print(f"smallest-nb {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130  # as shells report it


def _demo(args: argparse.Namespace) -> int:
    if find_spec("jupyterlab") is None:
        raise ConfigError("JupyterLab is not installed: pip install jupyterlab.")
    folder = find_tutorials()
    if not (folder / args.notebook).is_file():
        known = ", ".join(sorted(p.name for p in folder.glob("*.ipynb")))
        raise ConfigError(f"There is no notebook {args.notebook!r}; choose one of {known}.")
    if not 0 <= args.port <= _MAX_PORT:
        raise ConfigError(f"--port {args.port} cannot be used; expected 0 (a free one) to {_MAX_PORT}.")
    port = args.port or _free_port()
    if args.port and not _is_free(port):
        raise ConfigError(f"Port {port} is in use; choose another with --port, or 0 for a free one.")
    command = [sys.executable, "-m", "jupyter", "lab", f"--port={port}", "--ServerApp.port_retries=0",
               f"--ServerApp.root_dir={folder}", f"--LabApp.default_url=/lab/tree/{args.notebook}"]  # fmt: skip
    if args.no_browser or not _has_browser():
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    # JupyterLab would show text in place of the widgets of an untrusted notebook after a reload.
    trust = [sys.executable, "-m", "jupyter", "trust", *map(str, folder.glob("*.ipynb"))]
    subprocess.run(trust, check=False, stdout=subprocess.DEVNULL, env=child_environment())  # noqa: S603 - our own command line
    key = find_key()
    voice = f"the real service (key from {key.source})" if key else "the embedded simulator (no API key)"
    print(f"Opening {args.notebook} in JupyterLab on port {port}; speech comes from {voice}.", flush=True)
    try:
        return subprocess.run(command, check=False).returncode  # noqa: S603 - our own command line
    except KeyboardInterrupt:
        return 0


def find_tutorials(package: Path = _HERE) -> Path:
    """Return the notebooks' folder: the clone's own, or a working copy of what the wheel brings."""
    clone = package.parent / "notebooks"
    if clone.is_dir():
        return clone
    target = Path.cwd() / _FOLDER
    if not target.exists():
        copy_folder(package / "notebooks", target)
    return target


def _has_browser() -> bool:
    return sys.platform in ("darwin", "win32") or any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


if __name__ == "__main__":
    raise SystemExit(main())
