"""Methods of optional packages as estimators: of aeon, of sklearn-crfsuite, and in PyTorch."""

from collections import Counter
from importlib import import_module
from itertools import chain

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from benchmarks.leaderboard.data import CLASSES, STEP_CLASSES, STEP_NUMBERS, ragged
from benchmarks.leaderboard.features import as_arrays, channels
from benchmarks.torch_models import gru_classifier, gru_tagger, pad

STEPS = (STEP_CLASSES, STEP_NUMBERS)


class OfAeon(BaseEstimator):
    """A classifier or regressor of aeon, on sequences padded with zeros to the longest."""

    def __init__(self, kind, name, random_state=None):
        self.kind = kind
        self.name = name
        self.random_state = random_state

    def fit(self, X, y):
        """Fit the estimator of aeon."""
        task = "classification" if self.kind == CLASSES else "regression"
        module = import_module(f"aeon.{task}.convolution_based")
        suffix = "Classifier" if self.kind == CLASSES else "Regressor"
        estimator = getattr(module, self.name + suffix)(random_state=self.random_state)
        self.n_steps_ = max(map(len, X))
        self.estimator_ = estimator.fit(channels(X, self.n_steps_), y)
        return self

    def predict(self, X):
        """Return the predictions."""
        return self.estimator_.predict(channels(X, self.n_steps_))

    def predict_proba(self, X):
        """Return the probabilities of classes."""
        return self.estimator_.predict_proba(channels(X, self.n_steps_))


class OfCRFsuite(BaseEstimator):
    """A linear chain of sklearn-crfsuite, with the settings of its tutorial."""

    def fit(self, X, y):
        """Fit the conditional random field."""
        self.estimator_ = import_module("sklearn_crfsuite").CRF(
            "lbfgs", c1=0.1, c2=0.1, max_iterations=100, all_possible_transitions=True
        )
        self.estimator_.fit(X, y)
        return self

    def predict(self, X):
        """Return the most likely path of each sequence."""
        return self.estimator_.predict(X)


class TorchGRU(BaseEstimator):
    """A GRU of the default size in PyTorch: Adam at its default rate, 100 epochs, batches of 32.

    Codes of texts get an embedding with as many units as the GRU. For classes of steps, the GRU has
    two directions.
    """

    def __init__(self, kind, n_units=32, rate=0.001, n_epochs=100, batch=32, random_state=None):
        self.kind = kind
        self.n_units = n_units
        self.rate = rate
        self.n_epochs = n_epochs
        self.batch = batch
        self.random_state = random_state

    def fit(self, X, y):
        """Train the network."""
        torch = self._torch = import_module("torch")
        torch.manual_seed(self.random_state)
        targets, n_outputs, loss = self._targets(y)
        x, lengths = self._pad(X)
        is_coded = x.ndim == 2
        n_features = self.n_units if is_coded else x.shape[2]
        sizes = n_features, self.n_units, n_outputs
        if self.kind in STEPS:
            both_directions = self.kind == STEP_CLASSES
            self.model_ = gru_tagger(torch, *sizes, both_directions)
        else:
            self.model_ = gru_classifier(torch, *sizes)
        if is_coded:
            self.embedding_ = torch.nn.Embedding(int(x.max()) + 1, self.n_units)
        else:
            self.embedding_ = torch.nn.Identity()
        weights = [*self.embedding_.parameters(), *self.model_.parameters()]
        optimizer = torch.optim.Adam(weights, self.rate)
        for _ in range(self.n_epochs):
            for batch in torch.randperm(len(x)).split(self.batch):
                optimizer.zero_grad()
                steps = lengths[batch]
                outputs = self._forward(x[batch, : steps.max()], steps)
                loss(outputs, torch.cat([targets[i] for i in batch])).backward()
                optimizer.step()
        return self

    def _targets(self, y):
        """Return a tensor of targets for each sequence, the number of outputs, and the loss."""
        torch, of_steps = self._torch, self.kind in STEPS
        flat = np.concatenate(list(y)) if of_steps else np.asarray(y)
        if self.kind in (CLASSES, STEP_CLASSES):
            self.classes_, codes = np.unique(flat, return_inverse=True)
            targets, n_outputs = torch.from_numpy(codes), len(self.classes_)
            loss = torch.nn.functional.cross_entropy
        else:
            targets = torch.from_numpy(flat.astype(np.float32).reshape(len(flat), -1))
            loss, n_outputs = torch.nn.functional.mse_loss, targets.shape[1]
        return targets.split([len(part) for part in y] if of_steps else 1), n_outputs, loss

    def _pad(self, X):
        is_coded = X[0].ndim == 1
        dtype = np.int64 if is_coded else np.float32
        return pad(self._torch, [np.asarray(x, dtype=dtype) for x in as_arrays(X)])

    def _forward(self, x, lengths):
        return self.model_(self.embedding_(x), lengths)

    def _outputs(self, X):
        with self._torch.inference_mode():
            return self._forward(*self._pad(X))

    def predict(self, X):
        """Return classes or numbers, or an array of them for each sequence."""
        outputs = self._outputs(X).numpy()
        if self.kind in (CLASSES, STEP_CLASSES):
            predicted = self.classes_[outputs.argmax(axis=1)]
        else:
            predicted = outputs[:, 0] if outputs.shape[1] == 1 else outputs
        if self.kind in STEPS:
            return np.split(predicted, np.cumsum([len(x) for x in X])[:-1])
        return predicted

    def predict_proba(self, X):
        """Return the probabilities of classes of sequences."""
        return self._outputs(X).softmax(dim=1).numpy()


class Codes(TransformerMixin, BaseEstimator):
    """Replace each character or word by its number, and those that occur only once by 0."""

    def fit(self, X, y=None):
        """Count the tokens."""
        counts = Counter(chain.from_iterable(X))
        known = [token for token, count in counts.items() if count > 1]
        self.codes_ = {token: code for code, token in enumerate(known, start=1)}
        return self

    def transform(self, X):
        """Return an array of codes for each sequence."""
        return ragged([np.array([self.codes_.get(token, 0) for token in x]) for x in X])
