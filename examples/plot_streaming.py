"""
Who is speaking? Answers while he speaks
========================================

A fitted network need not wait for the end of a sequence. `initial_state` and `step` read one step
at a time, of one stream or of many, and say after each what the network makes of it so far.
"""

# %%
# Two ways to learn it
# --------------------
# One network learns from whole utterances of the Japanese vowels, with one label for each. The
# other gets the speaker as the label of *each step*, and so is asked from the first step on.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import PerStep, SequenceRNNClassifier, StepRNNClassifier
from skrnn.datasets import load_japanese_vowels

X, y = load_japanese_vowels(return_X_y=True)
X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)

whole = make_pipeline(PerStep(StandardScaler()), SequenceRNNClassifier(random_state=0))
whole.fit(X, y)
stepwise = make_pipeline(
    PerStep(StandardScaler()), StepRNNClassifier(max_iter=60, n_iter_no_change=60,
                                                 learning_rate="cosine", random_state=0)
)  # fmt: skip
stepwise.fit(X, [np.full(len(x), speaker) for x, speaker in zip(X, y, strict=True)])

# %%
# One stream
# ----------
# A step goes into the network as the network sees it: what the pipeline does before, here the
# scaling, is done by hand. The state is never changed, so that it may be kept and taken up again.

scale, network = stepwise
state = network.initial_state()
for t, x_t in enumerate(X_test[0]):
    probabilities, state = network.step(scale.transform([x_t[None]])[0], state)
    if t in (0, 1, 2, 4, 9, len(X_test[0]) - 1):
        answer = network.classes_[probabilities[0].argmax()]
        print(f"after step {t + 1:2}: speaker {answer}, probability {probabilities.max():.2f}")
print(f"in truth speaker {y_test[0]}")

# %%
# Many streams at once
# --------------------
# All 370 test utterances side by side: a row for each, one step at a time. Streams that have ended
# are fed zeros and no longer listened to.

lengths = np.array([len(x) for x in X_test])


def listen(pipeline):
    """Read all test utterances in parallel; returns probabilities (steps, streams, speakers)."""
    scale, network = pipeline
    padded = np.zeros((len(X_test), lengths.max(), X_test[0].shape[1]))
    for row, x in zip(padded, scale.transform(X_test), strict=True):
        row[: len(x)] = x
    state, answers = network.initial_state(len(X_test)), []
    for t in range(lengths.max()):
        probabilities, state = network.step(padded[:, t], state)
        answers.append(probabilities)
    return np.array(answers)


models = {"learned from whole utterances": whole, "learned at each step": stepwise}
heard = {name: listen(pipeline) for name, pipeline in models.items()}
at_end = heard["learned from whole utterances"][lengths - 1, range(len(X_test))]
print("the last answers are those of predict_proba:",
      np.allclose(at_end, whole.predict_proba(X_test)))  # fmt: skip

# %%
# Sooner or surer
# ---------------
# Stop as soon as the network is sure enough, or at the end: a higher threshold costs steps and buys
# accuracy. The network that was taught at each step is right nine times out of ten after the first
# one, where the other is lost. After a dozen steps the other is ahead, for the question it learned
# to answer is the one that is asked then.

THRESHOLDS = [0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99]


def decide(probabilities, threshold):
    """Mean number of steps heard, and accuracy, if the first sure answer counts."""
    sure = probabilities.max(axis=2) >= threshold
    sure[lengths - 1, range(len(X_test))] = True  # there is no more to come
    stops = sure.argmax(axis=0)
    answers = whole[-1].classes_[probabilities[stops, range(len(X_test))].argmax(axis=1)]
    return np.mean(stops + 1), np.mean(answers == y_test)


print("threshold  " + "  ".join(f"{name:>29}" for name in heard))
for threshold in THRESHOLDS:
    cells = ["{:4.1f} steps, {:.3f} right".format(*decide(p, threshold)) for p in heard.values()]
    print(f"{threshold:9.2f}  " + "  ".join(f"{cell:>29}" for cell in cells))

BLUE, ORANGE = "#0072B2", "#E69F00"  # told apart by everyone (Okabe & Ito, 2008)

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
looks = [("o-", BLUE), ("s--", ORANGE)]
for (name, probabilities), (style, colour) in zip(heard.items(), looks, strict=True):
    accuracy = []
    for t in range(lengths.max()):
        last = np.minimum(t, lengths - 1)  # who has ended keeps his last answer
        answers = whole[-1].classes_[probabilities[last, range(len(X_test))].argmax(axis=1)]
        accuracy.append(np.mean(answers == y_test))
    left.plot(range(1, len(accuracy) + 1), accuracy, style, color=colour, markersize=4, label=name)
    points = [decide(probabilities, threshold) for threshold in THRESHOLDS]
    right.plot(*zip(*points, strict=True), style, color=colour, label=name)
left.set(title="If all answer after so many steps", xlabel="steps heard", ylabel="accuracy")
right.set(title="If each answers when it is sure", xlabel="mean number of steps heard",
          ylabel="accuracy")  # fmt: skip
for ax in (left, right):
    ax.grid(alpha=0.3)
    ax.legend(loc="lower right")
plt.show()
