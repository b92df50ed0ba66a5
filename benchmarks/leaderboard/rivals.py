"""Methods of optional packages as estimators: convolutions of aeon, and the network in PyTorch."""

from importlib import import_module

import numpy as np
from sklearn.base import BaseEstimator

from benchmarks.leaderboard.data import CLASSES
from benchmarks.leaderboard.features import channels
from benchmarks.torch_models import gru_classifier, pad


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


class TorchGRU(BaseEstimator):
    """A GRU of the default size in PyTorch: Adam at its default rate, 100 epochs, batches of 32."""

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
        if self.kind == CLASSES:
            self.classes_, codes = np.unique(y, return_inverse=True)
            targets, n_outputs = torch.from_numpy(codes), len(self.classes_)
            loss = torch.nn.functional.cross_entropy
        else:
            targets = torch.from_numpy(np.asarray(y, dtype=np.float32).reshape(len(y), -1))
            loss, n_outputs = torch.nn.functional.mse_loss, targets.shape[1]
        self.model_ = gru_classifier(torch, X[0].shape[1], self.n_units, n_outputs)
        optimizer = torch.optim.Adam(self.model_.parameters(), self.rate)
        x, lengths = self._pad(X)
        for _ in range(self.n_epochs):
            for batch in torch.randperm(len(x)).split(self.batch):
                optimizer.zero_grad()
                steps = lengths[batch]
                loss(self.model_(x[batch, : steps.max()], steps), targets[batch]).backward()
                optimizer.step()
        return self

    def _pad(self, X):
        return pad(self._torch, [np.asarray(x, dtype=np.float32) for x in X])

    def _outputs(self, X):
        with self._torch.inference_mode():
            return self.model_(*self._pad(X))

    def predict(self, X):
        """Return classes or numbers."""
        outputs = self._outputs(X).numpy()
        if self.kind == CLASSES:
            return self.classes_[outputs.argmax(axis=1)]
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def predict_proba(self, X):
        """Return the probabilities of classes."""
        return self._outputs(X).softmax(dim=1).numpy()
