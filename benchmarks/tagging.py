"""Compare taggers of words: linear chains and recurrent networks with a CRF.

``python -m benchmarks.tagging FILE.jsonl.gz`` reads the layout of ``NAME.jsonl.gz`` in
`leaderboard.folder`. The linear chains have the same features, the same penalty and the same number
of iterations of L-BFGS. The recurrent networks have the same features of the word itself, the same
width, number of epochs, batches and learning rates. All are fitted alternately, with several seeds.
"""

import argparse
import warnings
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction import DictVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder

from benchmarks.leaderboard.folder import read_words
from benchmarks.torch_models import crf_tagger
from skrnn import Neighbors, PerStep, StepRNNClassifier, as_sequences
from skrnn.metrics import flat_accuracy_score, span_f1_score

C2 = 1.0  # CRFsuite adds c2 * sum(w ** 2) to the sum of the losses, skrnn alpha / 2 * sum(w ** 2)
ITERATIONS = 100
EMBEDDING, UNITS = 64, 64
RECIPE = {"max_iter": 10, "learning_rate_init": 0.005, "dropout": 0.5, "batch_size": 32}
NETWORK = {
    "hidden_layer_sizes": UNITS,
    "embedding_size": EMBEDDING,
    "bidirectional": True,
    "learning_rate": "cosine",
    "alpha": 0,
    **RECIPE,
}
SPAN = "PROPN"


def describe(word):
    """Return the features of a word: those of the tutorial of sklearn-crfsuite."""
    return {
        "bias": 1.0,
        "word.lower": word.lower(),
        "word[-3:]": word[-3:],
        "word[-2:]": word[-2:],
        "word.isupper": word.isupper(),
        "word.istitle": word.istitle(),
        "word.isdigit": word.isdigit(),
    }


def span_f1(true, predicted):
    """Return the F1 score of the runs of the tag SPAN, of which all steps must be right."""
    return span_f1_score([mark_spans(tags) for tags in true], [mark_spans(t) for t in predicted])


def mark_spans(tags):
    """Return BIO labels of the runs of the tag SPAN."""
    before = [None, *tags[:-1]]
    prefixes = ["I" if tag == last else "B" for tag, last in zip(tags, before, strict=True)]
    return [f"{p}-{tag}" if tag == SPAN else "O" for p, tag in zip(prefixes, tags, strict=True)]


def crfsuite(seed, **options):
    """Return the linear chain of sklearn-crfsuite, which has no seed."""
    CRF = import_module("sklearn_crfsuite").CRF
    chain = CRF(
        "lbfgs",
        c1=0,
        c2=C2,
        max_iterations=ITERATIONS,
        epsilon=0,
        delta=0,
        all_possible_transitions=True,
        **options,
    )
    return make_pipeline(Neighbors(), chain)


def linear(seed, encoder_first=False):
    """Return the linear chain here; the encoder comes after the neighbours, or before."""
    chain = StepRNNClassifier(
        (), loss="crf", solver="lbfgs", alpha=2 * C2, max_iter=ITERATIONS, tol=0, random_state=seed
    )
    before = Neighbors(), PerStep(DictVectorizer(dtype=np.float32))
    return make_pipeline(*before[:: -1 if encoder_first else 1], chain)


def network(seed, loss="crf"):
    """Return a recurrent network here."""
    rnn = StepRNNClassifier(loss=loss, random_state=seed, **NETWORK)
    return make_pipeline(PerStep(DictVectorizer(dtype=np.float32)), rnn)


def torch_network(seed):
    """Return the same network with a CRF in PyTorch."""
    return make_pipeline(PerStep(DictVectorizer(dtype=np.float32)), TorchTagger(seed))


