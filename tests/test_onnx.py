"""Exported models in ONNX Runtime give the predictions of the estimators."""

import subprocess
import sys
from itertools import product

import numpy as np
import pandas as pd
import pytest
from numeric_helpers import ACTIVATIONS, CELLS, POOLINGS
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

from skrnn import (
    CRF,
    EnsembleClassifier,
    ForwardImputer,
    Frames,
    Gaussian,
    Huber,
    Neighbors,
    PerSequence,
    PerStep,
    Quantile,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
    TableTransformer,
    XORMLPClassifier,
    XORMLPRegressor,
    as_sequences,
)
from skrnn._numeric.losses import NUMBER_LOSSES
from skrnn.compose import TransformedStepTargetRegressor
from skrnn.onnx import register_onnx_converters, to_onnx

onnx = pytest.importorskip("onnx")
pytest.importorskip("skl2onnx")
onnxruntime = pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TOLERANCE = 1e-5
SEQUENCE_TASKS = ["binary", "multiclass", "multilabel", "number", "vector"]


def ragged(n_sequences=17, n_features=3, longest=8, seed=0):
    rng = np.random.RandomState(seed)
    lengths = rng.randint(1, longest + 1, n_sequences)
    lengths[:2] = 1, longest
    return [rng.normal(size=(length, n_features)) for length in lengths]


def targets(task, shape, rng):
    if task == "binary":
        return np.resize(np.array(["no", "yes"]), shape)
    if task == "multiclass":
        return np.resize([2, 3, 5], shape)
    if task == "multilabel":
        return np.tile([[1, 0, 0], [0, 1, 0], [0, 1, 1]], (shape, 1))[:shape]
    return np.exp(rng.normal(size=(shape, 2) if task == "vector" else shape))  # for every loss


def fitted(estimator, X, task, seed=0):
    """Fit to set the shapes, then make every weight and bias random."""
    rng = np.random.RandomState(seed)
    steps = isinstance(estimator, StepRNNClassifier | StepRNNRegressor)
    y = [targets(task, len(x) if steps else len(X), rng) for x in (X if steps else [X])]
    if (
        steps and task == "binary"
    ):  # the first two targets of a longer sequence, so that both classes occur
        y[1][:2] = "no", "yes"
    estimator.fit(X, y if steps else y[0])
    for p in estimator._weights().values():
        for array in p.values():
            array[...] = rng.normal(0, 0.3, array.shape)
    return estimator


def outputs_of(model, X, n_steps=None):
    """Run a model on ragged sequences. With lengths as an input, the padding holds 1000."""
    onnx.checker.check_model(model, full_check=True)
    sequences = as_sequences(X)
    padded = sequences.to_padded(n_steps).astype(np.float32)
    feed = {"X": padded}
    if len(model.graph.input) == 2:
        feed = {"X": np.nan_to_num(padded, nan=1e3), "lengths": sequences.lengths}
    return run(model, feed)


def run(model, feed):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return dict(
        zip([output.name for output in model.graph.output], session.run(None, feed), strict=True)
    )


def assert_same(outputs, estimator, X):
    """Labels are equal, and probabilities or numbers within the tolerance."""
    last = estimator[-1] if hasattr(estimator, "steps") else estimator
    lengths, expected = [len(x) for x in X], {"variable": estimator.predict(X)}
    if hasattr(last, "classes_"):
        expected = {"label": estimator.predict(X), "probabilities": estimator.predict_proba(X)}
    assert list(outputs) == list(expected)
    for name, values in expected.items():
        given = outputs[name]
        if getattr(last, "_per_step", False):
            if name != "label":
                padding = np.arange(given.shape[1]) >= np.array(lengths)[:, None]
                assert np.isnan(given[padding]).all()
                assert padding.any()
            given = np.concatenate([of_one[:n] for of_one, n in zip(given, lengths, strict=True)])
            values = np.concatenate(values)
        if name == "label":
            np.testing.assert_array_equal(given, values)
        else:
            assert given.dtype == np.float32
            assert np.abs(given - values.reshape(given.shape)).max() < TOLERANCE


