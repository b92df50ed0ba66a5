"""
Two hidden units that shift bits
================================

A network in plain Python, of 11 numbers: two logistic hidden units and a logistic output, which
is to answer every bit with the bit before it. Its author set the numbers by hand, trained them
with a gradient that looks back one step only, and saw it stuck in a bad minimum. Here the hand-set
network gives the same numbers to 14 decimals, and training does not get stuck.
"""

# %%
# Weights by hand
# ---------------
# The first hidden unit is to copy the input, and the second the first, one step late. (A sign
# is wrong in this: see the pictures below.) `bptt_steps=1` is the author's gradient: at each
# step the previous state is taken as a constant. The author's loss is a sum over the steps where
# ours is their mean; for two steps a rate of 1 is ours of 2.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skrnn import SGD, StepRNNClassifier
from skrnn.datasets import make_shift
from skrnn.inspection import HiddenStateDisplay

warnings.filterwarnings("ignore", category=ConvergenceWarning)  # to get stuck is the point

by_hand = {
    "recurrent_0": {
        "W": np.array([[[10.0, 0.0]]]),
        "U": np.array([[[0.0, 10.0], [0.0, 0.0]]]),  # from the first unit to the second
        "b": np.array([[5.0, -5.0]]),
    },
    "output": {"W": np.array([[0.0], [10.0]]), "b": np.array([-5.0])},
}


def one_update(bptt_steps):
    """Update the weights set by hand once, on [1, 1] with the targets [0, 1]."""
    clf = StepRNNClassifier(
        hidden_layer_sizes=2,
        cell="rnn",
        activation="logistic",
        init=by_hand,
        bptt_steps=bptt_steps,
        alpha=0,
        solver=SGD(momentum=0),
        learning_rate_init=2,
        max_grad_norm=None,
    )
    return clf.partial_fit([[1, 1]], [[0, 1]], classes=[0, 1])


clf = one_update(bptt_steps=1)
print(f"loss of the update, summed over the steps: {2 * clf.loss_:.17f}")
for name, bptt_steps in [("one step back", 1), ("all steps back", None)]:
    probabilities = one_update(bptt_steps).predict_proba([[0, 1, 1, 0, 0]])[0][:, 1]
    print(f"{name:14}", *[f"{p:.16f}" for p in probabilities])

# %%
# The same network, trained
# -------------------------
# From random weights, with the default solver and the whole gradient, on 1,000 sequences of 4 to
# 10 bits.

X, y = make_shift(1000, random_state=0)
shift = StepRNNClassifier(2, cell="rnn", activation="logistic")
trained = clone(shift).set_params(learning_rate_init=0.03, max_iter=60, random_state=0).fit(X, y)
X_test, y_test = make_shift(1000, min_length=100, max_length=100, random_state=1)
print(f"share of right answers on sequences of 100 bits: {trained.score(X_test, y_test):.2%}")

# %%
# Does it get stuck?
# ------------------
# The author's trap was the sequence 01011111, where the loss came to 2.80 and rose. We train on
# it alone, from 20 seeds each.

trap = [0, 1, 0, 1, 1, 1, 1, 1]
target = [0, *trap[:-1]]
ways = {
    "2 logistic units,\none step back": {"bptt_steps": 1},
    "2 logistic units,\nwhole gradient": {},
    "the same, up to\n5 starts": {"n_init": 5},
    "default\nestimator": None,
}


def loss_on_trap(parameters, seed):
    """Train on the trap alone and add up the loss over its steps."""
    if parameters is None:
        clf = StepRNNClassifier(random_state=seed)
    else:
        clf = clone(shift).set_params(learning_rate_init=0.1, max_iter=500, random_state=seed)
        clf.set_params(**parameters)
    clf.fit([trap], [target])
    return -clf.predict_log_proba([trap])[0][range(len(trap)), target].sum()


losses = [[loss_on_trap(way, seed) for seed in range(20)] for way in ways.values()]
for name, values in zip(ways, losses, strict=True):
    print(f"{' '.join(name.split()):34} highest loss {max(values):.2f}")

# %%
# What the units do
# -----------------
# `HiddenStateDisplay` shows the units over time, between what the network reads and what it says.
# As they were set by hand, the first unit is always on, and with it the output from the second
# step: its bias of 5 should be -5. Then a 1 in the input goes down to the first unit, and a step
# to the right down to the second and the output. Training finds much the same machine.

bits = np.array([0, 1, 1, 0, 1, 0, 0, 0, 1, 1])

clf.weights_ = by_hand
mended = clone(clf).fit(X[:1], y[:1])
mended.weights_ = {
    **by_hand,
    "recurrent_0": {**by_hand["recurrent_0"], "b": np.array([[-5.0, -5.0]])},
}
print(f"the network set by hand, with the sign mended: {mended.score(X_test, y_test):.2%}")

figure, axes = plt.subplots(1, 3, figsize=(12, 5), layout="constrained")
shown_networks = {"Set by hand": clf, "By hand, first bias negated": mended, "Trained": trained}
for ax, (title, shown) in zip(axes, shown_networks.items(), strict=True):
    display = HiddenStateDisplay.from_estimator(shown, bits, ax=ax)
    display.axes_[0].set_title(title)

# %%
# The losses of the trap
# ----------------------
# Who ends near the dotted line is stuck where the author was.

BLUE, ORANGE = "#0072B2", "#E69F00"  # told apart by everyone (Okabe & Ito, 2008)

figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
jitter = np.linspace(-0.2, 0.2, 20)
for i, values in enumerate(losses):
    stuck = np.array(values) > 1
    ax.semilogy(i + jitter[~stuck], np.compress(~stuck, values), "o", color=BLUE, alpha=0.8)
    ax.semilogy(i + jitter[stuck], np.compress(stuck, values), "s", color=ORANGE, alpha=0.9)
ax.axhline(2.8, color="black", linestyle=":")
ax.annotate("its author's bad minimum", (len(ways) - 0.5, 2.8), (-4, -4), va="top", ha="right",
            textcoords="offset points")  # fmt: skip
ax.set(title="Trained on 01011111 alone, 20 seeds each", ylabel="loss, summed over the steps",
       xlim=(-0.5, len(ways) - 0.5))  # fmt: skip
ax.set_xticks(range(len(ways)), ways)
ax.grid(axis="y", alpha=0.3)
plt.show()
