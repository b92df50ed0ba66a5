"""Sphinx configuration. The build uses the installed package and needs no network.

With a network, names of other libraries become links to their documentation. Without one, they
are shown as code.
"""

import builtins
import logging
import re
import shutil
import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sklearn.utils.discovery import all_estimators

import skrnn

HERE = Path(__file__).resolve().parent
EXAMPLES = sorted((HERE.parent / "examples").glob("plot_*.py"))

project = "skrnn"
author = "The skrnn developers"
copyright = f"2026, {author}"
version = release = skrnn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "myst_parser",  # for CHANGELOG.md
]
exclude_patterns = [
    "design",
    "_build",
    "_templates",
    "benchmarks_table.md",
]  # the last is an included file
templates_path = ["_templates"]
default_role = "py:obj"  # `name` becomes a link if the object is documented, otherwise code
highlight_language = "python"
nitpicky = True  # a dotted name must be documented; see `find_name` for names without a dot
smartquotes = False  # most quotes in this documentation are code
toc_object_entries_show_parents = "hide"

intersphinx_mapping = {
    "python": ("https://docs.python.org/3", None),
    "numpy": ("https://numpy.org/doc/stable", None),
    "scipy": ("https://docs.scipy.org/doc/scipy", None),
    "sklearn": ("https://scikit-learn.org/stable", None),
    "pandas": ("https://pandas.pydata.org/docs", None),
}
intersphinx_timeout = 10  # seconds
# Sphinx warns of an address that does not answer, and `-W` would turn that into an error.
logging.getLogger("sphinx.sphinx.ext.intersphinx").addFilter(
    lambda record: "failed to reach any of the inventories" not in record.msg
)

# The project's own addresses answer from the first release on.
linkcheck_ignore = [r"https://(github\.com/skrnn|skrnn\.readthedocs\.io)"]

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings describe the types
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

GALLERY_HEADER = """Examples
========

Examples on real data, and reproductions of published networks with the results of their authors.
Each example can be downloaded and run.
"""

if EXAMPLES:
    extensions.append("sphinx_gallery.gen_gallery")
    STAGE = HERE / "_build" / "examples"  # the examples and the title of the gallery
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir(parents=True)
    (STAGE / "GALLERY_HEADER.rst").write_text(GALLERY_HEADER, encoding="utf-8")
    for example in EXAMPLES:
        shutil.copy2(example, STAGE)
    sphinx_gallery_conf = {
        "examples_dirs": str(STAGE),
        "gallery_dirs": "auto_examples",
        "within_subsection_order": "FileNameSortKey",
        "download_all_examples": False,
        "capture_repr": ("_repr_html_",),  # of animations and estimators; the rest is printed
        "show_memory": False,
        "show_signature": False,
        "write_computation_times": False,
    }

html_theme = "pydata_sphinx_theme"
html_title = "skrnn"
html_static_path = ["_static"]
html_css_files = ["skrnn.css"]
html_copy_source = False
html_sidebars = {"index": [], "api": [], "changelog": []}
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}

# Inherited from scikit-learn, with a docstring that is also correct here.
_BORROWED = {"fit_transform"}


def skip_borrowed_members(app, what, name, obj, skip, options):
    """Skip members inherited from scikit-learn, which are documented there."""
    home = getattr(obj, "__module__", None) or ""
    if what == "class" and home.startswith("sklearn") and name not in _BORROWED:
        return True
    return None


def escape_fitted_names(app, what, name, obj, options, lines):
    """Escape names such as n_features_in_ outside of quotes, which would become links."""
    for i, line in enumerate(lines):
        if not line.startswith(".. "):
            quoted = re.split("(`[^`]*`+)", line)
            quoted[::2] = [re.sub(r"(?<=\w)_(?=[,).]|$)", r"\\_", text) for text in quoted[::2]]
            lines[i] = "".join(quoted)


@cache
def pages_of_sklearn():
    """Return the names of scikit-learn's estimators and the modules they are imported from."""
    return {name: re.sub(r"\._.*", "", of.__module__) for name, of in all_estimators()}


def find_name(app, env, node, contnode):
    """Link the names of estimators of skrnn and scikit-learn to their pages.

    Other names without a dot are parameters, which stay code, unless they are exceptions: Python's
    documentation has pages for many short words, such as `time`.
    """
    name = node.get("reftarget", "")
    if node.get("refdomain") != "py":
        return None
    if name in skrnn.__all__:
        python = env.get_domain("py")
        return python.resolve_xref(
            env, node["refdoc"], app.builder, "obj", f"skrnn.{name}", node, contnode
        )
    module, _, last = name.rpartition(".")
    module = module or pages_of_sklearn().get(name, "")
    if module.startswith("sklearn.") and hasattr(import_module(module), last):
        url = f"https://scikit-learn.org/stable/modules/generated/{module}.{last}.html"
        return nodes.reference("", "", contnode, internal=False, refuri=url)
    return contnode if "." not in name and not is_exception(name) else None


def is_exception(name):
    """Whether a name is that of an exception of Python, such as ValueError."""
    cls = getattr(builtins, name, None)
    return isinstance(cls, type) and issubclass(cls, BaseException)


def accept_name(app, env, node, contnode):
    """Show the name of something in another library as code, where intersphinx finds no page."""
    library, *attributes = node.get("reftarget", "").split(".")
    if node.get("refdomain") != "py" or library == "skrnn":
        return None  # Sphinx warns
    if is_exception(library):
        return contnode
    if library not in intersphinx_mapping and library not in sys.stdlib_module_names:
        return None
    with suppress(ImportError, AttributeError):
        resolve_name(".".join([library, *attributes]))
        return contnode
    return None


def add_gallery(app, docname, source):
    """Add the gallery to the table of contents, if there are examples."""
    if EXAMPLES and docname == "index":
        source[0] = source[0].replace("   guide\n", "   guide\n   auto_examples/index\n", 1)


def let_figures_scroll(app, doctree):
    """Put each figure of the gallery into a container, so that it can scroll."""
    for figure in list(doctree.findall(lambda node: node.tagname == "imgsgnode")):
        box = nodes.container("", classes=["wide-figure"])
        figure.replace_self(box)
        box += figure


def mathml(self, node):
    """Write formulas as MathML, which browsers render without JavaScript."""
    block = isinstance(node, nodes.math_block)
    text = tex2mathml(node.astext(), as_block=block)
    self.body.append(f'<div class="formula">{text}</div>' if block else text)
    raise nodes.SkipNode


def setup(app):
    """Register the functions of this file."""
    app.connect("autodoc-skip-member", skip_borrowed_members)
    app.connect("autodoc-process-docstring", escape_fitted_names, priority=900)  # after numpydoc
    app.connect("source-read", add_gallery)
    app.connect("missing-reference", find_name, priority=400)  # before intersphinx
    app.connect("missing-reference", accept_name, priority=600)  # after it
    app.connect("doctree-read", let_figures_scroll)
    app.add_html_math_renderer("mathml", (mathml, None), (mathml, None))


html_math_renderer = "mathml"
