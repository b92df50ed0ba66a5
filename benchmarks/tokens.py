"""Benchmark of fits on sequences of tokens: embedding, one-hot encoding, and PyTorch."""

import warnings
from functools import partial

import numpy as np
from environment import peer
from growth import peak_memory
from report import NOT_INSTALLED, Figure, Table
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from timing import alternately, ratio_of, time_of
from torch_models import gru_classifier

from skrnn import PerStep, SequenceRNNClassifier, Sequences

N_KINDS, N_STEPS, N_TRAIN, N_TEST = 10_000, 50, 2000, 1000
UNITS, SIZE, BATCH, RATE, CLASSES = 32, 32, 40, 0.01, 3
OWN = 0.5
DENSE_SHARE = 10  # dense one-hot steps of all sequences would take 4 GB
NAMES = {
    "embedding": "skrnn, sparse steps, embedding",
    "text": "skrnn, from text, embedding",
    "sparse": "skrnn, sparse steps",
    "dense": f"skrnn, dense steps, embedding (× {DENSE_SHARE})",
    "dense, plain": f"skrnn, dense steps (× {DENSE_SHARE})",
    "torch": "PyTorch, hand-written loop",
}


def run(quick: bool = False) -> list[Table]:
    """Time fits to the same tokens in each form and with each library."""
    epochs, rounds = (2, 2) if quick else (5, 7)
    table = Table(
        f"Tokens: {N_TRAIN * N_STEPS:,} tokens of {N_KINDS:,} kinds, {epochs} epochs",
        ["what", "time", "time / skrnn", "peak memory", "test accuracy"],
        note=f"{N_TRAIN:,} sequences of {N_STEPS} tokens, a GRU of {UNITS} units, vectors of "
        f"{SIZE}, batches of {BATCH}, Adam with a constant learning rate, no penalty, no clipping, "
        f"float32. Each of {CLASSES} classes has its share of the kinds, from which {OWN:.0%} of "
        "the tokens of its sequences are drawn; the others are drawn from all kinds. 'From text' "
        "includes the encoder, `PerStep(OneHotEncoder())`, and is in float64. Peak memory is the "
        "memory allocated by the fit, in addition to the data. Dense steps are measured on a "
        f"{DENSE_SHARE}th of the sequences, and the time is multiplied by {DENSE_SHARE}; the "
        "memory is not. The memory of PyTorch is not measured. PyTorch uses one thread: on a busy "
        "machine, two take many times as long.",
    )
    fitters = make_fitters(epochs)
    samples = dict(alternately(fitters, rounds))
    for name in samples.keys() & {"dense", "dense, plain"}:
        samples[name] = samples[name] * DENSE_SHARE
    X_test, y_test = draw(N_TEST, seed=1)
    for name, title in NAMES.items():
        if name not in fitters:
            table.add(title, *[NOT_INSTALLED] * 4)
            continue
        ratio, memory, accuracy = "", "", ""
        if name != "embedding":
            at_least = 10 if name.startswith("dense") else None
            ratio = ratio_of(samples, name, "embedding", at_least=at_least)
        if name != "torch":
            at_most = 300e6 if name in ("embedding", "text") else None
            bytes_used = peak_memory(fitters[name])
            memory = Figure(bytes_used, "bytes", target=at_most, at_least=False)
        if not name.startswith("dense"):
            accuracy = Figure(float(np.mean(fitters[name]()(X_test) == y_test)))
        table.add(title, time_of(samples, name), ratio, memory, accuracy)
    return [table]


def draw(n, seed):
    """Draw sequences of tokens (n, N_STEPS), and their classes.

    The group of a kind is the remainder of its number.
    """
    rng = np.random.RandomState(seed)
    y, kinds = rng.randint(CLASSES, size=n), rng.randint(N_KINDS - CLASSES, size=(n, N_STEPS))
    of_class = kinds - kinds % CLASSES + y[:, None]
    return np.where(rng.uniform(size=kinds.shape) < OWN, of_class, kinds), y


def one_hot(kinds):
    """Encode tokens as sparse steps."""
    n_rows = kinds.size
    values = np.ones(n_rows, np.float32), kinds.ravel(), np.arange(n_rows + 1)
    return Sequences(csr_array(values, shape=(n_rows, N_KINDS)), np.full(len(kinds), N_STEPS))


def as_text(kinds):
    """Write tokens as text."""
    return [[f"token{kind}" for kind in sequence] for sequence in kinds]


def make_fitters(epochs):
    """Return functions that fit and return a function from tokens to predicted classes."""
    kinds, y = draw(N_TRAIN, seed=0)
    few, y_few = kinds[: N_TRAIN // DENSE_SHARE], y[: N_TRAIN // DENSE_SHARE]
    sparse, text, dense = one_hot(kinds), as_text(kinds), one_hot(few)
    dense = dense.with_values(dense.values.toarray())
    network = partial(
        SequenceRNNClassifier,
        UNITS,
        bidirectional=False,
        pooling="last",
        batch_size=BATCH,
        learning_rate_init=RATE,
        learning_rate="constant",
        alpha=0,
        max_grad_norm=None,
        max_iter=epochs,
        tol=0,
        random_state=0,
    )
    encoder = PerStep(OneHotEncoder(handle_unknown="ignore"))
    piped = make_pipeline(encoder, network(embedding_size=SIZE))
    fitters = {
        "embedding": partial(fit_skrnn, network(embedding_size=SIZE), sparse, y, one_hot),
        "text": partial(fit_skrnn, piped, text, y, as_text),
        "sparse": partial(fit_skrnn, network(), sparse, y, one_hot),
        "dense": partial(fit_skrnn, network(embedding_size=SIZE), dense, y_few, one_hot),
        "dense, plain": partial(fit_skrnn, network(), dense, y_few, one_hot),
    }
    if torch := peer("torch"):
        fitters["torch"] = partial(fit_torch, torch, kinds, y, epochs)
    return fitters


def fit_skrnn(estimator, X, y, encode):
    """Fit with skrnn; returns a function that encodes and predicts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(X, y)
    return lambda kinds: estimator.predict(encode(kinds))


def fit_torch(torch, kinds, y, epochs):
    """Fit with a typical PyTorch loop; the sequences have one length and need no packing."""
    torch.manual_seed(0)
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    embedding = torch.nn.Embedding(N_KINDS, SIZE)
    model = gru_classifier(torch, SIZE, UNITS, CLASSES)
    optimizer = torch.optim.Adam([*embedding.parameters(), *model.parameters()], RATE)
    x, labels = torch.from_numpy(kinds), torch.from_numpy(y)

    def scores(x):
        return model.output(model.gru(embedding(x))[1][-1])

    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(scores(x[batch]), labels[batch]).backward()
            optimizer.step()
    torch.set_num_threads(n_threads)

    def predict(kinds):
        with torch.inference_mode():
            return scores(torch.from_numpy(kinds)).argmax(dim=1).numpy()

    return predict