def network(task, pooling, **parameters):
    """Create the estimator of a task; without pooling, it predicts for each step."""
    parameters = {"hidden_layer_sizes": 4, "max_iter": 1, "random_state": 0} | parameters
    numbers = task in ("number", "vector")
    if pooling is None:
        return (StepRNNRegressor if numbers else StepRNNClassifier)(**parameters)
    cls = SequenceRNNRegressor if numbers else SequenceRNNClassifier
    return cls(pooling=pooling, **parameters)


@pytest.mark.parametrize("regressor", [SequenceRNNRegressor, StepRNNRegressor])
def test_targets_that_are_not_of_unit_scale(regressor):
    X = ragged()
    y = [20000 + 5000 * x[:, :2].cumsum(axis=0) for x in X]
    y = y if regressor is StepRNNRegressor else np.array([of_one[-1] for of_one in y])
    reg = regressor(4, max_iter=30, random_state=0).fit(X, y)
    given = outputs_of(to_onnx(reg), X)["variable"]
    expected = reg.predict(X)
    if regressor is StepRNNRegressor:
        given = np.concatenate([of_one[: len(x)] for of_one, x in zip(given, X, strict=True)])
        expected = np.concatenate(expected)
    np.testing.assert_allclose(given, expected, rtol=1e-4)


@pytest.mark.parametrize("task", SEQUENCE_TASKS)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_cells_poolings_and_tasks(cell, pooling, task):
    X = ragged()
    for bidirectional, hidden in product([False, True], [(4,), (4, 3)]):
        estimator = network(
            task, pooling, cell=cell, hidden_layer_sizes=hidden, bidirectional=bidirectional
        )
        fitted(estimator, X, task)
        for lengths in ("input", "nan"):
            model = to_onnx(estimator, lengths=lengths)
            assert [given.name for given in model.graph.input] == (
                ["X", "lengths"] if lengths == "input" else ["X"]
            )
            assert_same(outputs_of(model, X), estimator, X)
        # More padding and another batch do not change the predictions.
        assert_same(outputs_of(model, X[:3], n_steps=11), estimator, X[:3])


@pytest.mark.parametrize("kind", [SequenceRNNRegressor, StepRNNClassifier])
def test_embedding(kind):
    X = ragged()
    y = [x[-1, 0] for x in X] if kind is SequenceRNNRegressor else [x[:, 0] > 0 for x in X]
    estimator = kind(4, embedding_size=5, max_iter=3, random_state=0).fit(X, y)
    assert ("skip" in estimator.weights_) == (kind is SequenceRNNRegressor)
    for lengths in ("input", "nan"):
        assert_same(outputs_of(to_onnx(estimator, lengths=lengths), X), estimator, X)


@pytest.mark.parametrize("lengths", [[2, 0, 3, 0, 1], [0, 4], [0, 0]], ids=str)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_sequences_without_steps(cell, pooling, lengths):
    rng, lengths = np.random.RandomState(0), np.array(lengths)
    for bidirectional in (False, True):
        estimator = network("vector", pooling, cell=cell, bidirectional=bidirectional)
        data = Sequences(rng.normal(size=(6, 3)), np.array([2, 4]))
        y = rng.normal(size=(6, 2))
        estimator.fit(data, y[:2] if pooling else [y[:2], y[2:]])
        for p in estimator.weights_.values():
            for array in p.values():
                array[...] = rng.normal(0, 0.3, array.shape)
        X = Sequences(rng.normal(size=(lengths.sum(), 3)), lengths)
        padded = np.full((len(lengths), 5, 3), np.nan, np.float32)
        padded[np.arange(5) < lengths[:, None]] = X.values
        for feed in ({"X": padded, "lengths": lengths}, {"X": padded}):
            model = to_onnx(estimator, lengths="input" if "lengths" in feed else "nan")
            onnx.checker.check_model(model, full_check=True)
            (given,) = run(model, feed).values()
            expected = estimator.predict(X)
            if pooling is None:
                padding = np.arange(5) >= lengths[:, None]
                assert np.isnan(given[padding]).all()
                given, expected = given[~padding], np.concatenate(expected)
            assert given.shape == expected.shape
            assert np.abs(given - expected).max(initial=0) < TOLERANCE


