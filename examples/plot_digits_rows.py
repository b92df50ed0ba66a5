"""
Digits as sequences of rows
===========================

An image of a digit has 8 rows of 8 pixels. Read from top to bottom, it is a sequence of eight steps
with eight features. scikit-learn stores the image as one flat row of 64 numbers. With
`step_features=8`, the recurrent network splits this row into steps, so the data remain a table that
other estimators can use.
"""

# %%
# Training on flat sequences
# --------------------------

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

rows = SequenceRNNClassifier(48, bidirectional=False, step_features=8, random_state=0)
rows.fit(X_train, y_train)
flat = MLPClassifier(hidden_layer_sizes=64, max_iter=500, random_state=0).fit(X_train, y_train)
print(f"recurrent network, row by row:       {rows.score(X_test, y_test):.3f}")
print(f"multi-layer perceptron, all at once: {flat.score(X_test, y_test):.3f}")

# %%
# Predictions after each row
# --------------------------
# Sequences may be shorter than those in training, so the network can predict the digit from the
# first rows only. It was trained on complete images. Its accuracy is therefore low for most of the
# sequence, and increases mainly in the last three rows. The network reads from top to bottom only
# (`bidirectional=False`), so the hidden states of a row depend on the rows above it.

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
right.set(title="Recall of each digit after each row", xlabel="rows read", ylabel="digit")
right.set_xticks(range(8), range(1, 9))
right.set_yticks(range(10))

# %%
# Hidden states for one image
# ---------------------------
# The left plot is the image. The right plot shows, for each row, the pixels, the hidden states and
# the predicted probabilities.

# A digit that is predicted incorrectly after row 5, and correctly after row 8.
late = np.flatnonzero((so_far[4] != y_test) & (so_far[7] == y_test))[0]
figure = plt.figure(figsize=(10.5, 5.5), layout="constrained")
left, right = figure.subplots(1, 2, width_ratios=[1, 2.4])
left.imshow(pictures[late], cmap="gray_r")
left.set(title=f"A {y_test[late]}", xticks=[], ylabel="row", yticks=range(8))
display = HiddenStateDisplay.from_estimator(rows, X_test[late], ax=right)
display.axes_[-1].set_xlabel("row")
plt.show()
