# SPDX-License-Identifier: MIT
# For sphinx-build, which render.sh calls with what kernel-doc has made of the headers.

import logging

project = "libvirtiofs"
html_theme = "alabaster"
html_theme_options = {"page_width": "70em"}
html_show_copyright = False
html_copy_source = False
primary_domain = "c"


def is_no_mistake(record):
    """In C a structure and a function may have the same name; Sphinx warns of it."""
    return "Duplicate C declaration" not in record.getMessage()


def setup(app):
    logging.getLogger("sphinx.sphinx.domains.c").addFilter(is_no_mistake)
