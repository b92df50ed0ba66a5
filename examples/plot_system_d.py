"""
A bit shift with two hidden units
=================================

This example reproduces a network in plain Python with 11 parameters: two logistic hidden units and
a logistic output. The target at each step is the previous bit. The author set the weights by hand,
and then trained them with a gradient truncated to one step, which ended in a poor local minimum.
Here the network set by hand gives the same outputs to 14 decimals, and the training finds a good
solution.
"""

# %%
# Weights set by hand
# -------------------
# The first hidden unit should copy the input. The second should copy the first, one step later.
# (One sign is wrong, as shown below.) `bptt_steps=1` corresponds to the original gradient: at each
# step, the previous hidden state is treated as a constant. The original loss is the sum over the
# steps. In skrnn it is the mean, so for two steps a learning rate of 1 corresponds to 2 here.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skrnn import SGD, StepRNNClassifier
from skrnn.datasets import make_shift
from skrnn.inspection import HiddenStateDisplay

warnings.filterwarnings("ignore", category=ConvergenceWarning)  # some fits do not converge

by_hand = {
    "recurrent_0": {
        "W": np.array([[[10.0, 0.0]]]),
        "U": np.array([[[0.0, 10.0], [0.0, 0.0]]]),  # from the first unit to the second
        "b": np.array([[5.0, -5.0]]),
    },
    "output": {"W": np.array([[0.0], [10.0]]), "b": np.array([-5.0])},
}


def one_update(bptt_steps):
    """Apply one update to the weights set by hand, on [1, 1] with the targets [0, 1]."""
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
# Training the same network
# -------------------------
# The network is trained from random initial weights, with the default solver and the full gradient,
# on 1,000 sequences of 4 to 10 bits.

X, y = make_shift(1000, random_state=0)
shift = StepRNNClassifier(2, cell="rnn", activation="logistic")
trained = clone(shift).set_params(learning_rate_init=0.03, max_iter=60, random_state=0).fit(X, y)
X_test, y_test = make_shift(1000, min_length=100, max_length=100, random_state=1)
print(f"accuracy on sequences of 100 bits: {trained.score(X_test, y_test):.2%}")

# %%
# Local minima
# ------------
# The original program failed on the sequence 01011111, where the loss reached 2.80 and then
# increased. Here networks are trained on this sequence alone, with 20 seeds each.

trap = [0, 1, 0, 1, 1, 1, 1, 1]
target = [0, *trap[:-1]]
ways = {
    "2 logistic units,\none step back": {"bptt_steps": 1},
    "2 logistic units,\nfull gradient": {},
    "the same, up to\n5 starts": {"n_init": 5},
    "default\nestimator": None,
}


def loss_on_trap(parameters, seed):
    """Train on this sequence alone, and return the sum of the loss over its steps."""
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
# Hidden states
# -------------
# `HiddenStateDisplay` shows the input, the hidden states and the output over time. With the
# weights set by hand, the first unit is always close to 1, and so is the output from the second
# step on: the bias of 5 should be -5. With the correct sign, the first unit copies the input, and
# the second unit and the output copy it one step later. Training finds a similar solution.

bits = np.array([0, 1, 1, 0, 1, 0, 0, 0, 1, 1])

clf.weights_ = by_hand
mended = clone(clf).fit(X[:1], y[:1])
mended.weights_ = {
    **by_hand,
    "recurrent_0": {**by_hand["recurrent_0"], "b": np.array([[-5.0, -5.0]])},
}
print(f"accuracy with weights set by hand and the correct sign: {mended.score(X_test, y_test):.2%}")

figure, axes = plt.subplots(1, 3, figsize=(12, 5), layout="constrained")
shown_networks = {"Set by hand": clf, "By hand, first bias negated": mended, "Trained": trained}
for ax, (title, shown) in zip(axes, shown_networks.items(), strict=True):
    display = HiddenStateDisplay.from_estimator(shown, bits, ax=ax)
    display.axes_[0].set_title(title)

# %%
# Losses on this sequence
# -----------------------
# A fit that ends near the dotted line is in the same local minimum as the original program.

BLUE, ORANGE = "#0072B2", "#E69F00"  # colorblind-safe (Okabe & Ito, 2008)

figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
jitter = np.linspace(-0.2, 0.2, 20)
for i, values in enumerate(losses):
    stuck = np.array(values) > 1
    ax.semilogy(i + jitter[~stuck], np.compress(~stuck, values), "o", color=BLUE, alpha=0.8)
    ax.semilogy(i + jitter[stuck], np.compress(stuck, values), "s", color=ORANGE, alpha=0.9)
ax.axhline(2.8, color="black", linestyle=":")
ax.annotate("local minimum of the original", (len(ways) - 0.5, 2.8), (-4, -4), va="top", ha="right",
            textcoords="offset points")  # fmt: skip
ax.set(title="Trained on 01011111 alone, 20 seeds each", ylabel="loss, summed over the steps",
       xlim=(-0.5, len(ways) - 0.5))  # fmt: skip
ax.set_xticks(range(len(ways)), ways)
ax.grid(axis="y", alpha=0.3)
plt.show()
