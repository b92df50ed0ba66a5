"""
Three ways to descend: by sample, by batch, by sequence
=======================================================

Two handcrafted NumPy networks of three logistic units, both trained on the squared error for
10,000 epochs: a perceptron that learns exclusive or, with an update after each sample or after
all four, and a recurrent network that learns to say the third bit of a sequence from the first two.
Their author plotted the error of each way.
"""

# %%
# Exclusive or, by sample and by batch
# ------------------------------------
# Weights and biases are uniform between -1 and 1. The batch variant sums the gradients of the
# four samples where ours is their mean, so its rate of 0.1 is ours of 0.4. With `warm_start`
# training goes on where it stopped, here every 1,000 epochs to look at the outputs.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrnn import SGD, StepRNNClassifier, XORMLPClassifier
from skrnn.datasets import make_nor_next, make_xor

warnings.filterwarnings("ignore", category=ConvergenceWarning)  # 10,000 epochs, come what may


def make_mlp(rate, batch_size, seed):
    """Make the perceptron, with weights of its author's kind."""
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
# The third bit
# -------------
# The third bit is 1 only after two zeros. The network reads bits one and two, and answers each
# with the bit to come. Of the second bit nothing can be known from the first, so the best
# answer is one half, and the error cannot fall below 1/16 on the mean. The gradient looks
# back one step only; a rate of 0.1 for the sum over two steps is one of 0.2 for their mean.
# `partial_fit` makes one pass over what it is given: fifty copies are fifty epochs, in random
# order.

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
# The errors
# ----------
# Over 20 seeds, the perceptron gets all rows right with 19 by sample and with 20 by batch, and
# the recurrent network every third bit with 20. The default estimators do so with all 20.

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"  # told apart by everyone (Okabe & Ito, 2008)

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
axes[2].annotate("the second bit is a coin flip", (9800, 1 / 16), (0, -5), va="top", ha="right",
                 textcoords="offset points")  # fmt: skip
plt.show()
