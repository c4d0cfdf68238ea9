"""The hosts that run here, by name."""

from __future__ import annotations

from hosts_apps import Marimo, Solara, Voila
from hosts_jupyter import JupyterLab, Notebook7

__all__ = ["HOSTS"]

HOSTS = {host.name: host for host in (JupyterLab, Notebook7, Voila, Marimo, Solara)}
