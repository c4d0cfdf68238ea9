"""How the documentation is built. Nothing is fetched while it is built, and nothing when it is read."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "smallest_nb"
author = "the smallest_nb contributors"
project_copyright = author
release = version = installed("smallest-nb")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "names",
    "option_tables",
    "reader_table",
    "catalog_tables",
    "command_line",
    "golden_messages",
    "import_picture",
    "tutorials",
    "signatures",
    "live",
]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
templates_path = ["_templates"]

# A docstring's single backticks: a link where it names something of ours, code where it does not.
default_role = "named"
nitpicky = True
nitpick_ignore = [("py:class", "ReplyFunction"), ("py:class", "OnError")]  # names of unions and callables
maximum_signature_line_length = 88

toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_attr_annotations = False  # the signature has them

# The kept outputs are shown; notebooks are run by their own test.
nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js = {}
nb_output_stderr = "show"
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3

html_theme = "furo"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "github-dark"
html_title = "smallest_nb"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
html_last_updated_fmt = None
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b6e6e",
        "color-brand-content": "#0b6e6e",
        "color-brand-visited": "#0b6e6e",
    },
    "dark_css_variables": {
        "color-brand-primary": "#4fc3bf",
        "color-brand-content": "#4fc3bf",
        "color-brand-visited": "#4fc3bf",
    },
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
