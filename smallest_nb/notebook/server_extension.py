"""A Jupyter server extension: what a kernel sends reaches the page at once.

Jupyter Server 2 leaves Nagle's algorithm on for the sockets between server and page. A kernel answers a page with
several small messages in a row ("busy", the answer, "idle"). The second one then waits until the page's computer has
acknowledged the first, which it does up to 40 ms later: in JupyterLab on one machine a message and its answer take
48 ms with the algorithm and 14 ms without. `findings/jupyter-server-nagle.sh` measures it without this package.

The extension is installed with the package and works where the server runs in the same environment as the kernel.
Elsewhere nothing is lost but those milliseconds. It can be switched off as any other:
`jupyter server extension disable smallest_nb.notebook.server_extension`.
"""

from __future__ import annotations

import logging
from typing import Any

__all__: list[str] = []

_log = logging.getLogger(__name__)
_SETTING = "kernel_websocket_connection_class"
"""Jupyter Server's setting of the class that connects a kernel with a page; gateways and other extensions have their
own."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Let each connection of a kernel switch Nagle's algorithm off, whichever class connects it."""
    settings = server.web_app.settings
    connection_class = settings.get(_SETTING)
    if connection_class is not None:  # else a server that connects kernels in another way
        settings[_SETTING] = _without_delay(connection_class)


def _without_delay(connection_class: type[Any]) -> type[Any]:
    """Return a connection class whose socket sends small messages at once."""

    def connect(self: Any) -> Any:
        try:
            self.websocket_handler.set_nodelay(True)
        except Exception:  # a kernel without this is better than none
            _log.warning("A kernel's socket keeps its delay of small messages.", exc_info=True)
        return connection_class.connect(self)

    return type(connection_class.__name__, (connection_class,), {"connect": connect})
