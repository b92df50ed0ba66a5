"""
Parity of a thousand bits
=========================

A small Theano network of logic gates was to be the beginning of a recurrent network that tells
whether a sequence holds an odd number of ones, and never got there. Here it is: trained on
sequences of 1 to 16 bits, right on sequences of 1,000.
"""

# %%
# Fixed length: a truth table
# ---------------------------
# With two, three or four bits parity is a truth table, which a perceptron learns by heart. It
# says nothing about a fifth bit.

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
# A recurrent network can do better: remember one thing, and change its mind at each 1. One label
# for each sequence is all it is told. The eight tanh units of an Elman network are driven into
# saturation, where a memory does not fade.

X, y = make_parity(10_000, random_state=0)
elman = SequenceRNNClassifier(
    hidden_layer_sizes=8,
    cell="rnn",
    learning_rate_init=0.02,
    batch_size=64,
    max_iter=40,
    random_state=0,
).fit(X, y)

# %%
# A gated network learns it faster, but its gates leave a little of the old state behind at each
# step, and a run of zeros longer than any in training makes it forget now and then.

gru = clone(elman).set_params(cell="gru").fit(X, y)

# And after three epochs the Elman network has not found the automaton yet.

early = clone(elman).set_params(max_iter=3).fit(X, y)

models = {"Elman": elman, "GRU": gru, "Elman, 3 epochs": early}
lengths = [1, 2, 4, 8, 16, 32, 64, 125, 250, 500, 1000]
accuracy = {name: [] for name in models}
for length in lengths:
    X_test, y_test = make_parity(500, min_length=length, max_length=length, random_state=1)
    for name, clf in models.items():
        accuracy[name].append(clf.score(X_test, y_test))
for name, values in accuracy.items():
    print(f"{name}: accuracy {values[-1]:.1%} on 500 fresh sequences of 1,000 bits")

# %%
# Accuracy, and the automaton
# ---------------------------
# On the right, the states of the Elman network while it reads 1,000 bits, in the plane where
# they spread most. A thousand steps fall on a handful of points, and none of these is even at
# one time and odd at another: the network has become an automaton.

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"  # told apart by everyone (Okabe & Ito, 2008)

bits = np.random.RandomState(3).randint(2, size=1000)
states = elman.hidden_states([bits])[0]
spread = PCA(2).fit_transform(states)
odd = np.cumsum(bits) % 2 == 1

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
left.axvspan(lengths[0], 16, color="0.92", label="lengths in training")
left.axhline(0.5, color="black", linestyle=":", label="coin flips")
looks = [("o-", BLUE), ("s--", ORANGE), ("^-.", GREEN)]
for (name, values), (style, colour) in zip(accuracy.items(), looks, strict=True):
    left.semilogx(lengths, values, style, color=colour, linewidth=2, label=name)
left.set(title="Parity of fresh sequences", xlabel="length in bits", ylabel="accuracy",
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