class TorchTagger(BaseEstimator):
    """A GRU with a CRF in PyTorch, trained with the recipe of the networks here."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        """Train the network."""
        torch = import_module("torch")
        torch.manual_seed(self.random_state)
        torch.set_num_threads(1)  # on a busy machine, more threads take longer
        X = as_sequences(X)
        self.encoder_ = LabelEncoder().fit(np.concatenate(y))
        labels = [torch.from_numpy(self.encoder_.transform(tags)) for tags in y]
        n_classes = len(self.encoder_.classes_)
        sizes = X.n_features, EMBEDDING, UNITS, n_classes, RECIPE["dropout"]
        self.model_ = crf_tagger(torch, *sizes)
        optimizer = torch.optim.Adam(self.model_.parameters(), RECIPE["learning_rate_init"])
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, RECIPE["max_iter"])
        self.model_.train()
        for _ in range(RECIPE["max_iter"]):
            for batch in torch.randperm(len(X)).split(RECIPE["batch_size"]):
                optimizer.zero_grad()
                sequences, of_batch = X[batch.numpy()], [labels[i] for i in batch]
                lengths = torch.from_numpy(sequences.lengths)
                padded = torch.nn.utils.rnn.pad_sequence(of_batch, batch_first=True)
                emissions = self.model_(sequences.values, lengths)
                self.model_.loss(emissions, padded, lengths).backward()
                torch.nn.utils.clip_grad_norm_(self.model_.parameters(), 5.0)
                optimizer.step()
            schedule.step()
        self.model_.eval()
        return self

    def predict(self, X):
        """Return the most likely path of each sequence."""
        torch = import_module("torch")
        X = as_sequences(X)
        lengths = torch.from_numpy(X.lengths)
        with torch.inference_mode():
            paths = self.model_.decode(self.model_(X.values, lengths), lengths)
        return [self.encoder_.inverse_transform(path) for path in paths]


METHODS = {
    "CRFsuite, linear chain": crfsuite,
    "CRFsuite, linear chain, all states": partial(crfsuite, all_possible_states=True),
    "skrnn, linear chain": linear,
    "skrnn, linear chain, encoder first": partial(linear, encoder_first=True),
    "skrnn, GRU, softmax": partial(network, loss="log_loss"),
    "skrnn, GRU, CRF": network,
    "PyTorch, GRU, CRF": torch_network,
}
NEEDS = {"CRFsuite": "sklearn_crfsuite", "PyTorch": "torch"}


def main() -> None:
    """Fit all methods alternately, and print a table."""
    parser = argparse.ArgumentParser(description="Compare taggers of words.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sentences", type=int, help="train with the first sentences only")
    options = parser.parse_args()
    data = read_words(options.file, options.file.name)
    n = options.sentences or len(data.X)
    parts = data.X[:n], data.X_test
    X, X_test = ([[describe(word) for word in words] for words in part] for part in parts)
    y, y_test = data.y[:n], data.y_test
    missing = {library for library, name in NEEDS.items() if not find_spec(name)}
    methods = {name: make for name, make in METHODS.items() if name.split(",")[0] not in missing}
    results = {name: [] for name in methods}
    for seed in range(options.seeds):
        for name, make in methods.items():
            start = perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model = make(seed).fit(X, y)
            fitted = perf_counter()
            predicted = [list(tags) for tags in model.predict(X_test)]
            seconds = fitted - start, perf_counter() - fitted
            scores = flat_accuracy_score(y_test, predicted), span_f1(y_test, predicted)
            results[name].append([*scores, *seconds])
            print(f"seed {seed}  {name}: " + "  ".join(f"{v:.4f}" for v in results[name][-1]))
    print(f"\n| method | accuracy | F1 of spans of {SPAN} | fit (s) | predict (s) |")
    print("|---|---|---|---|---|")
    for name in methods:
        accuracy, f1, fit, predict = np.transpose(results[name])
        scores = " | ".join(f"{np.mean(v):.4f} ± {np.std(v):.4f}" for v in (accuracy, f1))
        print(f"| {name} | {scores} | {np.median(fit):.1f} | {np.median(predict):.2f} |")


if __name__ == "__main__":
    main()
