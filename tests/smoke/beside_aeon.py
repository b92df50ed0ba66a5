"""Install skrnn beside aeon in a new environment, and run pipelines of both.

Their code is that of the documentation. They run with the newest scikit-learn that aeon accepts,
then with one before 1.9, which older releases of aeon require.
"""

import os
import re
import tempfile
import venv
from pathlib import Path

from install import run

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "coming_from_time_series.rst"

BEFORE = """
from importlib.metadata import version
from skrnn.datasets import load_japanese_vowels

X, y = load_japanese_vowels(return_X_y=True)
collection = [x.T for x in X]
"""

AFTER = """
X, y = load_japanese_vowels(subset="test", return_X_y=True)
scores = search.score([x.T for x in X], y), convolutional.score(X, y)
assert min(scores) > 0.6, scores  # predictions of the largest class only have 0.24
print(*(f"{name} {version(name)}" for name in ("skrnn", "aeon", "scikit-learn")), *scores)
"""


def pipelines(page):
    """Get the code block of a page that uses both libraries, without its indentation."""
    blocks = re.findall(r"^   :class: elsewhere\n\n((?:   .*\n|\n)+)", page, re.MULTILINE)
    (block,) = (block for block in blocks if "from aeon" in block and "from skrnn" in block)
    return re.sub(r"^   ", "", block, flags=re.MULTILINE)


def main():
    code = BEFORE + pipelines(PAGE.read_text(encoding="utf-8")) + AFTER
    with tempfile.TemporaryDirectory() as home:
        venv.create(home, with_pip=True)
        python = str(Path(home) / ("Scripts" if os.name == "nt" else "bin") / "python")
        pip = ["-m", "pip", "--disable-pip-version-check"]
        for requirements in (["aeon"], ["aeon", "scikit-learn<1.9"]):
            run(python, *pip, "install", "-q", str(ROOT), *requirements)
            print(run(python, *pip, "check").strip())
            print(run(python, "-c", code).strip())


if __name__ == "__main__":
    main()
