"""
Japanese vowels, from raw recordings to evidence
================================================

Nine men say two vowels; who is speaking? An utterance is a sequence of 7 to 29 steps, each of 12
coefficients of a linear prediction of the sound. This example goes all the way: look at the
data, scale the steps, choose a network by cross-validation, test it once, and ask which moments
it relied on.
"""

# %%
# The data
# --------
# 270 utterances to learn from, 30 of each speaker, and 370 to be tested on. They are of many
# lengths, and nothing has to be padded.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay, classification_report
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import PerStep, SequenceRNNClassifier
from skrnn.datasets import load_japanese_vowels
from skrnn.inspection import LossCurveDisplay, occlusion_importance

X, y = load_japanese_vowels(return_X_y=True)
X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
lengths = [len(x) for x in X]
print(f"{len(X)} utterances of {min(lengths)} to {max(lengths)} steps, {X[0].shape[1]} features")

# %%
# A pipeline, and a search
# ------------------------
# `PerStep(StandardScaler())` brings each coefficient to mean 0 and variance 1 over all steps of
# the training utterances. It is a part of the pipeline, so that each fold of the search learns
# its scale from its own training part, and nothing leaks.

pipeline = Pipeline(
    [
        ("scale", PerStep(StandardScaler())),
        ("rnn", SequenceRNNClassifier(learning_rate="cosine", max_iter=30, random_state=0)),
    ]
)
grid = {
    "rnn__cell": ["gru", "lstm"],
    "rnn__bidirectional": [False, True],
    "rnn__pooling": ["last", "max"],
}
search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)

print("cell  direction  pooling  accuracy in cross-validation")
results = search.cv_results_
for i in np.argsort(results["rank_test_score"], kind="stable"):
    chosen = results["params"][i]
    direction = "both" if chosen["rnn__bidirectional"] else "forwards"
    print(
        f"{chosen['rnn__cell']:4}  {direction:9}  {chosen['rnn__pooling']:7}  "
        f"{results['mean_test_score'][i]:.3f} ± {results['std_test_score'][i]:.3f}"
    )

# %%
# The test
# --------
# Once, with the winner of the search, which has been fitted again on all 270 utterances.

predicted = search.predict(X_test)
print(classification_report(y_test, predicted, digits=3))

BLUE = "#0072B2"

figure, (left, right) = plt.subplots(
    1, 2, figsize=(10.5, 4.6), width_ratios=[1, 1.1], layout="constrained"
)
LossCurveDisplay.from_estimator(search, ax=left, curve_kwargs={"color": BLUE, "linewidth": 2})
left.set(title="Training of the chosen network", ylabel="mean loss (log scale)", yscale="log")
left.grid(axis="y", alpha=0.3)
shown = ConfusionMatrixDisplay.from_predictions(
    y_test, predicted, cmap="Blues", colorbar=False, ax=right
)
for text in shown.text_.ravel():
    text.set_visible(text.get_text() != "0")  # an empty cell is easier to see
right.set(
    title=f"Test: {np.mean(predicted == y_test):.1%} right",
    xlabel="predicted speaker", ylabel="true speaker",
)  # fmt: skip

# %%
# The evidence
# ------------
# Which moments of an utterance did the answer depend on? Occlusion hides three neighbouring
# steps at a time behind the mean of each coefficient, and measures how much probability the answer
# loses. Most answers stand on many steps together, and hiding three of them changes little; these
# are the utterances, right and wrong, in which it changes most. A bar below zero is a step that
# speaks against the answer.

importance = occlusion_importance(search, X_test, window=3)
most = np.array([steps.max() for steps in importance])
right_ones, wrong_ones = np.flatnonzero(predicted == y_test), np.flatnonzero(predicted != y_test)
picked = [
    *sorted(right_ones, key=lambda i: -most[i])[:4],
    *sorted(wrong_ones, key=lambda i: -most[i])[:2],
]
print(f"median over the test set of the largest loss of probability: {np.median(most):.3f}")

figure, axes = plt.subplots(2, 3, figsize=(11, 5), sharey=True, layout="constrained")
for ax, i in zip(axes.flat, picked, strict=True):
    ax.bar(range(len(importance[i])), importance[i], color=BLUE, width=0.9)
    ax.axhline(0, color="black", linewidth=0.8)
    verdict = "right" if predicted[i] == y_test[i] else f"in truth {y_test[i]}"
    ax.set_title(f"taken for speaker {predicted[i]}: {verdict}", fontsize=10)
    ax.grid(axis="y", alpha=0.3)
for ax in axes.flat:
    ax.xaxis.get_major_locator().set_params(integer=True)
for ax in axes[-1]:
    ax.set_xlabel("step")
for ax in axes[:, 0]:
    ax.set_ylabel("probability lost")
plt.show()
