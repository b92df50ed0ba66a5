"""A type checker reads the annotations of the package in a script of a user."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONFIG = """
[mypy]
[mypy-sklearn.*,joblib.*,scipy.*,pandas.*,numpy.*,narwhals.*]
ignore_missing_imports = true
follow_imports = skip
[mypy-skrnn.*]
follow_imports = silent
"""
SCRIPT = """
from skrnn import Adam, PerStep, Sequences, SequenceRNNClassifier, StepRNNRegressor, as_sequences
from skrnn.datasets import load_japanese_vowels
from skrnn.metrics import flat_score

X, y = load_japanese_vowels(return_X_y=True)
sequences: Sequences = as_sequences(X)
clf = SequenceRNNClassifier(16, cell="gru", solver=Adam(beta_1=0.8), random_state=0).fit(X, y)
labels = clf.predict(X)
reg = StepRNNRegressor((8, 8), loss="absolute_error")
"""
FAULTS = {
    "SequenceRNNClassifier(units=16)": 'Unexpected keyword argument "units"',
    "Adam(beta1=0.8)": 'Unexpected keyword argument "beta1"',
    "from skrnn import NoSuchEstimator": 'no attribute "NoSuchEstimator"',
    "number: int = as_sequences(X)": "Incompatible types in assignment",
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
