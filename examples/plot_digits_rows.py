"""
Digits, read row by row
=======================

A picture of a digit is 8 rows of 8 pixels. Read from top to bottom it is a sequence: eight
steps of eight features. scikit-learn keeps it as one flat row of 64 numbers, and `step_features=8`
says how to cut it, so that everything that wants a table still gets one.
"""

# %%
# A table of sequences
# --------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skrnn import SequenceRNNClassifier
from skrnn.inspection import HiddenStateDisplay, LossCurveDisplay

digits = load_digits()
X_train, X_test, y_train, y_test = train_test_split(
    digits.data / 16, digits.target, test_size=0.3, stratify=digits.target, random_state=0
)

rows = SequenceRNNClassifier(
    hidden_layer_sizes=48, step_features=8, max_iter=30, n_iter_no_change=30,
    learning_rate="cosine", random_state=0,
).fit(X_train, y_train)  # fmt: skip
flat = MLPClassifier(hidden_layer_sizes=64, max_iter=500, random_state=0).fit(X_train, y_train)
print(f"recurrent network, row by row:       {rows.score(X_test, y_test):.3f}")
print(f"multi-layer perceptron, all at once: {flat.score(X_test, y_test):.3f}")

# %%
# What it thinks meanwhile
# ------------------------
# After each row we may ask what the digit would be if the picture ended there, since sequences may
# be shorter than those of training. The network was never asked before the last row, and has no
# answer ready much earlier: it collects first, and decides on the last two rows.

pictures = X_test.reshape(-1, 8, 8)
so_far = np.array([rows.predict(pictures[:, :n]) for n in range(1, 9)])  # (rows read, pictures)
share = np.array([[np.mean(s[y_test == d] == d) for s in so_far] for d in range(10)])
for n in range(8):
    print(f"after row {n + 1}: {np.mean(so_far[n] == y_test):.3f} right")

BLUE = "#0072B2"

figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
LossCurveDisplay.from_estimator(
    {"row by row": rows, "perceptron": flat}, ax=left, curve_kwargs={"linewidth": 2}
)
left.set(title="Training", ylabel="mean loss (log scale)", yscale="log")
left.grid(alpha=0.3)
image = right.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
for (digit, n), value in np.ndenumerate(share):
    right.text(n, digit, f"{value:.0%}", ha="center", va="center", fontsize=8,
               color="white" if value > 0.6 else "black")  # fmt: skip
right.set(title="Recognised after so many rows", xlabel="rows read", ylabel="digit")
right.set_xticks(range(8), range(1, 9))
right.set_yticks(range(10))

# %%
# One picture
# -----------
# From left to right the rows from top to bottom: their pixels, the hidden units after each, and
# what the network would answer.

late = np.flatnonzero((so_far[4] != y_test) & (so_far[7] == y_test))[0]  # changed its mind
figure = plt.figure(figsize=(10.5, 5.5), layout="constrained")
left, right = figure.subplots(1, 2, width_ratios=[1, 2.4])
left.imshow(pictures[late], cmap="gray_r")
left.set(title=f"A {y_test[late]}", xticks=[], ylabel="row", yticks=range(8))
display = HiddenStateDisplay.from_estimator(rows, X_test[late], ax=right)
display.axes_[-1].set_xlabel("row")
plt.show()
