"""
Logic gates with a softmax layer
================================

This example reproduces a small Theano network with four tanh units and a softmax over two classes,
trained by gradient descent for 10,000 passes over the truth table. The original program prints the
loss of every thousandth pass for exclusive or and for inclusive or, and plots the decision
boundary. The losses here are equal in all six digits.
"""

# %%
# Network
# -------
# `init` sets the same initial weights as in the original program. Momentum, shuffling and the
# stopping criterion are disabled, because the original program does not have them.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import DecisionBoundaryDisplay

from skrnn import XORMLPClassifier
from skrnn.inspection import LossCurveDisplay

warnings.filterwarnings("ignore", category=ConvergenceWarning)  # always 10,000 passes

X = np.array([[1, 1], [1, 0], [0, 1], [0, 0]])
gates = {"exclusive or": [0, 1, 1, 0], "inclusive or": [1, 1, 1, 0]}

rng = np.random.RandomState(0)
coefs = [rng.randn(2, 4) / np.sqrt(2), rng.randn(4, 2) / np.sqrt(4)]
intercepts = [np.zeros(4), np.zeros(2)]

model = XORMLPClassifier(
    hidden_layer_sizes=4,
    activation="tanh",
    out_activation="softmax",
    init=(coefs, intercepts),
    alpha=0.01,
    solver="sgd",
    momentum=0,
    learning_rate_init=0.01,
    shuffle=False,
    max_iter=10_000,
    n_iter_no_change=np.inf,
)

# %%
# Losses
# ------
# ``loss_curve_[k]`` is the loss at the beginning of pass ``k``, that is, after ``k`` updates.

fitted = {}
print("steps  " + "".join(f"{gate:>14}" for gate in gates))
for gate, y in gates.items():
    fitted[gate] = clone(model).fit(X, y)
for step in range(1, 10_000, 1000):
    print(f"{step:5}  " + "".join(f"{clf.loss_curve_[step]:14.6f}" for clf in fitted.values()))

# %%
# Decision boundaries
# -------------------
# scikit-learn's `DecisionBoundaryDisplay` plots the decision boundaries. For inclusive or, one
# line separates the zeros from the ones. For exclusive or, two boundaries are needed. The right
# plot shows the losses.

BLUE, ORANGE = "#0072B2", "#E69F00"  # colorblind-safe (Okabe & Ito, 2008)
PALE = LinearSegmentedColormap.from_list("pale", ["#8CC0E0", "white", "#F5CF80"])

figure, axes = plt.subplots(1, 3, figsize=(12, 3.9), layout="constrained")
for ax, (gate, clf) in zip(axes, fitted.items(), strict=False):
    plane = DecisionBoundaryDisplay.from_estimator(
        clf, X, eps=0.5, grid_resolution=300, response_method="predict_proba",
        class_of_interest=1, plot_method="pcolormesh", shading="gouraud",
        cmap=PALE, vmin=0, vmax=1, ax=ax,
    )  # fmt: skip
    ax.contour(plane.xx0, plane.xx1, plane.response, [0.5], colors="black", linewidths=1.5)
    for label, colour, marker in [(0, BLUE, "o"), (1, ORANGE, "s")]:
        corners = X[np.equal(gates[gate], label)]
        ax.plot(*corners.T, marker, color=colour, markeredgecolor="black", markersize=11,
                label=label)  # fmt: skip
    ax.set(title=gate.capitalize(), xlabel="first input", ylabel="second input",
           xticks=[0, 1], yticks=[0, 1], aspect="equal")  # fmt: skip
axes[0].legend(title="output", loc="center", framealpha=1)
figure.colorbar(plane.surface_, ax=axes[:2], label="probability of 1")

LossCurveDisplay.from_estimator(
    fitted,
    ax=axes[2],
    curve_kwargs=[
        {"color": BLUE, "linewidth": 2},
        {"color": ORANGE, "linewidth": 2, "linestyle": "--"},
    ],
)
axes[2].set(title="Training", ylabel="loss (log scale)", yscale="log")
axes[2].grid(alpha=0.3)
plt.show()
