"""
Prediction of the next symbol of a grammar
==========================================

This example uses the architecture of a small Theano network with one input and one output vector
per step: seven inputs, 50 tanh units, seven outputs, sequences of 100 steps, and one sequence per
update. The original network was published without data. Here it learns from examples which symbols
a grammar allows next.
"""

# %%
# Grammar
# -------
# Reber's grammar is a graph. Each edge has a symbol and leads to the next node. If a node has two
# edges, one of them is chosen at random with equal probability, so the next symbol cannot be
# predicted with certainty. Symbols such as S and X appear on several edges. The allowed next
# symbols therefore depend on the previous symbols, and not only on the last one.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skrnn import SGD, StepRNNClassifier
from skrnn.inspection import LossCurveDisplay

warnings.filterwarnings("ignore", category=ConvergenceWarning)  # a fixed number of epochs

SYMBOLS = np.array(list("BEPSTVX"))
ARROWS = [  # of each node: (symbol, next node)
    [("B", 1)],
    [("T", 2), ("P", 3)],
    [("S", 2), ("X", 4)],
    [("T", 3), ("V", 5)],
    [("X", 3), ("S", 6)],
    [("P", 4), ("V", 6)],
    [("E", 0)],  # the next word begins
]


def make_reber(n_samples, n_steps, random_state):
    """Return sequences of one-hot symbols, the next symbols, and the allowed next symbols."""
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
# The network is trained by gradient descent with a learning rate of 0.1 and one sequence per
# update, in float32. The initial weights are uniform, divided by their largest singular value. The
# original program has the squared error as an alternative loss.


def share_right(clf):
    """Return the proportion of steps at which exactly the allowed symbols have p > 0.25."""
    chosen = np.concatenate(clf.predict_proba(X_test)) > 0.25
    return np.mean((chosen == np.concatenate(allowed_test)).all(axis=1))


model = StepRNNClassifier(
    hidden_layer_sizes=50,
    cell="rnn",
    init="svd",
    alpha=0,
    solver=SGD(momentum=0),
    learning_rate="constant",
    learning_rate_init=0.1,
    batch_size=1,
    max_iter=25,
    random_state=0,
)
models = {
    "cross-entropy": model,
    "squared error": clone(model).set_params(loss="squared_error"),
    "default estimator": StepRNNClassifier(random_state=0),
}
for name, clf in models.items():
    clf.fit(X, y)
    print(f"{name:18} predicts the allowed symbols at {share_right(clf):.1%} of the steps")

# %%
# Predicted probabilities
# -----------------------
# Each column shows the probabilities of the next symbol after the symbol on the horizontal axis.
# The circles mark the symbols that the grammar allows. The predictions after the same symbol, such
# as X or V, depend on the previous symbols, as expected.

BLUE, ORANGE = "#0072B2", "#E69F00"  # colorblind-safe (Okabe & Ito, 2008)
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
top.set(title="Probability of the next symbol", xlabel="current symbol", ylabel="next symbol")
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