def test_cells_without_an_operator(monkeypatch):
    X = ragged()
    clf = SequenceRNNClassifier(3, max_iter=1, random_state=0).fit(X, np.arange(17) % 3)
    monkeypatch.setitem(CELLS, "gru", CELLS["gru"]._replace(onnx_operator=None))
    with pytest.raises(
        ValueError,
        match="ONNX has no operator for cell='gru'; it has 'rnn', 'lstm'",
    ):
        to_onnx(clf)


@pytest.mark.parametrize("hidden", [3, ()])
def test_conditional_random_field(hidden):
    X = ragged()
    y = [np.resize(["a", "b", "b", "c"], len(x)) for x in X]
    clf = StepRNNClassifier(hidden, loss=CRF("seen"), max_iter=2, random_state=0).fit(X, y)
    session = onnxruntime.InferenceSession(to_onnx(clf).SerializeToString())
    sequences = as_sequences(X)
    batch = sequences.to_padded(fill_value=0).astype(np.float32)
    emissions, transitions = session.run(None, {"X": batch, "lengths": sequences.lengths})
    for x, of_one in zip(X, emissions, strict=True):
        np.testing.assert_allclose(of_one[: len(x)], clf.decision_function([x])[0], atol=TOLERANCE)
        assert np.isnan(of_one[len(x) :]).all()
    p, seen = clf.weights_["transitions"], np.isfinite(transitions)
    assert seen[:3, :3].tolist() == [
        [False, True, False],
        [False, True, True],
        [True, False, False],
    ]
    np.testing.assert_allclose(transitions[:3, :3][seen[:3, :3]], p["W"][seen[:3, :3]], atol=1e-6)
    assert seen[3, :3].tolist() == [True, False, False]
    np.testing.assert_allclose(transitions[:3, 3], p["end"], atol=1e-6)


def test_what_has_no_nodes_is_refused():
    X, y = ragged(), [np.resize(["a", "b", "c"], len(x)) for x in ragged()]
    net = StepRNNClassifier(2, loss="crf", max_iter=1)
    with pytest.raises(ValueError, match="An ensemble of conditional random fields cannot be"):
        to_onnx(EnsembleClassifier(net, n_estimators=2, random_state=0).fit(X, y))
    linear = SequenceRNNClassifier((), max_iter=1).fit(X, np.arange(17) % 2)
    with pytest.raises(
        ValueError, match="Pooled steps without a recurrent layer cannot be exported"
    ):
        to_onnx(linear)


@pytest.mark.parametrize("task", ["number", "vector"])
@pytest.mark.parametrize("pooling", ["mean", None])
@pytest.mark.parametrize(
    "loss", [*NUMBER_LOSSES, Huber(), Quantile(0.3), Quantile((0.3,)), Quantile(), Gaussian()]
)
def test_losses_of_numbers(loss, pooling, task):
    X = ragged()
    reg = fitted(network(task, pooling, loss=loss), X, task)
    model = to_onnx(reg)
    outputs = outputs_of(model, X)
    assert_same(outputs, reg, X)
    declared = model.graph.output[0].type.tensor_type.shape.dim
    n_rows = 2 if pooling is None else 1
    assert [size.dim_value for size in declared][n_rows:] == list(
        outputs["variable"].shape[n_rows:]
    )
    with_empty = [X[0], np.zeros((0, 3))]
    assert_same(outputs_of(model, with_empty, 9), reg, with_empty)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_activations_of_the_elman_cell(activation, bidirectional):
    X = ragged()
    estimator = network(
        "vector", None, cell="rnn", activation=activation, bidirectional=bidirectional
    )
    assert_same(outputs_of(to_onnx(fitted(estimator, X, "vector")), X), estimator, X)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("out_activation", ["auto", "softmax"])
@pytest.mark.parametrize("hidden", [(), (5,), (4, 3)])
def test_multilayer_perceptron(activation, task, out_activation, hidden):
    X = np.random.RandomState(0).normal(size=(30, 4))
    clf = XORMLPClassifier(
        hidden, activation, out_activation=out_activation, max_iter=1, n_init=1, random_state=0
    )
    fitted(clf, X, task)
    model = to_onnx(clf)
    onnx.checker.check_model(model, full_check=True)
    assert_same(run(model, {"X": X.astype(np.float32)}), clf, X)


