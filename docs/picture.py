"""Plot the figure of the README: utterances, hidden states and probabilities over time.

Run ``python docs/picture.py``, and check the image file that it prints before you commit it.
"""

import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.preprocessing import StandardScaler

from skrnn import PerStep, SequenceRNNClassifier
from skrnn.datasets import load_japanese_vowels

PATH = Path(__file__).resolve().parent / "_static" / "utterances.png"
SPEAKERS = [5, 3, 8]  # one utterance of each: shortest, of median length and longest
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#B0B0B0"
STYLE = {
    "font.size": 10,
    "axes.titlesize": 10.5,
    "xtick.major.size": 0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.wspace": 0.06,
}


def answers_while_reading(clf, x):
    """Return the probabilities after each step, of shape (n_steps, n_classes)."""
    state, answers = clf.initial_state(), []
    for x_t in x:
        probabilities, state = clf.step(x_t, state)
        answers.append(probabilities[0])
    return np.array(answers)


def choose(X, y):
    """Yield one utterance of each of the three speakers."""
    picks = [min, lambda of, key: sorted(of, key=key)[len(of) // 2], max]
    for speaker, pick in zip(SPEAKERS, picks, strict=True):
        yield speaker, X[pick(np.flatnonzero(y == speaker), key=lambda i: len(X[i]))]


def draw(clf, utterances, classes):
    """Plot one row per utterance: input, hidden states and output."""
    longest = max(len(x) for _, x in utterances)
    figure, axes = plt.subplots(3, 3, figsize=(8.6, 4.6), sharex=True)
    for row, (speaker, x) in zip(axes, utterances, strict=True):
        (states,) = clf.hidden_states([x])
        for ax, values, limit in [(row[0], x, 2.5), (row[1], states, 1.0)]:
            ax.imshow(
                values.T, aspect="auto", cmap="PuOr_r", vmin=-limit, vmax=limit,
                extent=(0.5, len(values) + 0.5, values.shape[1], 0), interpolation="nearest",
            )  # fmt: skip
            ax.set_yticks([])
            ax.spines[:].set_visible(False)
        steps = np.arange(1, len(x) + 1)
        probabilities = answers_while_reading(clf, x)
        for k, of_class in zip(classes, probabilities.T, strict=True):
            right = k == speaker
            row[2].plot(
                steps, of_class, color=BLUE if right else GREY, linewidth=2.5 if right else 1,
                zorder=2 + right, marker="o", markevery=[len(x) - 1], markersize=6 if right else 0,
                clip_on=False,
            )  # fmt: skip
        row[2].annotate(
            f"speaker {speaker}: {probabilities[-1, list(classes).index(speaker)]:.2f}",
            (len(x), 1), xytext=(0, 5), textcoords="offset points",
            ha="right" if len(x) > longest / 2 else "left", va="bottom", color=BLUE,
        )  # fmt: skip
        row[2].set(ylim=(-0.03, 1.03), yticks=[0, 0.5, 1], xlim=(0.3, longest + 0.7))
        row[0].set_ylabel(f"{len(x)} steps", rotation=0, ha="right", va="center")
    for ax, title in zip(
        axes[0],
        [
            f"input: {x.shape[1]} features",
            f"hidden states: {states.shape[1]} units",
            "output: probabilities",
        ],
        strict=True,
    ):
        ax.set_title(title, pad=20, loc="left", fontweight="bold")
    for ax in axes[-1]:
        ax.set_xlabel("step")
    return figure


def main(path=PATH):
    """Train on the Japanese vowels, and plot three utterances of the test set."""
    matplotlib.use("Agg")  # plot to a file, without a window
    X, y = load_japanese_vowels(return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    scaler = PerStep(StandardScaler())
    clf = SequenceRNNClassifier(bidirectional=False, random_state=0)  # for the streams
    clf.fit(scaler.fit_transform(X), y)
    utterances = list(choose(scaler.transform(X_test), y_test))
    with plt.rc_context(STYLE):
        figure = draw(clf, utterances, clf.classes_)
        figure.savefig(path, dpi=200)
        plt.close(figure)
    print(path)


if __name__ == "__main__":
    main(*sys.argv[1:2])
