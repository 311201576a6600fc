"""How Sphinx builds the documentation: ``make docs``.

Everything comes from this folder and from the installed packages; nothing is loaded from the
network, neither by the build nor by a reader's browser.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from controller import __version__

project = "jfr"
author = "the jfr developers"
copyright = author
version = release = __version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generated_pages"]
exclude_patterns = ["_build", "_ext", "man"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# Pages link to files of the repository, which are no pages of the site.
myst_url_schemes = {"http": None, "https": None}

napoleon_google_docstring = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
default_role = "literal"  # a name in backticks in a docstring
toc_object_entries_show_parents = "hide"

nitpicky = True
# Types in docstrings: those of other packages, and words that only describe one.
nitpick_ignore_regex = [(r"py:.*", r"(?!controller\.).*")]

html_theme = "furo"
html_title = "jfr"
html_static_path: list[str] = []
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