@pytest.mark.parametrize("task", ["number", "vector"])
@pytest.mark.parametrize("loss", ["squared_error", "gamma", Quantile((0.2, 0.8)), Gaussian()])
def test_multilayer_perceptron_of_numbers(loss, task):
    X = np.random.RandomState(0).normal(size=(30, 4))
    reg = fitted(XORMLPRegressor(loss, (4, 3), max_iter=1, random_state=0), X, task)
    model = to_onnx(reg)
    onnx.checker.check_model(model, full_check=True)
    assert_same(run(model, {"X": X.astype(np.float32)}), reg, X)


@pytest.mark.parametrize(
    "classes",
    [
        np.array([0, 1, 2], np.int8),
        np.array([10**12, -3, 4]),
        np.array([2.0, 7.0, 1e10]),
        np.array([False, True]),
        np.array(["a", "ä", "语"]),
        np.array(["a", "bc"], object),
    ],
    ids=str,
)
def test_labels_keep_their_type(classes):
    X = ragged(12)
    clf = SequenceRNNClassifier(3, max_iter=1, random_state=0).fit(X, np.resize(classes, 12))
    outputs = outputs_of(to_onnx(clf), X)
    assert_same(outputs, clf, X)
    kind = "O" if classes.dtype.kind == "U" else classes.dtype.kind
    assert outputs["label"].dtype.kind == kind


def test_float32_and_real_training(sequences):
    X, y = sequences
    X = [x.astype(np.float32) for x in X]
    for cell in ("rnn", "gru", "lstm"):
        clf = SequenceRNNClassifier(16, cell=cell, max_iter=30, random_state=0).fit(X, y)
        assert clf.score(X, y) > 0.8
        assert_same(outputs_of(to_onnx(clf), X), clf, X)


PIPELINES = {
    "scaled": make_pipeline(PerStep(StandardScaler())),
    "scaled and padded": make_pipeline(PerStep(StandardScaler()), SequencePadder()),
    "padded and scaled": make_pipeline(SequencePadder(n_steps=20), PerStep(MinMaxScaler())),
    "truncated": make_pipeline(SequencePadder(n_steps=3, longer="truncate")),
    "filled": make_pipeline(SequencePadder(n_steps=9, fill_value=-1.0)),
    "other features": make_pipeline(PerStep(PCA(2, random_state=0))),
    "nested": make_pipeline(
        PerStep(make_pipeline(StandardScaler(), PCA(2, random_state=0))),
        make_pipeline("passthrough", PerStep(MinMaxScaler())),
    ),
}


@pytest.mark.parametrize("lengths", ["input", "nan"])
@pytest.mark.parametrize("name", PIPELINES)
def test_pipelines(name, lengths, sequences):
    X, y = sequences
    network = SequenceRNNClassifier(6, bidirectional=True, max_iter=5, random_state=0)
    pipe = make_pipeline(clone(PIPELINES[name]), network).fit(X, y)
    assert_same(outputs_of(to_onnx(pipe, lengths=lengths), X), pipe, X)
    network = SequenceRNNRegressor(6, pooling="mean", max_iter=5, random_state=0)
    pipe = make_pipeline(clone(PIPELINES[name]), network).fit(X, y / 3)
    assert_same(outputs_of(to_onnx(pipe, lengths=lengths), X), pipe, X)


@pytest.mark.parametrize("lengths", ["input", "nan"])
def test_steps_in_a_pipeline(lengths, sequences):
    X, y = sequences
    tags = [np.where(x[:, 0] > 0, label, -1) for x, label in zip(X, y, strict=True)]
    network = StepRNNClassifier(6, cell="lstm", max_iter=5, random_state=0)
    pipe = make_pipeline(PerStep(StandardScaler()), network).fit(X, tags)
    assert_same(outputs_of(to_onnx(pipe, lengths=lengths), X), pipe, X)


def test_flat_padding_feeds_scikit_learn(sequences):
    X, y = sequences
    pipe = make_pipeline(
        PerStep(StandardScaler()), SequencePadder(flat=True, fill_value=0), LogisticRegression()
    ).fit(X, y)
    outputs = outputs_of(to_onnx(pipe), X)
    np.testing.assert_array_equal(outputs["label"], pipe.predict(X))
    assert np.abs(outputs["probabilities"] - pipe.predict_proba(X)).max() < TOLERANCE


