"""
Exclusive or, with checked gradients and a film of the training
===============================================================

A network of two logistic units, written by hand and checked against automatic differentiation.
Its author first set the weights of a solution by hand, then trained random ones for 140
epochs, and made an animation of what the network says of the plane meanwhile. Here the
losses are the same to ten digits or more.
"""

# %%
# A solution by hand
# ------------------
# Two ReLU units count the ones: the first gives their number, the second how many there are
# beyond the first. The output, the first less twice the second, is exclusive or. The fitted
# attributes `coefs_` and `intercepts_` may be set; `predict` and `decision_function` read them.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.colors import LinearSegmentedColormap
from sklearn.base import clone

from skrnn import XORMLPClassifier
from skrnn.datasets import make_xor

X, y = make_xor()
by_hand = XORMLPClassifier(hidden_layer_sizes=2).fit(X, y)
by_hand.coefs_ = [np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[1.0], [-2.0]])]
by_hand.intercepts_ = [np.array([0.0, -1.0]), np.array([0.0])]
print("outputs of the network set by hand:", by_hand.decision_function(X))

# %%
# The weights to start from
# -------------------------
# The loss of the original is a sum over the four samples where ours is their mean, so its rate
# of 1 is ours of 4.

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
# Is the gradient right?
# ----------------------
# One step of gradient descent shows the gradient: it is what the weights lost, divided by the
# rate. Finite differences of the loss agree to ten digits at best, since they subtract nearly
# equal numbers. The complex step, ``Im f(w + ih) / h``, subtracts nothing and agrees to the
# last digit or two.


def loss(weights):
    """Mean cross-entropy of the network with the given weights, which may be complex."""
    probe.coefs_, probe.intercepts_ = weights[:2], weights[2:]
    scores = probe.decision_function(X)
    return np.mean(np.log1p(np.exp(scores)) - y * scores)


def moved(i, index, by):
    """Copy the initial weights, with one of them moved."""
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
# Training
# --------
# `partial_fit` makes one pass and remembers the losses; after every fourth we keep what the
# network says of the plane.

EPOCHS, BETWEEN_FRAMES = 140, 4
axis = np.linspace(-0.5, 1.5, 81)
plane = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)

clf = clone(model)
surfaces = {}
for epoch in range(1, EPOCHS + 2):  # one more, as a pass tells the loss it begins with
    clf.partial_fit(X, y, classes=[0, 1])
    if epoch % BETWEEN_FRAMES == 0:
        surfaces[epoch] = clf.predict_proba(plane)[:, 1].reshape(81, 81)
losses = np.multiply(clf.loss_curve_, len(X))  # their sum again
for epoch in range(0, EPOCHS, 20):
    print(f"epoch {epoch:3}: loss {losses[epoch]:.16f}")

# %%
# The film
# --------
# Each frame is titled with its iteration and loss. The animation is saved as a GIF by Pillow.

BLUE, ORANGE = "#0072B2", "#E69F00"  # told apart by everyone (Okabe & Ito, 2008)
PALE = LinearSegmentedColormap.from_list("pale", ["#8CC0E0", "white", "#F5CF80"])

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
image = left.imshow(surfaces[EPOCHS], cmap=PALE, vmin=0, vmax=1, origin="lower",
                    extent=(-0.5, 1.5, -0.5, 1.5), interpolation="bilinear")  # fmt: skip
for label, colour, marker in [(0, BLUE, "o"), (1, ORANGE, "s")]:
    left.plot(*X[y == label].T, marker, color=colour, markeredgecolor="black", markersize=11,
              label=label)  # fmt: skip
left.set(xlabel="first input", ylabel="second input", xticks=[0, 1], yticks=[0, 1])
left.legend(title="a xor b", loc="center", framealpha=1)
figure.colorbar(image, ax=left, label="probability of 1")
right.plot(losses, color=BLUE, linewidth=2)
(now,) = right.plot([], [], "o", color=ORANGE, markeredgecolor="black", markersize=9)
right.set(title="Training", xlabel="iteration", ylabel="cross-entropy, summed", ylim=(0, None))
right.grid(alpha=0.3)


def draw(epoch):
    """Show the network as it was after so many epochs."""
    image.set_data(surfaces[epoch])
    for drawn in list(left.collections):
        drawn.remove()
    left.contour(axis, axis, surfaces[epoch], [0.5], colors="black", linewidths=1.5)
    now.set_data([epoch], [losses[epoch]])
    left.set_title(f"Iteration {epoch}, loss {losses[epoch]:.3f}")


draw(EPOCHS)
figure.canvas.draw()
figure.set_layout_engine("none")  # the layout is found; it must not tremble from frame to frame

path = Path(tempfile.gettempdir()) / "xor_training.gif"
writer = PillowWriter(fps=8)
with writer.saving(figure, path, dpi=90):
    for epoch in surfaces:
        draw(epoch)
        writer.grab_frame()
print("saved as", path)
plt.show()
