"""Plot the figures of the README and of the documentation.

``utterances.png`` shows utterances, hidden states and probabilities over time. The other figures
show one task each. Run ``python docs/picture.py``, and check the image files that it prints before
you commit them.
"""

import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from statsmodels.datasets import elnino

from skrnn import CRF, PerStep, SequenceRNNClassifier, SequenceRNNRegressor, StepRNNClassifier
from skrnn.convert import make_windows
from skrnn.datasets import load_japanese_vowels
from skrnn.forecasting import forecast

FOLDER = Path(__file__).resolve().parent / "_static"
SPEAKERS = [5, 3, 8]  # one utterance of each: shortest, of median length and longest
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#B0B0B0"
SIZE = (4.2, 2.5)  # inches, of the figure of a task
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


def draw_stream(clf, speaker, x):
    """Plot the probability of each speaker after each step of an utterance."""
    figure, ax = plt.subplots(figsize=SIZE)
    steps = np.arange(1, len(x) + 1)
    probabilities = answers_while_reading(clf, x)
    ax.plot(steps, probabilities, color=GREY, linewidth=1)
    right = probabilities[:, list(clf.classes_).index(speaker)]
    ax.plot(steps, right, "o-", color=BLUE, linewidth=2.5, markersize=4)
    ax.annotate("true speaker", (len(x), 1), xytext=(0, 4), textcoords="offset points",
                ha="right", color=BLUE)  # fmt: skip
    ax.set(
        xlabel="steps heard so far", ylabel="probability", ylim=(-0.03, 1.12), yticks=[0, 0.5, 1]
    )
    ax.xaxis.get_major_locator().set_params(integer=True)
    return figure


def draw_classes(clf, X_test, y_test):
    """Plot the pooled states of the test set, and which utterances are predicted wrongly."""
    right = clf.predict(X_test) == y_test
    points = PCA(2).fit_transform(clf.transform(X_test))
    figure, ax = plt.subplots(figsize=SIZE)
    ax.scatter(*points.T, c=y_test, cmap="tab10", vmin=1, vmax=10, s=14, alpha=0.8, linewidths=0)
    ax.scatter(*points[~right].T, marker="x", color="black", s=40)
    ax.set_title(f"{len(right)} new utterances, {np.mean(right):.0%} right", loc="left")
    ax.set(xticks=[], yticks=[], xlabel="pooled hidden states (2 components)")
    return figure


def record(rng, n_steps):
    """Return noisy readings of a machine that is idle, runs and cools down, and its states."""
    states = (rng.uniform(size=n_steps) < 0.1).cumsum() % 3
    return states[:, None] + rng.normal(scale=0.7, size=(n_steps, 1)), states


def draw_tags():
    """Plot readings of a machine, and the true and the predicted states."""
    rng = np.random.RandomState(0)
    X, y = zip(*[record(rng, 50) for _ in range(30)], strict=True)
    x, states = record(rng, 80)
    clf = StepRNNClassifier(8, loss=CRF(constraints="seen"), random_state=0).fit(X, y)
    figure, (top, below) = plt.subplots(2, 1, figsize=SIZE, sharex=True, height_ratios=[2.2, 1])
    top.plot(x[:, 0], color="black", linewidth=1)
    top.set(yticks=[], ylabel="reading")
    rows = np.array([states, clf.predict([x])[0]])
    colors = matplotlib.colors.ListedColormap(["#DDDDDD", ORANGE, BLUE])
    below.imshow(rows, aspect="auto", cmap=colors, interpolation="nearest")
    below.set_yticks([0, 1], ["true state", "predicted"])
    below.set_xlabel(f"step ({np.mean(rows[0] == rows[1]):.0%} of them right)")
    below.spines[:].set_visible(False)
    return figure


def draw_forecasts():
    """Plot a temperature, and forecasts of it for twelve months at a time."""
    table = elnino.load_pandas().data  # a row for each year, a column for each month
    series = table.iloc[:, 1:].to_numpy().ravel()
    start = 12 * (1991 - int(table["YEAR"].iloc[0]))
    X, y = make_windows(series[:start], window=24)
    one_way = {"bidirectional": False, "pooling": "last", "skip_connection": "last"}
    network = SequenceRNNRegressor(**one_way, random_state=0)
    model = make_pipeline(PerStep(StandardScaler()), network).fit(X, y)
    figure, ax = plt.subplots(figsize=SIZE)
    year = 1991 + (np.arange(len(series)) - start) / 12
    ax.plot(year[start:][:72], series[start:][:72], color="black", linewidth=1, label="observed")
    for end in range(start, start + 72, 12):
        ahead = forecast(model, [series[end - 24 : end]], horizon=12, window=24)[0]
        label = "12 months ahead" if end == start else None
        ax.plot(year[end : end + 12], ahead, color=ORANGE, linewidth=2.5, label=label)
    ax.set_ylabel("sea temperature (°C)")
    ax.legend(loc="upper right", ncols=2, frameon=False, borderaxespad=0)
    ax.set_ylim(top=series[start:][:72].max() + 1.2)
    return figure


def main(folder=FOLDER):
    """Draw all figures into a folder."""
    matplotlib.use("Agg")  # plot to a file, without a window
    X, y = load_japanese_vowels(return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    scaler = PerStep(StandardScaler()).fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    forwards = SequenceRNNClassifier(bidirectional=False, random_state=0).fit(X, y)
    utterances = list(choose(X_test, y_test))
    with plt.rc_context(STYLE):
        figures = {
            "utterances": draw(forwards, utterances, forwards.classes_),
            "task_classify": draw_classes(forwards, X_test, y_test),
            "task_tag": draw_tags(),
            "task_forecast": draw_forecasts(),
            "task_stream": draw_stream(forwards, *utterances[-1]),
        }
        for name, figure in figures.items():
            path = Path(folder) / f"{name}.png"
            figure.savefig(path, dpi=200)
            plt.close(figure)
            print(path)


if __name__ == "__main__":
    main(*sys.argv[1:2])
