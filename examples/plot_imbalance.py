"""
Class weights for imbalanced data
=================================

In this example, seven speakers have 30 training utterances each, and two speakers have only three.
A network with a high accuracy may still have a low recall for these two. With
`class_weight="balanced"`, all classes have the same total weight. The effect is visible in the
recall of each class and in the precision-recall curve, but not in the accuracy.
"""

# %%
# Three utterances of speakers 8 and 9
# ------------------------------------
# The three utterances are drawn at random for each of ten seeds, because the result depends on
# them. The test set is unchanged: 370 utterances of the Japanese vowels, 79 of them of these two
# speakers.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import PrecisionRecallDisplay, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import PerStep, SequenceRNNClassifier
from skrnn.datasets import load_japanese_vowels

X, y = load_japanese_vowels(return_X_y=True)
X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
RARE, N_RARE, N_SEEDS = [8, 9], 3, 10


def draw(seed):
    """Return the indices of all utterances of speakers 1 to 7, and of three of 8 and 9 each."""
    rng = np.random.RandomState(seed)
    few = [rng.choice(np.flatnonzero(y == speaker), N_RARE, replace=False) for speaker in RARE]
    return np.concatenate([np.flatnonzero(~np.isin(y, RARE)), *few])


def fit(class_weight, seed):
    """Fit the pipeline to the utterances of one draw."""
    model = make_pipeline(
        PerStep(StandardScaler()),
        SequenceRNNClassifier(24, class_weight=class_weight, max_iter=20, random_state=seed),
    )
    kept = draw(seed)
    return model.fit(X[kept], y[kept])


ways = {"equal weight per utterance": None, "equal weight per speaker": "balanced"}
probabilities = {
    name: np.array([fit(weight, seed).predict_proba(X_test) for seed in range(N_SEEDS)])
    for name, weight in ways.items()
}

# %%
# Recall of each class
# --------------------
# The recall is the proportion of the utterances of a speaker that are recognized. The plot shows
# the mean and the standard deviation over the draws.

speakers = np.unique(y)
recalls = {
    name: np.array([
        recall_score(y_test, speakers[p.argmax(axis=1)], average=None) for p in of_seeds
    ])
    for name, of_seeds in probabilities.items()
}  # fmt: skip
for name, values in recalls.items():
    answers = speakers[probabilities[name].argmax(axis=2)]
    print(
        f"{name + ':':29} accuracy {np.mean(answers == y_test):.3f}, recall of speakers 1 to 7 "
        f"{values[:, :7].mean():.3f}, of 8 and 9 {values[:, 7:].mean():.3f}"
    )

# %%
# Precision-recall curve
# ----------------------
# Consider the binary problem "speaker 8 or 9". Each threshold on the total probability of these
# two speakers is a point on a precision-recall curve. The point of `predict` is marked. The
# weights move this point along the curve, towards higher recall. They hardly change the curve
# itself: a lower threshold on the unweighted network would have almost the same effect.

BLUE, ORANGE = "#0072B2", "#E69F00"  # colorblind-safe (Okabe & Ito, 2008)

figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 4.4), width_ratios=[1.3, 1], layout="constrained"
)
is_rare = np.isin(y_test, RARE)
for shift, colour, (name, values) in zip([-0.2, 0.2], [BLUE, ORANGE], recalls.items(), strict=True):
    left.bar(
        speakers + shift, values.mean(axis=0), 0.38, yerr=values.std(axis=0), color=colour,
        ecolor="0.3", capsize=3, label=name,
    )  # fmt: skip
    rare = probabilities[name][:, :, 7:].sum(axis=2)  # (seeds, utterances)
    shown = PrecisionRecallDisplay.from_predictions(
        np.tile(is_rare, N_SEEDS), rare.ravel(), name=name, ax=right,
        curve_kwargs={"color": colour, "linewidth": 2},
    )  # fmt: skip
    chosen = probabilities[name].argmax(axis=2) >= 7
    recall = np.mean(chosen[:, is_rare])
    precision = np.mean(np.broadcast_to(is_rare, chosen.shape)[chosen])
    right.plot(recall, precision, "o", color=colour, markeredgecolor="black", markersize=9)
    print(f"{name + ':':29} '8 or 9' has precision {precision:.3f} and recall {recall:.3f}")
left.set(title="Recall of each speaker", xlabel="speaker", ylabel="recall", xticks=speakers)
left.set_ylim(0, 1.25)
left.set_yticks(np.linspace(0, 1, 6))
left.legend(loc="upper center", ncols=2, frameon=False)
right.set(title="Speaker 8 or 9, all draws", xlabel="recall", ylabel="precision")
right.set_ylim(0.2, 1.02)
right.grid(alpha=0.3)
right.legend(loc="lower left")
plt.show()
