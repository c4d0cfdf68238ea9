"""Kernel and browser: typed messages (`messages`) and their delivery (`channel`). Knows no widget."""
