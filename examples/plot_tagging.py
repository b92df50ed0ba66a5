"""
Words in a text without spaces
==============================

Some languages are written without spaces, and a program has to find the words. Here the spaces are
removed from English sentences, so that the right answer is known. Each letter gets a label: `B`,
`I` or `E` for the beginning, inside or end of a word, and `S` for a word of one letter. The labels
depend on each other: `I` or `E` must follow `B`. A conditional random field (CRF) models this.
"""

# %%
# Sentences
# ---------
# The text is that of the language reference of Python, which is part of its standard library.

import re
from pydoc_data.topics import topics

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.pipeline import make_pipeline

from skrnn import CRF, Neighbors, PerStep, StepRNNClassifier
from skrnn.inspection import state_features, transition_features
from skrnn.metrics import flat_accuracy_score, sequence_accuracy_score, span_f1_score

found = {}  # each sentence once
for topic in topics.values():
    for paragraph in re.split(r"\n\s*\n", topic):
        for sentence in re.split(r"(?<=[.:;])\s+", " ".join(paragraph.split())):
            if re.fullmatch(r"[A-Za-z,'\- ]{25,120}[.:;]", sentence):
                found[tuple(re.findall("[a-z]+", sentence.lower()))] = True
sentences = list(found)
np.random.RandomState(0).shuffle(sentences)


def label(word):
    """Return the labels of the letters of a word."""
    return ["S"] if len(word) == 1 else ["B", *"I" * (len(word) - 2), "E"]


texts = ["".join(words) for words in sentences]
y = [[tag for word in words for tag in label(word)] for words in sentences]
n_train = len(texts) * 3 // 4
print(f"{len(texts)} sentences, {sum(map(len, texts))} letters, of which {n_train} train")
print(texts[0], "".join(y[0]), sep="\n")

# %%
# Features
# --------
# The features of a letter are a dictionary, as in sklearn-crfsuite: the letter itself, and perhaps
# the groups of up to four letters that begin with it. `Neighbors` adds the features of the letters
# before and after it.


def describe(text, names):
    """Return the features of each letter: the groups of letters that begin with it."""
    sizes = {name: n for n, name in enumerate(names, 1)}
    return [{name: text[t : t + n] for name, n in sizes.items()} for t in range(len(text))]


inputs = {
    "letters": [describe(text, ["letter"]) for text in texts],
    "groups": [describe(text, ["letter", "two", "three", "four"]) for text in texts],
}
print(inputs["groups"][0][0])


def encode():
    """Return a transformer from dictionaries to sparse numbers."""
    return PerStep(DictVectorizer(dtype=np.float32))


def linear(loss):
    """Return a linear model of the letters around each letter."""
    network = StepRNNClassifier(
        (), loss=loss, solver="lbfgs", alpha=0.3, max_iter=100, tol=1e-3, random_state=0
    )
    return make_pipeline(encode(), Neighbors(before=4, after=2), network)


def recurrent(loss, epochs):
    """Return a bidirectional GRU with an embedding of the features."""
    network = StepRNNClassifier(
        32,
        loss=loss,
        embedding_size=32,
        dropout=0.3,
        batch_size=16,
        learning_rate_init=0.01,
        max_iter=epochs,
        random_state=0,
    )
    return make_pipeline(encode(), network)


# %%
# Comparison
# ----------
# A word counts as found if all of its labels are right. With the CRF, labels that cannot follow
# each other are forbidden.

crf = CRF(constraints="BIOES")
models = {
    ("linear", "letters", "CRF"): linear(crf),
    ("linear", "groups", "softmax"): linear("log_loss"),
    ("linear", "groups", "CRF"): linear(crf),
    ("GRU", "letters", "CRF"): recurrent(crf, epochs=20),
    ("GRU", "groups", "softmax"): recurrent("log_loss", epochs=8),
    ("GRU", "groups", "CRF"): recurrent(crf, epochs=8),
}
print("model   features  output   accuracy  F1 of words  whole sentences")
for (name, features, output), model in models.items():
    X = inputs[features]
    model.fit(X[:n_train], y[:n_train])
    predicted = model.predict(X[n_train:])
    accuracy = flat_accuracy_score(y[n_train:], predicted)
    f1 = span_f1_score(y[n_train:], predicted, scheme="BIOES", strict=True)
    whole = sequence_accuracy_score(y[n_train:], predicted)
    print(f"{name:7} {features:9} {output:8} {accuracy:8.3f} {f1:12.3f} {whole:16.3f}")

# %%
# A sum of weights of single letters says little. The network learns from single letters which
# groups of them are words, but 31,000 letters are few for this. With groups of letters as features,
# both models are good. The CRF adds little to the accuracy of single labels. But it segments more
# sentences without any error, because its labels fit together.
#
# What the linear model has learned
# ---------------------------------
# `transition_features` and `state_features` return the weights by name. The number before a colon
# is the distance of the neighbour. Transitions that are not allowed are grey. The probabilities are
# those of the labels `B` and `S` at each letter of a sentence of the test set. Dark bars are
# letters at which a word begins.

tagger = models["linear", "groups", "CRF"]
classes = tagger.classes_.tolist()
table = np.full((len(classes), len(classes)), np.nan)
for (before, after), weight in transition_features(tagger).items():
    table[classes.index(before), classes.index(after)] = weight
largest = state_features(tagger, n=12)

figure, axes = plt.subplot_mosaic(
    [["text", "text"], ["transitions", "weights"]], figsize=(10, 6.4), layout="constrained"
)
chosen = next(i for i in range(n_train, len(texts)) if 45 <= len(texts[i]) <= 55)
(probability,) = tagger.predict_proba([inputs["groups"][chosen]])
begins = probability[:, [classes.index("B"), classes.index("S")]].sum(axis=1)
is_first = np.isin(y[chosen], ["B", "S"])
axes["text"].bar(range(len(begins)), begins, color=np.where(is_first, "#1f4e79", "#9ecae1"))
axes["text"].set_xticks(range(len(begins)), texts[chosen])
axes["text"].set(title="Probability that a word begins", xlim=(-0.7, len(begins) - 0.3))

bound = np.nanmax(np.abs(table))
image = axes["transitions"].imshow(table, cmap="RdBu_r", vmin=-bound, vmax=bound)
axes["transitions"].set_facecolor("lightgrey")
axes["transitions"].set_xticks(range(len(classes)), classes)
axes["transitions"].set_yticks(range(len(classes)), classes)
axes["transitions"].set(title="Weights of transitions", xlabel="next label", ylabel="label")
figure.colorbar(image, ax=axes["transitions"])

names = [f"{feature}, {tag}" for feature, tag in largest]
weights = list(largest.values())
colors = np.where(np.array(weights) > 0, "#b2182b", "#2166ac")
axes["weights"].barh(names[::-1], weights[::-1], color=colors[::-1])
axes["weights"].set(title="Largest weights of features")
plt.show()
