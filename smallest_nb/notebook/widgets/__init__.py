"""The widgets; the only importers of anywidget, ipywidgets and traitlets."""
