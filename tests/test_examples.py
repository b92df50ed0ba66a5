"""Every example of the gallery runs without a warning, prints its results and plots figures."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = {path.stem: path for path in sorted((ROOT / "examples").glob("plot_*.py"))}
NEEDS = {"plot_comparison": "tslearn", "plot_forecast": "statsmodels"}  # besides Matplotlib
RUN = """
import runpy, sys
import matplotlib.pyplot as plt
runpy.run_path(sys.argv[1], run_name="__main__")
for number in plt.get_fignums():
    plt.figure(number).savefig(f"{number}.png", dpi=80)
"""


def run(example, folder):
    """Run an example as a script; returns its output and its figures."""
    environ = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    command = [sys.executable, "-W", "error", "-W", "ignore:FigureCanvasAgg", "-c", RUN]
    done = subprocess.run(
        [*command, str(EXAMPLES[example])],
        cwd=folder, env=environ, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, [matplotlib.image.imread(path) for path in sorted(folder.glob("*.png"))]


def numbers(pattern, text):
    """Find the only match of a pattern, and return its groups as numbers."""
    (found,) = re.findall(pattern, text, re.MULTILINE)
    return [float(number) for number in ([found] if isinstance(found, str) else found)]


METHODS = ["last_value", "last_year", "ridge", "network", "network_of_12_months"]  # plot_forecast

# Results that an example must print.


def check_japanese_vowels(printed):
    """The best network has a high accuracy on the test set."""
    assert numbers(r"accuracy +([\d.]+) +370", printed)[0] > 0.96


def check_digits_rows(printed):
    """Reading row by row is as accurate as a perceptron, but only after the last row."""
    rows, flat = (numbers(rf"{name}.*: +([\d.]+)", printed)[0] for name in ("row by", "perceptron"))
    assert rows > flat - 0.02
    assert rows > 0.95
    assert numbers(r"after row 4: ([\d.]+)", printed)[0] < 0.5


def check_words(printed):
    """Both models classify most words correctly."""
    for name in ("letter by letter", "n-grams"):
        assert numbers(rf"{name} +accuracy ([\d.]+)", printed)[0] > 0.8


def check_tagging(printed):
    """A CRF segments more sentences without error; groups of letters help the linear model."""
    row = r"{} +{} +{} +[\d.]+ +([\d.]+) +([\d.]+)"
    for name in ("linear", "GRU"):
        words, without = numbers(row.format(name, "groups", "softmax"), printed)
        words_of_crf, whole = numbers(row.format(name, "groups", "CRF"), printed)
        assert whole > without + 0.05
        assert words_of_crf > 0.85
    assert numbers(row.format("linear", "letters", "CRF"), printed)[0] < words - 0.2


def check_streaming(printed):
    """Streaming gives the predictions of whole sequences; targets for steps help early ones."""
    assert "those of predict_proba: True" in printed
    whole, stepwise = numbers(r" 0\.30 .* ([\d.]+) right .* ([\d.]+) right", printed)
    assert stepwise > 0.85 > whole


def check_imbalance(printed):
    """Weights increase the recall of rare classes, with little effect on the others."""
    recalls = re.findall(r"1 to 7 ([\d.]+), of 8 and 9 ([\d.]+)", printed)
    (common, rare), (common_weighted, rare_weighted) = [map(float, pair) for pair in recalls]
    assert rare_weighted > rare + 0.05
    assert common_weighted > common - 0.03


def check_comparison(printed):
    """The accuracies have the order stated in the text: ROCKET, skrnn, time warping."""
    table = dict(re.findall(r"^(.+?)  +([\d.]+) ", printed, re.MULTILINE))
    means = {name: float(mean) for name, mean in table.items()}
    ours = means["skrnn GRU, defaults"]
    assert ours > 0.975
    assert means["ROCKET, 2,000 kernels"] > ours > means["1-NN, time warping (tslearn)"] > 0.94


def check_table(printed):
    """The network ranks the broken tools better than statistics of each run do."""
    network, boosting = (
        numbers(rf"{name}: +average precision ([\d.]+)", printed)[0]
        for name in ("network", "boosting")
    )
    assert network > 0.85
    assert network > boosting + 0.03


def check_ward(printed):
    """The static columns help, and the network is not far from statistics of each stay."""
    names = ("network", "without static", "statistics")
    network, without, statistics = (
        numbers(rf"^{name}: +average precision ([\d.]+)", printed)[0] for name in names
    )
    assert network > without + 0.15
    assert network > statistics - 0.1


def check_forecast(printed):
    """The network is better than the last year, and about as good as ridge regression."""
    test = {name: numbers(rf"^{name} +test ([\d.]+)", printed)[0] for name in METHODS}
    assert max(test["ridge"], test["network"], test["network_of_12_months"]) < 1.3
    assert test["last_value"] > test["last_year"] > 1.5


def check_system_b(printed):
    """Both numerical gradients agree with the exact one, the complex step far better."""
    difference = numbers(r"finite differences: (\S+)", printed)[0]
    complex_step = numbers(r"the complex step: (\S+)", printed)[0]
    assert complex_step < 1e-14 < difference < 1e-8


CHECKS = {
    f"plot_{name.removeprefix('check_')}": function
    for name, function in list(globals().items())
    if name.startswith("check_")
}


# A few seconds each; all of them together take three minutes of one core.
QUICK = {"plot_digits_rows", "plot_streaming", "plot_system_a"}


@pytest.mark.parametrize(
    "example",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in EXAMPLES],
)
def test_example_runs(example, tmp_path):
    if example in NEEDS:
        pytest.importorskip(NEEDS[example])
    printed, figures = run(example, tmp_path)
    assert printed
    assert figures
    for pixels in figures:
        assert min(pixels.shape[:2]) > 250
        assert pixels[..., :3].std() > 0.05  # not blank
    CHECKS.get(example, bool)(printed)


def test_from_a_table_to_predictions_in_the_table_is_short():
    """What a user writes has fewer than 40 lines, and no loop."""
    cells = EXAMPLES["plot_table"].read_text(encoding="utf-8").split("# %%\n")
    (cell,) = [cell for cell in cells if cell.startswith("# From the file to the risks\n")]
    assert cell.index("read_csv(") < cell.index("GridSearchCV(") < cell.index("to_csv(")
    code = [line for line in cell.splitlines() if line.strip() and not line.startswith("#")]
    assert len(code) < 40
    loops = (ast.For, ast.While, ast.comprehension)
    assert not [node for node in ast.walk(ast.parse(cell)) if isinstance(node, loops)]


def test_examples_exist():
    assert set(CHECKS) | QUICK < set(EXAMPLES)
    assert {f"plot_system_{letter}" for letter in "abcdef"} <= set(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_uses_the_public_interface_only(example):
    source = EXAMPLES[example].read_text(encoding="utf-8")
    assert not re.findall(r"^\s*(?:from|import) skrnn\S*\._.*$", source, re.MULTILINE)
    title, underline = source.splitlines()[1:3]
    assert underline == "=" * len(title)