def test_table_feeds_sequences():
    """Rows of a table, padded with NaN, pass through a transformer of scikit-learn."""
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(30, 8)), np.arange(30) % 3
    X[::2, 6:], X[1::4, 4:] = np.nan, np.nan
    pipe = make_pipeline(
        StandardScaler(), SequenceRNNClassifier(5, step_features=2, max_iter=3, random_state=0)
    ).fit(X, y)
    model = to_onnx(pipe)
    assert [given.name for given in model.graph.input] == ["X"]
    outputs = run(model, {"X": X.astype(np.float32)})
    np.testing.assert_array_equal(outputs["label"], pipe.predict(X))
    assert np.abs(outputs["probabilities"] - pipe.predict_proba(X)).max() < TOLERANCE


def test_multilayer_perceptron_in_a_pipeline(table):
    X, y = table
    pipe = make_pipeline(StandardScaler(), XORMLPClassifier((8,), max_iter=20, random_state=0))
    pipe.fit(X, y)
    assert_same(run(to_onnx(pipe), {"X": X.astype(np.float32)}), pipe, X)


@pytest.mark.parametrize(
    ("padder", "longest"),
    [
        (SequencePadder(), 6),
        (SequencePadder(n_steps=9), 9),
        (SequencePadder(n_steps=4, longer="truncate", fill_value=7), 4),
        (SequencePadder(n_steps=9, fill_value=0), 9),
    ],
)
@pytest.mark.parametrize("lengths", ["input", "nan"])
def test_transformers_alone(padder, longest, lengths, sequences):
    X, _ = sequences
    pipe = make_pipeline(PerStep(StandardScaler()), clone(padder)).fit(X)
    outputs = outputs_of(to_onnx(pipe, lengths=lengths), X, n_steps=15)
    expected = pipe.transform(X)
    assert outputs["sequences"].shape == expected.shape == (40, longest, 2)
    np.testing.assert_allclose(outputs["sequences"], expected, atol=TOLERANCE)
    # With another fill value than NaN, every step of the padded sequences counts.
    np.testing.assert_array_equal(outputs["n_steps"], as_sequences(expected).lengths)


def test_scaler_alone_passes_the_lengths_on(sequences):
    X, _ = sequences
    scaler = PerStep(StandardScaler()).fit(X)
    outputs = outputs_of(to_onnx(scaler, lengths="nan"), X)
    lengths = [len(x) for x in X]
    np.testing.assert_array_equal(outputs["n_steps"], lengths)
    for given, n, expected in zip(outputs["sequences"], lengths, scaler.transform(X), strict=True):
        np.testing.assert_allclose(given[:n], expected, atol=TOLERANCE)


@pytest.mark.parametrize("longer", ["error", "grow"])
def test_a_sequence_that_is_too_long_is_an_error_of_the_runtime(longer, sequences):
    X, _ = sequences
    padder = SequencePadder(n_steps=6, longer=longer, flat=longer == "grow").fit(X)
    model = to_onnx(padder)
    outputs_of(model, X, n_steps=15)  # with more padding, the sequences are not longer
    with pytest.raises(ValueError, match="more than the 6"):
        padder.transform([np.zeros((7, 2))])
    with pytest.raises(Exception, match="Expand"):
        outputs_of(model, [np.zeros((7, 2))])


def test_missing_values_before_the_end(sequences):
    X, y = [x.copy() for x in sequences[0]], sequences[1]
    for x in X[::3]:
        x[0, 1] = np.nan
    pipe = make_pipeline(
        PerStep(SimpleImputer()),
        SequenceRNNClassifier(4, max_iter=3, random_state=0),
    ).fit(X, y)
    lengths = np.array([len(x) for x in X])
    padded = np.full((len(X), lengths.max(), 2), np.nan, np.float32)
    for row, x in zip(padded, X, strict=True):
        row[: len(x)] = x
    for feed in ({"X": padded, "lengths": lengths}, {"X": padded}):
        model = to_onnx(pipe, lengths="input" if "lengths" in feed else "nan")
        assert_same(run(model, feed), pipe, X)


