"""
Updates by sample, by batch and by sequence
===========================================

This example reproduces two hand-written NumPy networks with three logistic units, trained on the
squared error for 10,000 epochs. The first is a perceptron that learns exclusive or, with an update
after each sample or after all four samples. The second is a recurrent network that predicts the
third bit of a sequence from the first two. The original program plots the errors.
"""

# %%
# Exclusive or, by sample and by batch
# ------------------------------------
# The initial weights and biases are uniform between -1 and 1. The original batch variant uses the
# sum of the gradients of the four samples. In skrnn it is the mean, so a learning rate of 0.1 in
# the original corresponds to 0.4 here. With `warm_start`, training continues after each 1,000
# epochs, when the outputs are printed.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrnn import SGD, StepRNNClassifier, XORMLPClassifier
from skrnn.datasets import make_nor_next, make_xor

warnings.filterwarnings("ignore", category=ConvergenceWarning)  # always 10,000 epochs


def make_mlp(rate, batch_size, seed):
    """Return the perceptron, with initial weights as in the original program."""
    rng = np.random.RandomState(seed)
    shapes = [(2, 3), (3, 1)]
    coefs = [rng.uniform(-1, 1, shape) for shape in shapes]
    intercepts = [rng.uniform(-1, 1, n_out) for _, n_out in shapes]
    return XORMLPClassifier(
        hidden_layer_sizes=3,
        activation="logistic",
        loss="squared_error",
        init=(coefs, intercepts),
        alpha=0,
        solver="sgd",
        momentum=0,
        learning_rate_init=rate,
        batch_size=batch_size,
        shuffle=False,
        max_iter=1000,
        n_iter_no_change=np.inf,
        warm_start=True,
    )


X, y = make_xor()
mlps = {
    "after each sample": make_mlp(0.1, batch_size=1, seed=1),
    "after all four": make_mlp(0.4, batch_size=4, seed=1),
}
for name, clf in mlps.items():
    print(f"Updates {name}: outputs for 00, 01, 10, 11")
    for epochs in range(1000, 10_001, 1000):
        outputs = clf.fit(X, y).predict_proba(X)[:, 1]
        print(f"  epoch {epochs:6}:", *[f"{p:.3f}" for p in outputs])

# %%
# Third bit
# ---------
# The third bit is 1 only after two zeros. After each of the first two bits, the network predicts
# the next bit. The second bit is independent of the first, so the best prediction is one half, and
# the mean error cannot be less than 1/16. The gradient is truncated to one step. A learning rate
# of 0.1 for the sum over two steps corresponds to 0.2 for their mean. `partial_fit` makes one pass
# over the given data: fifty copies of the data are equivalent to fifty epochs, in random order.

sequences, targets = make_nor_next()
rng = np.random.RandomState(1)
rnn = StepRNNClassifier(
    hidden_layer_sizes=3,
    cell="rnn",
    activation="logistic",
    loss="squared_error",
    init={
        "recurrent_0": {
            "W": rng.uniform(-1, 1, (1, 1, 3)),
            "U": rng.uniform(-1, 1, (1, 3, 3)),
            "b": rng.uniform(-1, 1, (1, 3)),
        },
        "output": {"W": rng.uniform(-1, 1, (3, 1)), "b": rng.uniform(-1, 1, 1)},
    },
    bptt_steps=1,
    alpha=0,
    solver=SGD(momentum=0),
    learning_rate_init=0.2,
    batch_size=1,
    max_grad_norm=None,
    random_state=0,
)
print("Updates after each sequence: third bit after 00, 11, 10, 01")
COPIES = 50
for epochs in range(COPIES, 10_001, COPIES):
    rnn.partial_fit([*sequences] * COPIES, [*targets] * COPIES, classes=[0, 1])
    if epochs % 1000:
        continue
    outputs = [p[-1, 1] for p in rnn.predict_proba(sequences)]
    print(f"  epoch {epochs:6}:", *[f"{p:.3f}" for p in outputs])

# %%
# Errors
# ------
# With 20 different seeds, the perceptron predicts all rows correctly for 19 seeds if it is updated
# by sample, and for 20 seeds if it is updated by batch. The recurrent network predicts every third
# bit correctly for 20 seeds. The default estimators succeed for all 20 seeds.

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"  # colorblind-safe (Okabe & Ito, 2008)

figure, axes = plt.subplots(1, 3, figsize=(12, 3.9), sharex=True, sharey=True, layout="constrained")
curves = [
    ("Exclusive or, by sample", mlps["after each sample"].loss_curve_, BLUE),
    ("Exclusive or, by batch", mlps["after all four"].loss_curve_, ORANGE),
    ("Third bit, by sequence", rnn.loss_curve_, GREEN),
]
for ax, (title, losses, colour) in zip(axes, curves, strict=True):
    ax.plot(np.linspace(0, 10_000, len(losses)), losses, color=colour, linewidth=2)
    ax.set(title=title, xlabel="epoch", ylim=(0, None), xticks=[0, 5000, 10_000])
    ax.grid(alpha=0.3)
axes[0].set_ylabel("mean of half the squared error")
axes[2].axhline(1 / 16, color="black", linestyle=":")
axes[2].annotate("the second bit is random", (9800, 1 / 16), (0, -5), va="top", ha="right",
                 textcoords="offset points")  # fmt: skip
plt.show()
