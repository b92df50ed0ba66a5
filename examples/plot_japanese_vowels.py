"""
A complete workflow on the Japanese vowels
==========================================

The task is to identify which of nine men speaks two vowels. An utterance is a sequence of 7 to 29
steps. Each step has 12 coefficients from a linear prediction of the sound. This example shows a
complete workflow: load the data, scale the steps, select a network by cross-validation, evaluate it
on the test set, and determine which steps the predictions depend on.
"""

# %%
# Data
# ----
# There are 270 training utterances, 30 of each speaker, and 370 test utterances. Their lengths
# differ, but no padding is needed.

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
# Pipeline and grid search
# ------------------------
# `PerStep(StandardScaler())` scales each coefficient to mean 0 and variance 1 over all steps of
# the training utterances. The scaler is part of the pipeline, so it is fitted on the training part
# of each fold of the search, without leakage from the test part. The search compares the default
# network, which reads in both directions and has three poolings, with simpler ones.

pipeline = Pipeline(
    [
        ("scale", PerStep(StandardScaler())),
        ("rnn", SequenceRNNClassifier(random_state=0)),
    ]
)
grid = {
    "rnn__bidirectional": [False, True],
    "rnn__pooling": ["last", "max", ("last", "mean", "max")],
}
search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)

print("direction  pooling                  accuracy in cross-validation")
results = search.cv_results_
for i in np.argsort(results["rank_test_score"], kind="stable"):
    chosen = results["params"][i]
    direction = "both" if chosen["rnn__bidirectional"] else "forwards"
    print(
        f"{direction:9}  {chosen['rnn__pooling']!s:23}  "
        f"{results['mean_test_score'][i]:.3f} ± {results['std_test_score'][i]:.3f}"
    )

# %%
# Evaluation on the test set
# --------------------------
# The best pipeline of the search was refitted on all 270 training utterances. It is evaluated once
# on the test set.

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
    text.set_visible(text.get_text() != "0")  # zeros are left out for readability
right.set(
    title=f"Test: {np.mean(predicted == y_test):.1%} right",
    xlabel="predicted speaker", ylabel="true speaker",
)  # fmt: skip

# %%
# Importance of steps
# -------------------
# Which steps of an utterance does the prediction depend on? Occlusion replaces three neighboring
# steps at a time by the mean of each coefficient, and measures by how much the probability of the
# predicted speaker decreases. Most predictions depend on many steps, and occluding three of them
# has little effect. The plots show the utterances, predicted correctly and incorrectly, with the
# largest effect. A negative bar means that the probability is higher without the step.

importance = occlusion_importance(search, X_test, window=3)
most = np.array([steps.max() for steps in importance])
right_ones, wrong_ones = np.flatnonzero(predicted == y_test), np.flatnonzero(predicted != y_test)
picked = [
    *sorted(right_ones, key=lambda i: -most[i])[:4],
    *sorted(wrong_ones, key=lambda i: -most[i])[:2],
]
print(f"median over the test set of the largest decrease of probability: {np.median(most):.3f}")

figure, axes = plt.subplots(2, 3, figsize=(11, 5), sharey=True, layout="constrained")
for ax, i in zip(axes.flat, picked, strict=True):
    ax.bar(range(len(importance[i])), importance[i], color=BLUE, width=0.9)
    ax.axhline(0, color="black", linewidth=0.8)
    verdict = "correct" if predicted[i] == y_test[i] else f"true speaker {y_test[i]}"
    ax.set_title(f"predicted speaker {predicted[i]}: {verdict}", fontsize=10)
    ax.grid(axis="y", alpha=0.3)
for ax in axes.flat:
    ax.xaxis.get_major_locator().set_params(integer=True)
for ax in axes[-1]:
    ax.set_xlabel("step")
for ax in axes[:, 0]:
    ax.set_ylabel("decrease of probability")
plt.show()
