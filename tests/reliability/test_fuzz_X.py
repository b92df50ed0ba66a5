"""Fuzz X: the output is right, or an error is raised on purpose."""

import copy
from functools import cache

import numpy as np
import pytest
from fuzzing import (
    BAD_BLOCKS,
    BAD_TABLES,
    DAMAGE,
    DTYPES,
    JUNK,
    MISSING,
    SPARSE,
    TABLE_FORMS,
    TEXTS,
    NotPlain,
    assert_finite,
    assert_same_output,
    clean_tables,
    damaged_sequences,
    freeze,
    holds_text,
    outcome,
    plain_reading,
    variant_sequences,
    variant_tables,
)
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from skrnn import (
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
    XORMLPRegressor,
    as_sequences,
)
from skrnn.inspection import occlusion_importance

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Strict(StandardScaler):
    """Its tags do not allow missing values."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = False
        return tags


QUICK = {"hidden_layer_sizes": 3, "max_iter": 1, "solver": "sgd", "random_state": 0}
ESTIMATORS = {
    "labels": SequenceRNNClassifier(**QUICK),
    "numbers": SequenceRNNRegressor(**QUICK, cell="lstm", pooling="mean"),
    "step labels": StepRNNClassifier(**QUICK, cell="rnn", bidirectional=True),
    "step numbers": StepRNNRegressor(**QUICK, bptt_steps=2),
    "padder": SequencePadder(),
    "per step": PerStep(Strict()),
    "reader": as_sequences,
    "table": XORMLPClassifier(**QUICK),
    "table of numbers": XORMLPRegressor(**QUICK),
    "flat labels": SequenceRNNClassifier(**QUICK, step_features=2, pooling="max"),
    "flat padder": SequencePadder(step_features=2, flat=True),
}
LENGTHS = [3, 1, 4, 2, 2, 3]
RAGGED = [np.random.RandomState(i).normal(size=(n, 2)) for i, n in enumerate(LENGTHS)]
TABLE = np.random.RandomState(0).normal(size=(6, 4))

PREDICTIONS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]
STATES = ["hidden_states", "input_gradients"]
TRAINS, TRANSFORMS = ["fit", "partial_fit"], ["fit", "fit_transform", "transform"]
OF_SEQUENCES = {
    "labels": [*TRAINS, *PREDICTIONS, *STATES, "transform", "occlusion"],
    "numbers": [*TRAINS, "predict", *STATES, "transform", "occlusion"],
    "step labels": [*TRAINS, *PREDICTIONS, *STATES],
    "step numbers": [*TRAINS, "predict", *STATES],
    "padder": [*TRANSFORMS, "inverse_transform"],
    "per step": [*TRANSFORMS, "inverse_transform"],
    "reader": ["as_sequences"],
}
OF_TABLES = {
    "table": [*TRAINS, *PREDICTIONS],
    "table of numbers": [*TRAINS, "predict"],
    "flat labels": [*TRAINS, *PREDICTIONS, *STATES, "transform"],
    "flat padder": TRANSFORMS,
}
OF_ROWS = ("table", "table of numbers")
SEQUENCE_ENTRIES = [(name, method) for name, methods in OF_SEQUENCES.items() for method in methods]
TABLE_ENTRIES = [(name, method) for name, methods in OF_TABLES.items() for method in methods]

for_sequences = pytest.mark.parametrize(("name", "method"), SEQUENCE_ENTRIES)
for_tables = pytest.mark.parametrize(("name", "method"), TABLE_ENTRIES)


MISSING_IN_BLOCKS = (
    "NaN inside",
    "NaN in one feature of the last step",
    "None",
    "masked",
    "masked integers",
)
OTHER_WIDTHS = ("wider", "more columns", "fewer columns", "3-D")


def accepts_any_width(method):
    return method in ("fit", "fit_transform", "as_sequences")


def targets(name, lengths):
    """Make targets for an estimator and sequences of these lengths."""
    if name == "step labels":
        return [(np.arange(length) + i) % 2 for i, length in enumerate(lengths)]
    if name == "step numbers":
        return [np.linspace(-1, 1, length) + i for i, length in enumerate(lengths)]
    return np.linspace(-1, 1, len(lengths)) if "numbers" in name else np.arange(len(lengths)) % 2


@cache
def fitted(name):
    """Fit one estimator for all tests of predictions, none of which may change it."""
    if name == "reader":
        return as_sequences
    in_rows = name in OF_TABLES
    X = TABLE if in_rows else RAGGED
    return clone(ESTIMATORS[name]).fit(X, targets(name, [2] * 6 if in_rows else LENGTHS))


def call(estimator, name, method, X, lengths):
    """Call a method with X; the output of a fit is what it learned."""
    if method == "as_sequences":
        return as_sequences(X).to_ragged()
    if method == "occlusion":
        return occlusion_importance(estimator, X)
    if method == "partial_fit":
        again = {} if "numbers" in name else {"classes": [0, 1]}
        return learned(estimator.partial_fit(X, targets(name, lengths), **again))
    if method == "fit":
        return learned(estimator.fit(X, targets(name, lengths)))
    output = getattr(estimator, method)(X)
    # The output has the form of X. Compare the sequences in it.
    return as_sequences(output).to_ragged() if name == "per step" else output


def learned(estimator):
    """Collect the numbers that a fit sets."""
    attributes = ["coefs_", "intercepts_", "weights_", "n_steps_"]
    attributes += ["n_step_features_"]
    scaler = getattr(estimator, "transformer_", None)
    scale = {} if scaler is None else {"mean": scaler.mean_, "scale": scaler.scale_}
    return scale | {a: getattr(estimator, a) for a in attributes if hasattr(estimator, a)}


def check(name, method, X, clean, lengths):
    """Call with X; the outcome must equal that of `clean`, or be an error if `clean` is None."""
    changes = method in ("fit", "partial_fit", "fit_transform")
    estimator = copy.deepcopy(fitted(name)) if changes else fitted(name)
    before, given = freeze(vars(estimator)), freeze(X)
    output, error = outcome(lambda: call(estimator, name, method, X, lengths))
    assert freeze(X) == given, "the input was changed"
    if error is not None or not changes:
        assert freeze(vars(estimator)) == before, "the estimator was changed"
    if clean is None:
        assert error is not None, f"accepted, with output {output}"
        return
    other = copy.deepcopy(fitted(name))
    expected, expected_error = outcome(lambda: call(other, name, method, clean, lengths))
    if expected_error is not None:
        assert error is not None, f"accepted, but the clean input raised {expected_error!r}"
        return
    assert error is None, f"refused: {error!r}"
    assert_same_output(output, expected)
    if "padder" not in name:  # whose padding is NaN
        assert_finite(output)


@for_sequences
def test_any_form_of_sequences(name, method, count_inputs):
    # StandardScaler squares its input, and warns when that overflows.
    extreme = name != "per step"
    for dtype in DTYPES:
        forms = variant_sequences(dtype, extreme=extreme)
        count_inputs(
            lambda given: check(name, method, *given, [len(x) for x in given[1]]), forms, 2, dtype
        )


@for_sequences
def test_damaged_sequences(name, method, count_inputs):
    for damage in DAMAGE:
        if name == "per step" and damage in TEXTS:
            continue  # left to the transformer
        if method == "inverse_transform" and damage in MISSING and name == "per step":
            continue  # missing values stay missing
        count_inputs(
            lambda X: check(name, method, X, None, [1] * len(X)),
            damaged_sequences(damage),
            2,
            damage,
        )


@for_sequences
def test_damaged_blocks(name, method, count_inputs):
    for damage, spoil in BAD_BLOCKS.items():
        if accepts_any_width(method) and damage in OTHER_WIDTHS:
            continue
        if method == "inverse_transform" and damage in MISSING_IN_BLOCKS and name == "per step":
            continue  # missing values stay missing
        count_inputs(
            lambda X, spoil=spoil: check(name, method, spoil(np.stack([X, X])), None, [2, 2]),
            clean_tables(2, extreme=False, min_size=2),
            2,
            damage,
        )


@for_sequences
def test_junk_instead_of_sequences(name, method, count_inputs):
    def check_junk(X):
        if name == "per step" and holds_text(X):
            return
        try:
            clean = plain_reading(X)
        except NotPlain:
            clean = None
        if clean and not any(map(len, clean)):  # their number of features is not known
            outcome(lambda: call(copy.deepcopy(fitted(name)), name, method, X, [0] * len(clean)))
            return
        check(name, method, X, clean, LENGTHS if clean is None else [len(x) for x in clean])

    count_inputs(check_junk, JUNK, 25, "junk")


@for_tables
def test_any_form_of_tables(name, method, count_inputs):
    for form in TABLE_FORMS:
        if name not in OF_ROWS and form in SPARSE:
            continue
        count_inputs(
            lambda given: check(name, method, *given, [2] * len(given[1])),
            # scikit-learn does not keep single precision in the other byte order.
            variant_tables(form, n_columns=4, in_double=name in OF_ROWS and form == ">f4"),
            2,
            form,
        )


@for_tables
def test_damaged_tables(name, method, count_inputs):
    for damage, spoil in BAD_TABLES.items():
        if accepts_any_width(method) and damage in OTHER_WIDTHS and name not in OF_ROWS:
            continue
        count_inputs(
            lambda X, spoil=spoil: check(name, method, spoil(X), None, [2] * 6),
            clean_tables(4, extreme=False, min_size=2),
            2,
            damage,
        )


@pytest.mark.parametrize("method", OF_TABLES["table"])
def test_junk_instead_of_a_table(method, count_inputs):
    count_inputs(lambda X: check("table", method, X, None, [0] * 6), JUNK, 25, "junk")
