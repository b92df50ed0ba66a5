"""
Parity of long sequences
========================

The task is to predict whether a sequence contains an odd number of ones. The author of a small
Theano network for logic gates planned such a recurrent network but did not publish one. Here the
network is trained on sequences of 1 to 16 bits, and predicts sequences of 1,000 bits correctly.
"""

# %%
# Fixed length: a truth table
# ---------------------------
# For two, three or four bits, parity is a truth table, which a multi-layer perceptron can memorize.
# Such a network cannot be applied to a different number of bits.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning

from skrnn import SequenceRNNClassifier, XORMLPClassifier
from skrnn.datasets import make_gate, make_parity

warnings.filterwarnings("ignore", category=ConvergenceWarning)  # one network is stopped early

for n_bits in (2, 3, 4):
    X, y = make_gate("xor", n_inputs=n_bits)
    right = [XORMLPClassifier(random_state=seed).fit(X, y).score(X, y) == 1 for seed in range(20)]
    print(f"{n_bits} bits: all {len(X)} rows right with {sum(right)} of 20 seeds")

# %%
# Any length: an automaton
# ------------------------
# A recurrent network can store one bit, and invert it at each 1 in the input. It is trained with
# one label per sequence. After training, the eight tanh units of an Elman network are saturated,
# so the stored bit does not decay.

X, y = make_parity(10_000, random_state=0)
elman = SequenceRNNClassifier(
    hidden_layer_sizes=8,
    cell="rnn",
    dropout=0,
    bidirectional=False,
    pooling="last",
    learning_rate_init=0.02,
    batch_size=64,
    max_iter=40,
    random_state=0,
).fit(X, y)

# %%
# A GRU learns the task faster. However, its gates change the hidden state a little at each step, so
# it sometimes fails after a run of zeros that is longer than any in the training data.

gru = clone(elman).set_params(cell="gru").fit(X, y)

# After only three epochs, the Elman network has not learned the automaton yet.

early = clone(elman).set_params(max_iter=3).fit(X, y)

models = {"Elman": elman, "GRU": gru, "Elman, 3 epochs": early}
lengths = [1, 2, 4, 8, 16, 32, 64, 125, 250, 500, 1000]
accuracy = {name: [] for name in models}
for length in lengths:
    X_test, y_test = make_parity(500, min_length=length, max_length=length, random_state=1)
    for name, clf in models.items():
        accuracy[name].append(clf.score(X_test, y_test))
for name, values in accuracy.items():
    print(f"{name}: accuracy {values[-1]:.1%} on 500 new sequences of 1,000 bits")

# %%
# Accuracy and hidden states
# --------------------------
# The right plot shows the hidden states of the Elman network for a sequence of 1,000 bits,
# projected on the first two principal components. The states form a few clusters. Each cluster
# corresponds either to an even or to an odd number of ones: the network behaves like a finite
# automaton.

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"  # colorblind-safe (Okabe & Ito, 2008)

bits = np.random.RandomState(3).randint(2, size=1000)
states = elman.hidden_states([bits])[0]
spread = PCA(2).fit_transform(states)
odd = np.cumsum(bits) % 2 == 1

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
left.axvspan(lengths[0], 16, color="0.92", label="lengths in training")
left.axhline(0.5, color="black", linestyle=":", label="chance level")
looks = [("o-", BLUE), ("s--", ORANGE), ("^-.", GREEN)]
for (name, values), (style, colour) in zip(accuracy.items(), looks, strict=True):
    left.semilogx(lengths, values, style, color=colour, linewidth=2, label=name)
left.set(title="Accuracy on new sequences", xlabel="length in bits", ylabel="accuracy",
         ylim=(0.4, 1.04), xlim=(1, 1100))  # fmt: skip
left.set_xticks([1, 4, 16, 64, 250, 1000], [1, 4, 16, 64, 250, 1000])
left.minorticks_off()
left.legend(loc="center right", bbox_to_anchor=(1, 0.6))

for label, chosen, colour, marker in [("even", ~odd, BLUE, "o"), ("odd", odd, ORANGE, "s")]:
    right.plot(*spread[chosen].T, marker, color=colour, markeredgecolor="black",
               markeredgewidth=0.5, markersize=7, alpha=0.8, label=label)  # fmt: skip
right.set(title="Hidden states over 1,000 bits", xlabel="first principal component",
          ylabel="second principal component")  # fmt: skip
right.grid(alpha=0.3)
right.legend(title="ones so far")
plt.show()