def test_text():
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    X = [["the", "Ann"], ["Bob", "the", "Ann"], ["the"]] * 3
    y = [["other", "name"], ["name", "other", "name"], ["other"]] * 3
    pipe = make_pipeline(
        PerStep(OneHotEncoder()), StepRNNClassifier(4, max_iter=5, random_state=0)
    ).fit(X, y)
    types = [("X", StringTensorType([None, None, 1])), ("lengths", Int64TensorType([None]))]
    model = to_onnx(pipe, initial_types=types)
    onnx.checker.check_model(model, full_check=True)
    # The padding does not reach the encoder, for which the empty string is an unknown category.
    padded = np.array([x + [""] * (3 - len(x)) for x in X], dtype=object)[:, :, None]
    outputs = run(model, {"X": padded, "lengths": np.array([len(x) for x in X])})
    assert_same(outputs, pipe, X)


def test_tokens_with_an_embedding():
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    X = [list("abac"), list("b"), list("cab"), list("dd")]
    encoder = PerStep(OneHotEncoder(handle_unknown="ignore"))
    network = SequenceRNNClassifier(4, embedding_size=3, max_iter=5, random_state=0)
    pipe = make_pipeline(encoder, network).fit(X, [0, 1, 0, 1])
    types = [("X", StringTensorType([None, None, 1])), ("lengths", Int64TensorType([None]))]
    given = [*X, list("a?")]
    padded = np.array([x + [""] * (4 - len(x)) for x in given], dtype=object)[:, :, None]
    model = to_onnx(pipe, initial_types=types)
    outputs = run(model, {"X": padded, "lengths": np.array([len(x) for x in given])})
    assert_same(outputs, pipe, given)


def test_text_of_sequences_without_steps():
    """The encoder is not given the padding, also where a sequence is nothing but padding."""
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    encoder = PerStep(OneHotEncoder()).fit([["the", "Ann"], ["Bob", "the", "Ann"]])
    types = [("X", StringTensorType([None, None, 1])), ("lengths", Int64TensorType([None]))]
    model = to_onnx(encoder, initial_types=types)
    padded = np.array([["", ""], ["the", "Ann"], ["Bob", ""]], dtype=object)[:, :, None]
    outputs = run(model, {"X": padded, "lengths": np.array([0, 2, 1])})
    expected = encoder.transform([["the", "Ann"], ["Bob"]])
    np.testing.assert_array_equal(outputs["n_steps"], [0, 2, 1])
    np.testing.assert_array_equal(outputs["sequences"][1], _dense(expected[0]))
    np.testing.assert_array_equal(outputs["sequences"][2, :1], _dense(expected[1]))


def _dense(steps):
    return steps.toarray() if hasattr(steps, "toarray") else steps


def test_search(sequences):
    X, y = sequences
    pipe = make_pipeline(PerStep(StandardScaler()), SequenceRNNClassifier(4, random_state=0))
    grid = {"sequencernnclassifier__max_iter": [1, 2]}
    search = GridSearchCV(pipe, grid, cv=2).fit(X, y)
    assert_same(outputs_of(to_onnx(search), X), search.best_estimator_, X)


def test_registered_for_skl2onnx_itself(table):
    import skl2onnx

    register_onnx_converters()
    X, y = table
    search = GridSearchCV(XORMLPClassifier((3,), max_iter=2), {"alpha": [1e-4]}, cv=2).fit(X, y)
    model = skl2onnx.to_onnx(search, X[:1].astype(np.float32))
    assert_same(run(model, {"X": X.astype(np.float32)}), search.best_estimator_, X)


@pytest.mark.parametrize("target_opset", [18, 20, None])
def test_versions_of_operators(target_opset, sequences):
    X, y = sequences
    pipe = make_pipeline(
        PerStep(StandardScaler()),
        SequenceRNNClassifier((3, 2), pooling="max", max_iter=2, random_state=0),
    ).fit(X, y)
    model = to_onnx(pipe, target_opset=target_opset)
    versions = {entry.domain: entry.version for entry in model.opset_import}
    assert versions[""] == (target_opset or versions[""]) >= 18
    assert_same(outputs_of(model, X), pipe, X)


