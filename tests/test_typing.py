"""A type checker reads the annotations of the package in a script of a user."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONFIG = """
[mypy]
strict = true
[mypy-sklearn.*,joblib.*,scipy.*,pandas.*,numpy.*,narwhals.*]
ignore_missing_imports = true
follow_imports = skip
[mypy-skrnn.*]
follow_imports = silent
"""
SCRIPT = """
import numpy as np
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skrnn
from skrnn import (
    CRF, Adam, EnsembleClassifier, EnsembleRegressor, Gaussian, PerStep, SequencePadder, Sequences,
    SequenceRNNClassifier, SequenceRNNRegressor, StepRNNClassifier, StepRNNRegressor,
    XORMLPClassifier, XORMLPRegressor, as_sequences,
)
from skrnn.callbacks import Checkpoint
from skrnn.convert import make_windows
from skrnn.datasets import load_japanese_vowels, make_xor
from skrnn.inspection import LossCurveDisplay, occlusion_importance, state_features
from skrnn.metrics import flat_accuracy_score, flat_f1_score, flat_score, span_f1_score, spans
from skrnn.model_selection import cross_val_predict_steps
from skrnn.pytorch import from_state_dict, to_state_dict


def distance(clf: XORMLPClassifier, X: np.ndarray) -> np.ndarray:
    return clf.decision_function(X)


X, y = load_japanese_vowels(return_X_y=True)
sequences: Sequences = as_sequences(X)
adam = Adam(beta_1=0.8)
clf = SequenceRNNClassifier(16, cell="gru", solver=adam, random_state=0).fit(X, y)
labels: np.ndarray = clf.predict(X)
shares: np.ndarray = clf.predict_proba(sequences)
accuracy: float = clf.score(X, y)
clf.set_params(alpha=0.1).partial_fit(X, y)
same: SequenceRNNClassifier = from_state_dict(clf, to_state_dict(clf), classes=["a", "b"])

inner = SequenceRNNClassifier((8, 8), pooling=("last", "max"))
pipe = make_pipeline(PerStep(StandardScaler()), inner)
pipe.fit(X, y).predict(X)
search = GridSearchCV(pipe, {"sequencernnclassifier__alpha": [0.1, 1]}).fit(X, y)
padded: np.ndarray = SequencePadder(10, longer="truncate", flat=True).fit(X).transform(X)

windows, targets = make_windows(np.arange(30.0), window=5)
reg = SequenceRNNRegressor(loss=Gaussian(), n_iter_no_change=np.inf).fit(windows, targets)
mean, std = reg.predict(windows, return_std=True)
ahead: np.ndarray = reg.forecast(windows[-1:], horizon=3)
spread = EnsembleRegressor(reg, n_estimators=3).fit(windows, targets)
print(spread.predict(windows).round(), spread.predict(windows, return_std=True)[1].mean())

tags = [["B-PER", "O"], ["O"]]
tagger = StepRNNClassifier(8, loss=CRF(constraints="BIO")).fit([[0, 1], [1]], tags)
found = tagger.predict([[0, 1]])
f1: float = span_f1_score(tags, tags)
of_classes: list[float] = flat_f1_score(tags, tags, average=None).tolist()
whole: float = flat_accuracy_score(tags, tags, sample_weight=[1, 2])
kinds: list[str] = [kind for kind, start, stop in spans(tags[0])]
each: np.ndarray = cross_val_predict_steps(tagger, [[0, 1], [1]], tags, cv=2)
votes: np.ndarray = EnsembleClassifier(tagger, 3, n_jobs=2).fit([[0, 1], [1]], tags).classes_

table, bits = make_xor(2)
mlp = XORMLPClassifier([4, 4], activation="tanh", solver="lbfgs").fit(table, bits)
counts = XORMLPRegressor("poisson").fit(table, bits, sample_weight=[1, 1, 1, 1])
numbers: np.ndarray = counts.predict(table)
mlp.set_callbacks(Checkpoint("run.npz", every=2))
skrnn.save(mlp, "model.npz")
loaded = skrnn.load("model.npz")
loaded.predict(table)
LossCurveDisplay.from_estimator(mlp, name="logic").plot()
effect: np.ndarray = occlusion_importance(clf, X, window=2)
"""
FAULTS = {
    "SequenceRNNClassifier(units=16)": 'Unexpected keyword argument "units"',
    "Adam(beta1=0.8)": 'Unexpected keyword argument "beta1"',
    "from skrnn import NoSuchEstimator": 'no attribute "NoSuchEstimator"',
    "number: int = as_sequences(X)": "Incompatible types in assignment",
    'SequenceRNNClassifier(cell="gruu")': "incompatible type \"Literal['gruu']\"",
    'XORMLPClassifier(max_iter="200")': 'incompatible type "str"',
    'StepRNNRegressor(loss="squared")': "incompatible type \"Literal['squared']\"",
    "clf.fit(X, y, weights=[1])": 'Unexpected keyword argument "weights"',
    "first: float = reg.predict(windows, return_std=True)": "Incompatible types in assignment",
    'reg.forecast(windows, horizon="3")': 'incompatible type "str"',
    'SequencePadder(longer="cut")': "incompatible type \"Literal['cut']\"",
    'flat_f1_score(tags, tags, average="all")': "No overload variant",
    'span_f1_score(tags, tags, average="binary")': "No overload variant",
    "word: str = span_f1_score(tags, tags)": "Incompatible types in assignment",
    "spans(tags[0]).tolist()": 'has no attribute "tolist"',
    "Checkpoint(3)": 'incompatible type "int"',
    "skrnn.save(clf)": 'Missing positional argument "file"',
    'cross_val_predict_steps(tagger, X, tags, method="proba")': 'incompatible type "Literal',
}


@pytest.mark.slow
def test_a_script_is_checked(monkeypatch, tmp_path):
    api = pytest.importorskip("mypy.api")
    assert (ROOT / "skrnn" / "py.typed").is_file()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MYPYPATH", str(ROOT))
    Path("mypy.ini").write_text(CONFIG, encoding="utf-8")
    Path("right.py").write_text(SCRIPT, encoding="utf-8")
    Path("wrong.py").write_text(SCRIPT + "\n".join(FAULTS), encoding="utf-8")
    report, problems, _ = api.run(["right.py", "wrong.py"])
    errors = [line for line in report.splitlines() if ": error: " in line]
    assert not problems
    assert len(errors) == len(FAULTS), report
    for error, (fault, message) in zip(errors, FAULTS.items(), strict=True):
        assert error.startswith("wrong.py:"), report
        assert message in error, fault
