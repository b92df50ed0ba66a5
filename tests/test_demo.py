"""The demo prints accurate results and saves its figures."""

import importlib.util
import re
from pathlib import Path

import matplotlib.image
import pytest

DEMO = Path(__file__).resolve().parents[1] / "examples" / "demo.py"


def load_demo():
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    return demo


def assert_is_not_blank(path):
    """Check that a figure is more than empty axes."""
    pixels = matplotlib.image.imread(path)
    assert min(pixels.shape[:2]) > 400
    assert pixels[..., :3].std() > 0.05


def test_xor_part(tmp_path, capsys):
    load_demo().learn_xor(tmp_path)
    printed = capsys.readouterr().out
    assert printed.count("0 xor 0 = 0,  0 xor 1 = 1,  1 xor 0 = 1,  1 xor 1 = 0") == 2
    assert_is_not_blank(tmp_path / "xor_boundary.png")


@pytest.mark.slow
def test_whole_demo(tmp_path, capsys):
    folder = tmp_path / "figures" / "here"
    load_demo().main(folder)
    printed = capsys.readouterr().out
    paths = [Path(path) for path in re.findall(r"Figure saved: (.*)", printed)]
    assert paths == [folder / f"{name}.png" for name in ("xor_boundary", "vowels", "grid_search")]
    for path in paths:
        assert_is_not_blank(path)

    of_default, of_best = map(float, re.findall(r"test accuracy: ([\d.]+)", printed, re.IGNORECASE))
    assert 0.95 <= of_default <= 1
    assert 0.95 <= of_best <= 1
    table = re.findall(r"^  (rnn|gru|lstm) +(16|32) +([\d.]+) ± [\d.]+$", printed, re.MULTILINE)
    assert len(table) == len({row[:2] for row in table}) == 6
    assert all(0.8 <= float(accuracy) <= 1 for *_, accuracy in table)
    assert "GridSearchCV" in printed  # the progress bar