def test_training_options_do_not_change_the_model():
    X, y = ragged(), np.arange(17) % 3
    clf = SequenceRNNClassifier((4, 3), dropout=0.5, bptt_steps=2, max_iter=2, random_state=0)
    clf.fit(X, y)
    expected = to_onnx(clf).SerializeToString()
    # Parameters that are changed after fit do not change the fitted network.
    clf.set_params(cell="lstm", hidden_layer_sizes=9, pooling="max", dropout=0)
    assert to_onnx(clf).SerializeToString() == expected
    assert_same(outputs_of(to_onnx(clf), X), clf, X)


def test_errors(sequences):
    X, y = sequences
    clf = SequenceRNNClassifier(3, max_iter=1, random_state=0)
    with pytest.raises(NotFittedError, match="This SequenceRNNClassifier instance is not fitted"):
        to_onnx(clf)
    clf.fit(X, y)
    with pytest.raises(ValueError, match="lengths must be 'input' or 'nan', got True"):
        to_onnx(clf, lengths=True)
    with pytest.raises(ValueError, match="target_opset must be at least 18, got 11"):
        to_onnx(clf, target_opset=11)
    pipe = make_pipeline(clf, LogisticRegression()).fit(X, y)
    with pytest.raises(
        ValueError, match="SequenceRNNClassifier is a transformer in the middle of a pipeline"
    ):
        to_onnx(pipe)
    tables = np.zeros((6, 4)) + np.arange(6)[:, None]
    pipe = make_pipeline(PerStep(StandardScaler()), LogisticRegression()).fit(tables, [0, 1] * 3)
    with pytest.raises(
        ValueError, match="LogisticRegression follows PerStep, which outputs sequences"
    ):
        to_onnx(pipe)
    for step in (ForwardImputer(), Frames(2), Neighbors(), PerSequence(np.abs)):
        for first in (PerStep(StandardScaler()), "passthrough"):
            pipe = make_pipeline(first, step, clone(clf)).fit(X, y)
            with pytest.raises(ValueError, match=f"{type(step).__name__} cannot be exported to"):
                to_onnx(pipe)
    search = GridSearchCV(clf, {"alpha": [0.1]}, refit=False, cv=2).fit(X, y)
    with pytest.raises(
        ValueError, match=r"GridSearchCV around .* no best_estimator_\. .* refit=True"
    ):
        to_onnx(search)
    search = GridSearchCV(LogisticRegression(), {"C": [1]}, refit=False, cv=2).fit(
        [[0], [1]] * 6, [0, 1] * 6
    )
    with pytest.raises(ValueError, match=r"GridSearchCV has no n_features_in_\. .* refit=True"):
        to_onnx(search)
    clf.classes_ = np.array([(0,), (1,), (2,)], dtype=[("a", int)])
    with pytest.raises(
        ValueError, match=r"The classes \[.*\] of SequenceRNNClassifier have no type in ONNX"
    ):
        to_onnx(clf)


RNN, REG = network("binary", "mean"), network("number", "mean")


@pytest.mark.parametrize(
    "estimator",
    [
        CalibratedClassifierCV(RNN, cv=2),
        CalibratedClassifierCV(make_pipeline(PerStep(StandardScaler()), RNN), cv=2),
        make_pipeline(PerStep(StandardScaler()), CalibratedClassifierCV(RNN, cv=2)),
        CalibratedClassifierCV(GridSearchCV(RNN, {"alpha": [0.1]}, cv=2), cv=2),
        GridSearchCV(CalibratedClassifierCV(RNN, cv=2), {"method": ["sigmoid"]}, cv=2),
        VotingClassifier([("a", RNN)], voting="soft"),
        VotingRegressor([("a", REG)]),
        StackingClassifier([("a", RNN)], cv=2),
        StackingRegressor([("a", REG)], cv=2),
        OneVsRestClassifier(RNN),
        make_pipeline(make_union(RNN, clone(RNN)), LogisticRegression()),
        make_pipeline(ColumnTransformer([("a", RNN, [0, 1])]), LogisticRegression()),
        TransformedTargetRegressor(REG),
        TransformedStepTargetRegressor(network("number", None), transformer=StandardScaler()),
    ],
)
def test_estimators_around_recurrent_networks_are_refused(estimator, sequences):
    X, y = sequences
    if "columntransformer" in dict(getattr(estimator, "steps", ())):
        X = np.random.RandomState(0).normal(size=(len(X), 2))
    if isinstance(estimator, TransformedStepTargetRegressor):
        y = [np.arange(len(x)) for x in X]
    message = r"around (\w+RNN\w+|PerStep) cannot be exported to ONNX\. Networks, Ens.* can be"
    with pytest.raises(ValueError, match=message) as error:
        to_onnx(estimator.fit(X, y))
    assert ("Export its regressor_" in str(error.value)) == hasattr(estimator, "regressor_")


