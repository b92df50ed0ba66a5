"""
Streaming predictions
=====================

A fitted network can predict before the end of a sequence. `initial_state` and `step` process one
step at a time, for one stream or many, and return a prediction after each step.
"""

# %%
# Two training targets
# --------------------
# The first network is trained on whole utterances of the Japanese vowels, with one label per
# utterance. It reads forwards only, because streams need it. The second network is trained with the
# speaker as the label of *each step*, so it learns to predict from the first step on. It reads
# forwards only by default.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import PerStep, SequenceRNNClassifier, StepRNNClassifier
from skrnn.datasets import load_japanese_vowels

X, y = load_japanese_vowels(return_X_y=True)
X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)

whole = make_pipeline(
    PerStep(StandardScaler()), SequenceRNNClassifier(bidirectional=False, random_state=0)
)
whole.fit(X, y)
stepwise = make_pipeline(PerStep(StandardScaler()), StepRNNClassifier(random_state=0))
stepwise.fit(X, [np.full(len(x), speaker) for x, speaker in zip(X, y, strict=True)])

# %%
# One stream
# ----------
# `step` expects the input of the network. The earlier steps of the pipeline, here the scaler, must
# be applied separately. `step` does not modify its state argument, so a state can be stored and
# used again.

scale, network = stepwise
state = network.initial_state()
for t, x_t in enumerate(X_test[0]):
    probabilities, state = network.step(scale.transform([x_t[None]])[0], state)
    if t in (0, 1, 2, 4, 9, len(X_test[0]) - 1):
        answer = network.classes_[probabilities[0].argmax()]
        print(f"after step {t + 1:2}: speaker {answer}, probability {probabilities.max():.2f}")
print(f"true speaker: {y_test[0]}")

# %%
# Many streams in parallel
# ------------------------
# All 370 test utterances are processed in parallel, one row per utterance. Streams that have ended
# get zeros as input, and their predictions are ignored.

lengths = np.array([len(x) for x in X_test])


def listen(pipeline):
    """Process all test utterances; returns probabilities (steps, streams, speakers)."""
    scale, network = pipeline
    padded = np.zeros((len(X_test), lengths.max(), X_test[0].shape[1]))
    for row, x in zip(padded, scale.transform(X_test), strict=True):
        row[: len(x)] = x
    state, answers = network.initial_state(len(X_test)), []
    for t in range(lengths.max()):
        probabilities, state = network.step(padded[:, t], state)
        answers.append(probabilities)
    return np.array(answers)


models = {"trained on whole utterances": whole, "trained on each step": stepwise}
heard = {name: listen(pipeline) for name, pipeline in models.items()}
at_end = heard["trained on whole utterances"][lengths - 1, range(len(X_test))]
print("the last predictions are those of predict_proba:",
      np.allclose(at_end, whole.predict_proba(X_test)))  # fmt: skip

# %%
# Early decisions
# ---------------
# A decision can be made as soon as the largest probability reaches a threshold, or at the end of
# the sequence. A higher threshold needs more steps and gives a higher accuracy. The network
# trained on each step predicts nine out of ten speakers correctly after the first step, while the
# other network has a low accuracy there. After a dozen steps, the network trained on whole
# utterances is better, because it was trained for predictions at the end of the sequence.

THRESHOLDS = [0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99]


def decide(probabilities, threshold):
    """Return the mean number of steps before the decision, and the accuracy."""
    sure = probabilities.max(axis=2) >= threshold
    sure[lengths - 1, range(len(X_test))] = True  # the last step always decides
    stops = sure.argmax(axis=0)
    answers = whole[-1].classes_[probabilities[stops, range(len(X_test))].argmax(axis=1)]
    return np.mean(stops + 1), np.mean(answers == y_test)


print("threshold  " + "  ".join(f"{name:>29}" for name in heard))
for threshold in THRESHOLDS:
    cells = ["{:4.1f} steps, {:.3f} right".format(*decide(p, threshold)) for p in heard.values()]
    print(f"{threshold:9.2f}  " + "  ".join(f"{cell:>29}" for cell in cells))

BLUE, ORANGE = "#0072B2", "#E69F00"  # colorblind-safe (Okabe & Ito, 2008)

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
looks = [("o-", BLUE), ("s--", ORANGE)]
for (name, probabilities), (style, colour) in zip(heard.items(), looks, strict=True):
    accuracy = []
    for t in range(lengths.max()):
        last = np.minimum(t, lengths - 1)  # streams that have ended keep the last prediction
        answers = whole[-1].classes_[probabilities[last, range(len(X_test))].argmax(axis=1)]
        accuracy.append(np.mean(answers == y_test))
    left.plot(range(1, len(accuracy) + 1), accuracy, style, color=colour, markersize=4, label=name)
    points = [decide(probabilities, threshold) for threshold in THRESHOLDS]
    right.plot(*zip(*points, strict=True), style, color=colour, label=name)
left.set(title="Decision after a fixed number of steps", xlabel="steps", ylabel="accuracy")
right.set(title="Decision at a threshold", xlabel="mean number of steps",
          ylabel="accuracy")  # fmt: skip
for ax in (left, right):
    ax.grid(alpha=0.3)
    ax.legend(loc="lower right")
plt.show()
