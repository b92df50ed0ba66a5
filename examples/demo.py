"""Demonstration of skrnn: a logic gate, spoken vowels, and a grid search on ragged sequences.

Run it with ``make demo``, or with ``python examples/demo.py FOLDER`` to save the figures in
another folder.
"""

import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import PerStep, SequencePadder, SequenceRNNClassifier, XORMLPClassifier
from skrnn.datasets import load_japanese_vowels, make_xor
from skrnn.inspection import LossCurveDisplay

# Blue and orange are colorblind-safe (Okabe & Ito, 2008).
BLUE, ORANGE = "#0072B2", "#E69F00"
PALE = LinearSegmentedColormap.from_list("pale", ["#8CC0E0", "white", "#F5CF80"])
STYLE = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 150,
}


def main(folder="demo_output"):
    """Run the three parts and save their figures in `folder`."""
    matplotlib.use("Agg")  # plot to files, without windows
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with plt.rc_context(STYLE):
        learn_xor(folder)
        recognise_speakers(folder)
        search_grid(folder)


def save(figure, path):
    """Save a figure and print the path."""
    figure.savefig(path)
    plt.close(figure)
    print(f"  Figure saved: {path}")


# 1. Exclusive or: the smallest problem that is not linearly separable ---------------------


def learn_xor(folder):
    """Learn the truth table of XOR with 100 hidden units, and with two."""
    print("1. Exclusive or")
    X, y = make_xor()
    models = {
        "100 ReLU units (default)": XORMLPClassifier(random_state=0),
        "2 tanh units": XORMLPClassifier((2,), activation="tanh", random_state=0),
    }
    for name, model in models.items():
        predicted = model.fit(X, y).predict(X)
        answers = [f"{a:.0f} xor {b:.0f} = {c}" for (a, b), c in zip(X, predicted, strict=True)]
        print(f"  {name + ':':26}{',  '.join(answers)}")
    save(draw_boundaries(models, X, y), folder / "xor_boundary.png")


def draw_boundaries(models, X, y):
    """Plot the decision boundary of each model."""
    figure, axes = plt.subplots(1, len(models), figsize=(9.6, 4.4), sharex=True, sharey=True)
    for ax, (name, model) in zip(axes, models.items(), strict=True):
        plane = DecisionBoundaryDisplay.from_estimator(
            model, X, eps=0.5, grid_resolution=300, response_method="predict_proba",
            class_of_interest=1, plot_method="pcolormesh", shading="gouraud",
            cmap=PALE, vmin=0, vmax=1, ax=ax,
        )  # fmt: skip
        ax.contour(plane.xx0, plane.xx1, plane.response, [0.5], colors="black", linewidths=1.5)
        for label, colour, marker in [(0, BLUE, "o"), (1, ORANGE, "s")]:
            corners = X[y == label]
            ax.plot(*corners.T, marker, color=colour, markeredgecolor="black", markersize=12,
                    label=label)  # fmt: skip
        ax.set(title=name, xlabel="first input", xticks=[0, 1], yticks=[0, 1], aspect="equal")
    axes[0].set_ylabel("second input")
    axes[-1].legend(title="a xor b", loc="center", framealpha=1)
    figure.colorbar(plane.surface_, ax=axes, label="predicted probability of 1")
    return figure


# 2. Japanese vowels: sequences of 7 to 29 steps, nine speakers ----------------------------


def recognise_speakers(folder):
    """Identify which of nine speakers spoke an utterance."""
    print("2. Japanese vowels: speaker identification")
    X_train, y_train = load_japanese_vowels(return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)

    model = make_pipeline(
        PerStep(StandardScaler()), SequencePadder(), SequenceRNNClassifier(random_state=0)
    )
    model.fit(X_train, y_train)
    predicted = model.predict(X_test)

    accuracy = np.mean(predicted == y_test)
    print(f"  Test accuracy: {accuracy:.3f} ({np.sum(predicted == y_test)} of {len(y_test)})")
    save(draw_training(model, y_test, predicted), folder / "vowels.png")


