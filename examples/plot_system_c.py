"""
A grammar, symbol by symbol
===========================

A small Theano network with vectors in and vectors out at every step: seven inputs, 50 tanh units,
seven outputs, sequences of 100 steps, one of them for each update. Its author never had data for
it. Here it gets a task worth its while: to learn from examples alone which symbols a grammar
allows next.
"""

# %%
# The grammar
# -----------
# Reber's grammar is a graph: each arrow writes a symbol and leads to the next node. Where two
# arrows leave, a coin decides, so that nobody can be sure of the next symbol. But S, X and the
# others stand on several arrows: to know what may follow, one has to know what came before.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skrnn import SGD, StepRNNClassifier
from skrnn.inspection import LossCurveDisplay

warnings.filterwarnings("ignore", category=ConvergenceWarning)  # so many passes, come what may

SYMBOLS = np.array(list("BEPSTVX"))
ARROWS = [  # of each node: (symbol, next node)
    [("B", 1)],
    [("T", 2), ("P", 3)],
    [("S", 2), ("X", 4)],
    [("T", 3), ("V", 5)],
    [("X", 3), ("S", 6)],
    [("P", 4), ("V", 6)],
    [("E", 0)],  # and the next word begins
]


def make_reber(n_samples, n_steps, random_state):
    """Make sequences of one-hot symbols, the symbols that follow, and those that might."""
    rng = np.random.RandomState(random_state)
    X, y, allowed = [], [], []
    for _ in range(n_samples):
        node, written, possible = 0, [], []
        for _ in range(n_steps + 1):
            possible.append(np.isin(SYMBOLS, [symbol for symbol, _ in ARROWS[node]]))
            symbol, node = ARROWS[node][rng.randint(len(ARROWS[node]))]
            written.append(symbol)
        X.append(np.equal.outer(written[:-1], SYMBOLS).astype(np.float32))
        y.append(np.array(written[1:]))
        allowed.append(np.array(possible[1:]))
    return X, y, allowed


X, y, allowed = make_reber(100, 100, random_state=0)
X_test, y_test, allowed_test = make_reber(50, 100, random_state=1)
print("a sequence begins", " ".join(y[0][:20]))

# %%
# Training
# --------
# Plain gradient descent at a rate of 0.1, one sequence an update, in float32, from weights that
# are uniform and then divided by their largest singular value. The squared error is the
# author's alternative.


def share_right(clf):
    """Share of steps where exactly the allowed symbols get more than a quarter each."""
    chosen = np.concatenate(clf.predict_proba(X_test)) > 0.25
    return np.mean((chosen == np.concatenate(allowed_test)).all(axis=1))


model = StepRNNClassifier(
    hidden_layer_sizes=50,
    cell="rnn",
    init="svd",
    alpha=0,
    solver=SGD(momentum=0),
    learning_rate_init=0.1,
    batch_size=1,
    max_iter=25,
    random_state=0,
)
models = {
    "cross-entropy": model,
    "squared error": clone(model).set_params(loss="squared_error"),
    "default estimator": StepRNNClassifier(max_iter=25, random_state=0),
}
for name, clf in models.items():
    clf.fit(X, y)
    print(f"{name:18} knows what may follow at {share_right(clf):.1%} of the steps")

# %%
# What the network expects
# ------------------------
# Read from left to right. A column holds the probabilities of the next symbol after the symbol
# below it; the rings mark what the grammar allows. The same X or V is followed by different
# expectations, as it should be.

BLUE, ORANGE = "#0072B2", "#E69F00"  # told apart by everyone (Okabe & Ito, 2008)
N_SHOWN = 30

expected = model.predict_proba(X_test[:1])[0][:N_SHOWN]
read = SYMBOLS[X_test[0][:N_SHOWN].argmax(axis=1)]
entropy = np.mean([np.log(steps.sum(axis=1)).mean() for steps in allowed])

figure, (top, bottom) = plt.subplots(
    2, 1, figsize=(10, 6.6), height_ratios=[1.25, 1], layout="constrained"
)
image = top.imshow(expected.T, cmap="Blues", vmin=0, vmax=1, aspect="auto")
steps, symbols = np.nonzero(allowed_test[0][:N_SHOWN])
top.plot(steps, symbols, "o", markersize=11, markerfacecolor="none", color=ORANGE,
         markeredgewidth=2, label="allowed by the grammar")  # fmt: skip
top.set(title="Expected next symbol", xlabel="symbol just read", ylabel="next symbol")
top.set_xticks(range(N_SHOWN), read)
top.set_yticks(range(len(SYMBOLS)), SYMBOLS)
top.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
figure.colorbar(image, ax=top, label="probability")

LossCurveDisplay.from_estimator(
    {"Elman network": model, "default estimator": models["default estimator"]},
    ax=bottom,
    curve_kwargs=[
        {"color": BLUE, "linewidth": 2},
        {"color": ORANGE, "linewidth": 2, "linestyle": "--"},
    ],
)
bottom.axhline(entropy, color="black", linestyle=":", label="entropy of the grammar")
bottom.set(title="Training", ylabel="mean cross-entropy", ylim=(0, None))
bottom.grid(alpha=0.3)
bottom.legend()
plt.show()