def test_estimators_around_multilayer_perceptrons(table):
    X, y = table
    mlp, rows = XORMLPClassifier((3,), max_iter=2), X.astype(np.float32)
    for estimator in (OneVsRestClassifier(mlp), StackingClassifier([("a", mlp)], cv=2)):
        outputs = run(to_onnx(estimator.fit(X, y)), {"X": rows})
        expected = estimator.predict_proba(X)
        np.testing.assert_allclose(outputs["probabilities"], expected, atol=TOLERANCE)
    for estimator in (
        CalibratedClassifierCV(mlp, cv=2),
        TransformedTargetRegressor(XORMLPRegressor(hidden_layer_sizes=(3,), max_iter=2)),
    ):
        with pytest.raises(ValueError, match=r"around XORMLP\w+ cannot be exported to ONNX"):
            to_onnx(estimator.fit(X, y))


def test_without_skl2onnx():
    code = (
        "import sys; sys.modules['skl2onnx'] = None\n"
        "from skrnn import XORMLPClassifier\n"
        "from skrnn.onnx import to_onnx\n"
        "clf = XORMLPClassifier((2,), random_state=0).fit([[0], [1]], [0, 1])\n"
        "try: to_onnx(clf)\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "skrnn[onnx]"' in done.stdout


@pytest.mark.parametrize("lengths", ["input", "nan"])
@pytest.mark.parametrize(
    ("transformer", "X"),
    [
        (PerStep(OneHotEncoder()), [list("ab"), list("b")]),
        (PerStep(OrdinalEncoder()), [list("ab"), list("b")]),
        (
            TableTransformer(static=OneHotEncoder()),
            pd.DataFrame({"u": [[1.0, 2.0], [3.0]], "sex": ["f", "m"]}),
        ),
        (OneHotEncoder(sparse_output=False), np.array([["a"], ["b"]])),
    ],
)
def test_text_without_types_of_the_inputs_is_refused(transformer, X, lengths):
    pipe = make_pipeline(transformer, SequenceRNNClassifier(2, max_iter=1)).fit(X, [0, 1])
    message = r"fitted on text, but .* are numbers: \[\('X', .* initial_types with StringT"
    with pytest.raises(ValueError, match=message):
        to_onnx(pipe, lengths=lengths)


def test_steps_of_text_and_numbers_are_refused_and_the_advice_helps():
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

    frames = [
        pd.DataFrame({"u": [1.0, 2.0, 4.0], "c": ["x", "y", "x"]}),
        pd.DataFrame({"u": [3.0], "c": ["x"]}),
    ]

    def fit(frames, transformer):
        columns = ColumnTransformer([("u", StandardScaler(), ["u"]), ("c", OneHotEncoder(), ["c"])])
        model = make_pipeline(transformer(columns), SequenceRNNClassifier(2, max_iter=1))
        return model.fit(frames, [0, 1])

    lengths = ("lengths", Int64TensorType([None]))
    one, text = FloatTensorType([None, None, 1]), StringTensorType([None, None, 1])
    for transformer in (PerStep, TableTransformer):
        mixed = fit(frames, transformer)
        for types in (
            None,
            [("X", StringTensorType([None, None, 2])), lengths],
            [("u", one), ("c", text), lengths],
        ):
            with pytest.raises(ValueError, match=r"text and of numbers.*an OrdinalEncoder"):
                to_onnx(mixed, initial_types=types)
    encoder = OrdinalEncoder().fit(pd.concat(frames)[["c"]])
    codes = [frame.assign(c=encoder.transform(frame[["c"]])) for frame in frames]
    assert to_onnx(fit(codes, PerStep)).graph.input[0].name == "X"