def draw_training(model, y_test, predicted):
    """Plot the loss of each epoch, and the confusion matrix."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4.8), width_ratios=[1, 1.15])
    LossCurveDisplay.from_estimator(model, ax=left, curve_kwargs={"color": BLUE, "linewidth": 2})
    left.set(title="Training", ylabel="mean loss (log scale)", yscale="log")
    left.grid(axis="y", alpha=0.3)

    shown = ConfusionMatrixDisplay.from_predictions(
        y_test, predicted, cmap="Blues", colorbar=False, ax=right
    )
    for text in shown.text_.ravel():
        text.set_visible(text.get_text() != "0")  # zeros are left out for readability
    n_wrong = np.sum(predicted != y_test)
    right.set(
        title=f"Test: {n_wrong} of {len(y_test)} utterances misclassified",
        xlabel="predicted speaker",
        ylabel="true speaker",
    )
    right.spines[:].set_visible(True)
    return figure


# 3. Grid search: GridSearchCV accepts a list of ragged arrays -----------------------------


def search_grid(folder):
    """Choose the cell and the number of units by cross-validation."""
    print("3. Grid search on a list of ragged arrays")
    X_train, y_train = load_japanese_vowels(return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    X_train, X_test = list(X_train), list(X_test)  # lists of arrays, not padded

    network = SequenceRNNClassifier(max_iter=15, random_state=0)  # fewer epochs, to save time
    pipeline = Pipeline([("scale", PerStep(StandardScaler())), ("rnn", network)])
    grid = {"rnn__cell": ["rnn", "gru", "lstm"], "rnn__hidden_layer_sizes": [16, 32]}
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2)  # cv=3: stratified for a classifier
    if hasattr(search, "set_callbacks"):  # from scikit-learn 1.9 on
        from sklearn.callback import ProgressBar

        search.set_callbacks(ProgressBar(max_propagation_depth=0))
    search.fit(X_train, y_train)

    print_table(search.cv_results_)
    best = search.best_params_
    print(f"  Best: {best['rnn__cell']} with {best['rnn__hidden_layer_sizes']} units")
    print(f"  Its test accuracy: {search.score(X_test, y_test):.3f}")
    save(draw_grid(search.cv_results_), folder / "grid_search.png")


def print_table(results):
    """Print the mean and standard deviation of the accuracy for each candidate."""
    print("  cell   units   accuracy in cross-validation")
    for i, parameters in enumerate(results["params"]):
        cell, units = parameters["rnn__cell"], parameters["rnn__hidden_layer_sizes"]
        mean, std = results["mean_test_score"][i], results["std_test_score"][i]
        print(f"  {cell:<6} {units:>5}   {mean:.3f} ± {std:.3f}")


def draw_grid(results):
    """Plot the results of the search."""
    cells = list(dict.fromkeys(results["param_rnn__cell"]))
    figure, ax = plt.subplots(figsize=(7.6, 4.4))
    for units, colour, marker, shift in [(16, BLUE, "o", -0.1), (32, ORANGE, "s", 0.1)]:
        rows = results["param_rnn__hidden_layer_sizes"] == units
        ax.errorbar(
            np.arange(len(cells)) + shift,
            results["mean_test_score"][rows], results["std_test_score"][rows],
            fmt=marker, color=colour, markersize=9, capsize=5, linewidth=2, label=f"{units} units",
        )  # fmt: skip
    ax.set(
        title="Japanese vowels, 3-fold cross-validation",
        xticks=range(len(cells)), xticklabels=cells, xlim=(-0.5, len(cells) - 0.5),
        xlabel="cell", ylabel="accuracy (mean ± standard deviation)",
    )  # fmt: skip
    ax.grid(axis="y", alpha=0.3)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure


if __name__ == "__main__":
    main(*sys.argv[1:2])
