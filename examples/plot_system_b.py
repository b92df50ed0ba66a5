"""
Exclusive or with a gradient check and an animation
===================================================

This example reproduces a hand-written network of two logistic units, whose gradients were checked
against automatic differentiation. The author first set the weights of a solution by hand, then
trained random weights for 140 epochs and created an animation of the output of the network. The
losses here are equal to ten digits or more.
"""

# %%
# Weights set by hand
# -------------------
# Two ReLU units count the ones in the input. The first unit is the number of ones. The second unit
# is this number minus one, but at least zero. The output is the first unit minus twice the second,
# which is exclusive or. `predict` and `decision_function` use the fitted attributes `coefs_` and
# `intercepts_`, which can be set.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from sklearn.base import clone
from sklearn.inspection import DecisionBoundaryDisplay

from skrnn import XORMLPClassifier
from skrnn.datasets import make_xor
from skrnn.inspection import LossCurveDisplay, training_animation

X, y = make_xor()
by_hand = XORMLPClassifier(hidden_layer_sizes=2).fit(X, y)
by_hand.coefs_ = [np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[1.0], [-2.0]])]
by_hand.intercepts_ = [np.array([0.0, -1.0]), np.array([0.0])]
print("outputs of the network set by hand:", by_hand.decision_function(X))

# %%
# Initial weights
# ---------------
# The loss of the original program is the sum over the four samples. In skrnn it is the mean, so a
# learning rate of 1 in the original corresponds to 4 here.

rng = np.random.RandomState(0)
coefs, intercepts = [], []
for n_in, n_out in [(2, 2), (2, 1)]:
    coefs.append(rng.randn(n_out, n_in).T)
    intercepts.append(rng.randn(n_out, 1)[:, 0])

RATE = 4
model = XORMLPClassifier(
    hidden_layer_sizes=2,
    activation="logistic",
    init=(coefs, intercepts),
    alpha=0,
    solver="sgd",
    momentum=0,
    learning_rate_init=RATE,
    shuffle=False,
    n_iter_no_change=np.inf,
)

# %%
# Gradient check
# --------------
# The gradient is computed from one update of gradient descent: it is the decrease of the weights,
# divided by the learning rate. Finite differences of the loss agree to ten digits at best, because
# they subtract nearly equal numbers. The complex step, ``Im f(w + ih) / h``, does not subtract, and
# agrees up to the last one or two digits.


def loss(weights):
    """Mean cross-entropy of the network with the given weights, which may be complex."""
    probe.coefs_, probe.intercepts_ = weights[:2], weights[2:]
    scores = probe.decision_function(X)
    return np.mean(np.log1p(np.exp(scores)) - y * scores)


def moved(i, index, by):
    """Copy the initial weights and add `by` to one of them."""
    weights = [w.astype(np.result_type(w, by)) for w in (*coefs, *intercepts)]
    weights[i][index] += by
    return weights


probe = clone(model).partial_fit(X, y, classes=[0, 1])
after = [*probe.coefs_, *probe.intercepts_]
gradient, difference, complex_step = [], [], []
for i, before in enumerate((*coefs, *intercepts)):
    for index in np.ndindex(before.shape):
        gradient.append((before[index] - after[i][index]) / RATE)
        difference.append((loss(moved(i, index, 1e-6)) - loss(moved(i, index, -1e-6))) / 2e-6)
        complex_step.append(loss(moved(i, index, 1e-30j)).imag / 1e-30)

for name, other in [("finite differences", difference), ("the complex step", complex_step)]:
    print(f"largest error of {name}: {np.abs(np.subtract(other, gradient)).max():.0e}")

# %%
# Animation of the training
# -------------------------
# `training_animation` trains a copy of the network and writes a GIF. It shows the output of the
# network over the plane, the iteration and the loss, which is the mean over the four samples.

EPOCHS = 140
path = Path(tempfile.gettempdir()) / "xor_training.gif"
film = training_animation(model, X, y, path, n_iter=EPOCHS, max_frames=40)
film

# %%
# Losses
# ------
# The result of `training_animation` contains the trained network and the loss of every epoch.
# Multiplied by four, these are the sums that the original program prints.

losses = np.multiply(film.estimator.loss_curve_, len(X))
for epoch in range(0, EPOCHS, 20):
    print(f"epoch {epoch:3}: loss {losses[epoch]:.16f}")

BLUE, ORANGE = "#0072B2", "#E69F00"  # colorblind-safe (Okabe & Ito, 2008)
PALE = LinearSegmentedColormap.from_list("pale", ["#8CC0E0", "white", "#F5CF80"])

figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.2), layout="constrained")
plane = DecisionBoundaryDisplay.from_estimator(
    film.estimator, X, eps=0.5, grid_resolution=300, response_method="predict_proba",
    class_of_interest=1, plot_method="pcolormesh", shading="gouraud",
    cmap=PALE, vmin=0, vmax=1, ax=left,
)  # fmt: skip
left.contour(plane.xx0, plane.xx1, plane.response, [0.5], colors="black", linewidths=1.5)
for label, colour, marker in [(0, BLUE, "o"), (1, ORANGE, "s")]:
    left.plot(*X[y == label].T, marker, color=colour, markeredgecolor="black", markersize=11,
              label=label)  # fmt: skip
left.set(title=f"After {EPOCHS} epochs", xlabel="first input", ylabel="second input",
         xticks=[0, 1], yticks=[0, 1])  # fmt: skip
left.legend(title="a xor b", loc="center", framealpha=1)
figure.colorbar(plane.surface_, ax=left, label="probability of 1")
LossCurveDisplay.from_estimator(
    film.estimator, ax=right, curve_kwargs={"color": BLUE, "linewidth": 2}
)
right.set(title="Training", ylabel="mean cross-entropy", ylim=(0, None))
right.grid(alpha=0.3)
plt.show()
