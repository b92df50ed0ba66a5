"""Static features in networks: frames, `Sequences`, streams, ONNX, and errors."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numeric_helpers import CELLS
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, issparse
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skrnn import (
    EnsembleClassifier,
    ForwardImputer,
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
    TableTransformer,
    as_sequences,
    load,
    save,
)
from skrnn.pytorch import to_state_dict

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

QUICK = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0}
KINDS = [SequenceRNNClassifier, SequenceRNNRegressor, StepRNNClassifier, StepRNNRegressor]
AT_STEPS = [kind for kind in KINDS if kind is not StepRNNClassifier]
FRAMES = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}
LENGTHS = [3, 0, 2, 4, 1, 0]
N = len(LENGTHS)
RNG = np.random.RandomState(0)
X = Sequences(RNG.normal(size=(sum(LENGTHS), 2)), LENGTHS, static=RNG.normal(size=(N, 3)))
COLUMNS = {
    "age": X.static[:, 0].tolist(),
    "u": [steps[:, 0].tolist() for steps in X],
    "v": [steps[:, 1].tolist() for steps in X],
    "dose": X.static[:, 1].tolist(),
}


def targets(kind):
    """Targets of `X` for a kind of estimator."""
    y = np.arange(N) % 2
    return [np.arange(n) % 2 for n in LENGTHS] if "Step" in kind.__name__ else y


def fitted(kind, X=X, **params):
    return kind(**QUICK | params).fit(X, targets(kind))


def random_weights(estimator):
    """Replace every weight by a random number, so that static features have an effect."""
    rng = np.random.RandomState(0)
    for p in estimator.weights_.values():
        for array in p.values():
            array[...] = rng.normal(0, 0.5, array.shape)
    return estimator


def flat(predictions):
    return np.concatenate(list(predictions)) if predictions.dtype == object else predictions


# Frames and Sequences ----------------------------------------------------------------------------


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_equals_sequences_with_a_static_table(kind, library):
    frame = getattr(pytest.importorskip(library), FRAMES[library])(COLUMNS)
    read = as_sequences(frame)
    assert_array_equal(read.lengths, LENGTHS)
    assert list(getattr(read.static, "column_names", read.static.columns)) == ["age", "dose"]
    of_frame = fitted(kind, frame)
    of_sequences = fitted(kind, Sequences(X.values, LENGTHS, static=X.static[:, :2]))
    assert of_frame.n_static_features_ == of_sequences.n_static_features_ == 2
    assert of_frame.static_feature_names_in_.tolist() == ["age", "dose"]
    assert of_frame.feature_names_in_.tolist() == ["u", "v"]
    assert not hasattr(of_sequences, "static_feature_names_in_")
    predicted = flat(of_frame.predict(frame))
    assert_array_equal(predicted, flat(of_sequences.predict(as_sequences(frame))))


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_depend_on_the_static_features(kind):
    estimator = random_weights(fitted(kind))
    other = Sequences(X.values, LENGTHS, static=X.static + 1)
    method = "predict_proba" if "Classifier" in kind.__name__ else "predict"
    before, after = (flat(getattr(estimator, method)(given)) for given in (X, other))
    assert np.all(before != after)


@pytest.mark.parametrize("kind", KINDS)
def test_each_sequence_is_predicted_alone_as_among_others(kind):
    estimator = random_weights(fitted(kind, cell="lstm"))
    together = estimator.predict(X)
    order = [5, 3, 0, 1, 4, 2]
    assert_allclose(flat(estimator.predict(X[order])), flat(together[order]), atol=1e-12)
    for i in range(N):
        assert_allclose(flat(estimator.predict(X[i : i + 1])), flat(together[i : i + 1]))


def test_static_features_alone_can_be_learned():
    """The sequences are noise, and some are empty; the class is the sign of a static feature."""
    rng = np.random.RandomState(0)
    lengths = rng.randint(0, 4, 80)
    static = rng.normal(size=(80, 2))
    noise = Sequences(rng.normal(size=(lengths.sum(), 1)), lengths, static=static)
    y = static[:, 1] > 0
    clf = SequenceRNNClassifier(8, random_state=0).fit(noise[:50], y[:50])
    assert clf.score(noise[50:], y[50:]) > 0.85
    assert np.any(clf.weights_["recurrent_0"]["W"][:, -2:])


def test_what_static_features_do_with_the_steps_can_be_learned():
    """The class is the sign of the mean step, or the other one if a static feature is 0."""
    rng = np.random.RandomState(0)
    lengths, static = rng.randint(5, 15, 300), rng.randint(2, size=(300, 1))
    steps = rng.normal(size=(lengths.sum(), 1)) + np.repeat(rng.normal(size=(300, 1)), lengths, 0)
    signed = Sequences(steps, lengths, static=2.0 * static - 1)
    y = np.array([x.mean() > 0 for x in signed]) ^ (static[:, 0] == 0)
    clf = SequenceRNNClassifier(16, random_state=0).fit(signed[:200], y[:200])
    assert clf.score(signed[200:], y[200:]) > 0.85


def repeated(X):
    """Put the static features beside each step, as columns."""
    columns = np.repeat(X.static, X.lengths, axis=0)
    return Sequences(np.hstack([X.values, columns]), X.lengths)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", [name for name in CELLS if not CELLS[name].decays])
@pytest.mark.parametrize("kind", AT_STEPS)
def test_the_first_layer_reads_static_features_as_columns_of_each_step(kind, cell, bidirectional):
    skip = {"skip_connection": None} if kind is SequenceRNNRegressor else {}
    params = {"cell": cell, "bidirectional": bidirectional, "hidden_layer_sizes": (5, 3), **skip}
    of_static = random_weights(fitted(kind, **params))
    of_columns = fitted(kind, repeated(X), **params)
    of_static.weights_["output"]["W"][-3:] = 0
    weights = {name: dict(p) for name, p in of_static.weights_.items()}
    weights["output"]["W"] = weights["output"]["W"][:-3]
    of_columns.weights_ = weights
    method = "predict_proba" if "Classifier" in kind.__name__ else "predict"
    expected = flat(getattr(of_columns, method)(repeated(X)))
    assert_allclose(flat(getattr(of_static, method)(X)), expected, atol=1e-12)
    states, of_steps = of_static.hidden_states(X), of_columns.hidden_states(repeated(X))
    assert_allclose(np.vstack(states), np.vstack(of_steps), atol=1e-12)
    gradients = np.vstack(of_columns.input_gradients(repeated(X)))[:, :2]
    assert_allclose(np.vstack(of_static.input_gradients(X)), gradients, atol=1e-12)


@pytest.mark.parametrize("bptt_steps", [None, 2])
def test_training_reads_sparse_steps_as_dense_ones(bptt_steps):
    params = {"bptt_steps": bptt_steps, "embedding_size": None}
    dense = fitted(SequenceRNNClassifier, **params)
    sparse = fitted(SequenceRNNClassifier, X.with_values(csr_array(X.values)), **params)
    for name, p in dense.weights_.items():
        for key, weights in p.items():
            assert_allclose(sparse.weights_[name][key], weights, atol=1e-10)


def test_weights_of_static_features_begin_at_a_quarter_of_the_others():
    clf = fitted(SequenceRNNClassifier, hidden_layer_sizes=(60,), learning_rate_init=1e-12)
    for name in ("recurrent_0", "recurrent_0_reverse"):
        W = np.abs(clf.weights_[name]["W"])
        bound = np.sqrt(6 / (2 + 3 + 60))  # of Glorot's uniform distribution
        assert_allclose([W[:, :2].max(), W[:, 2:].max()], [bound, bound / 4], rtol=0.02)


def test_frames_of_steps_have_the_static_features_once():
    clf = fitted(SequenceRNNClassifier, frame_length=2)
    assert clf.weights_["recurrent_0"]["W"].shape == (3, 2 * 2 + 3, 5)
    again = SequenceRNNClassifier(**QUICK | {"max_iter": 1}, init=clf.weights_)
    again.fit(X, targets(SequenceRNNClassifier))
    assert again.weights_["recurrent_0"]["W"].shape == (3, 2 * 2 + 3, 5)


def test_search_and_cross_validation_of_a_pipeline_on_a_frame():
    frame = pd.DataFrame({name: column * 4 for name, column in COLUMNS.items()})
    y = np.arange(4 * N) % 2
    pipeline = make_pipeline(PerStep(StandardScaler()), SequenceRNNClassifier(**QUICK))
    search = GridSearchCV(pipeline, {"sequencernnclassifier__cell": ["gru", "lstm"]}, cv=2)
    search.fit(frame, y)
    assert search.predict(frame).shape == (4 * N,)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert cross_val_predict(pipeline, frame, y, cv=2).shape == (4 * N,)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_transformer_returns_the_static_columns_of_a_frame(library):
    frame = pytest.importorskip(library).DataFrame(COLUMNS)
    scaler = PerStep(StandardScaler())
    scaled = scaler.fit_transform(frame)
    assert isinstance(scaled, Sequences)
    assert_array_equal(np.asarray(scaled.static), np.transpose([COLUMNS["age"], COLUMNS["dose"]]))
    as_frame = scaler.set_output(transform=library).transform(frame)
    assert list(as_frame.columns) == ["age", "dose", "u", "v"]
    assert_array_equal(as_frame["age"], frame["age"])
    assert_array_equal(as_sequences(as_frame).values, scaled.values)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_and_pickles(kind):
    static = X.static.astype(np.float32)
    single = Sequences(X.values.astype(np.float32), LENGTHS, static=static)
    estimator = fitted(kind, single)
    assert {array.dtype for p in estimator.weights_.values() for array in p.values()} == {
        np.dtype(np.float32)
    }
    loaded = pickle.loads(pickle.dumps(estimator))
    assert_array_equal(flat(loaded.predict(single)), flat(estimator.predict(single)))


def test_warm_start_partial_fit_validation_and_early_stopping():
    clf = SequenceRNNClassifier(**QUICK, warm_start=True)
    y = targets(SequenceRNNClassifier)
    clf.fit(X, y, X_val=X[:3], y_val=y[:3]).fit(X, y)
    clf.partial_fit(X[:4], y[:4])
    with pytest.raises(ValueError, match=r"X has no static features, but .* expecting 3 as in"):
        clf.partial_fit(X.without_static(), y)
    many = X[np.arange(60) % N]
    early = SequenceRNNClassifier(**QUICK, early_stopping=True).fit(many, np.arange(60) % 2)
    assert len(early.validation_scores_) == 3


def test_hidden_states_read_the_static_features():
    clf = random_weights(fitted(SequenceRNNClassifier, bidirectional=False, pooling="last"))
    states = clf.hidden_states(X)
    assert_allclose(clf.transform(X)[0], states[0][-1])
    assert clf.transform(X).shape == (N, 5)
    assert not np.any(clf.transform(X)[1])  # of a sequence without steps
    other = clf.hidden_states(X.with_static(X.static + 1))
    assert np.all(np.vstack(other) != np.vstack(states))


def test_hidden_states_of_gru_d_start_from_the_static_features():
    X_gaps = ForwardImputer(add_indicator=True, add_elapsed=True).fit_transform(X)
    params = {"cell": "gru_d", "bidirectional": False, "pooling": "last"}
    clf = random_weights(fitted(SequenceRNNClassifier, X_gaps, **params))
    initial = X.static @ clf.weights_["initial_0"]["W"][0]
    assert_allclose(clf.transform(X_gaps)[1], initial[1])  # of a sequence without steps


def test_classifiers_of_steps_start_from_the_static_features():
    clf = random_weights(fitted(StepRNNClassifier))
    assert clf.weights_["recurrent_0"]["W"].shape[1] == clf.n_step_features_
    assert clf.weights_["initial_0"]["W"].shape == (1, 3, 5)
    other = clf.hidden_states(X.with_static(X.static + 1))
    assert np.all(np.vstack(other) != np.vstack(clf.hidden_states(X)))


# Networks of before they read static features at each step --------------------------------------


def older(kind, **params):
    """Fit an estimator whose static features make the initial states, as they all did once."""

    class Older(kind):
        def _reads_static_at_steps(self, warm_start):
            return False

    return random_weights(Older(**QUICK | params).fit(X, targets(kind)))


def as_saved_before(estimator, kind):
    """Restore the estimator from a state that lacks the later field of the architecture."""
    state = estimator.__getstate__()
    state["_architecture"] = dict(state["_architecture"])
    del state["_architecture"]["static_at_steps"]
    loaded = kind.__new__(kind)
    loaded.__setstate__(state)
    return loaded


@pytest.mark.parametrize("kind", AT_STEPS)
def test_older_networks_are_loaded_and_continued(kind, tmp_path):
    estimator = older(kind)
    assert "initial_0" in estimator.weights_
    loaded = as_saved_before(estimator, kind)
    save(loaded, tmp_path / "older.skrnn")
    loaded = load(tmp_path / "older.skrnn")
    assert_array_equal(flat(loaded.predict(X)), flat(estimator.predict(X)))
    loaded.partial_fit(X, targets(kind))
    assert "initial_0" in loaded.weights_
    again = loaded.set_params(warm_start=True).fit(X, targets(kind))
    assert "initial_0" in again.weights_
    new = again.set_params(warm_start=False).fit(X, targets(kind))
    assert "initial_0" not in new.weights_


@pytest.mark.parametrize("kind", AT_STEPS)
def test_weights_of_older_networks_are_initial_weights(kind):
    estimator = older(kind)
    given = {name: p for name, p in estimator.weights_.items() if name != "skip"}
    new = kind(**QUICK | {"init": given, "max_iter": 1}).fit(X, targets(kind))
    assert "initial_0" in new.weights_


def test_input_gradients_equal_differences():
    reg = random_weights(fitted(SequenceRNNRegressor, skip_connection=None))
    gradient = reg.input_gradients(X)[0]
    moved = [X.values.copy() for _ in range(2)]
    for sign, values in zip((1, -1), moved, strict=True):
        values[1, 0] += sign * 1e-5
    up, down = (reg.predict(X.with_values(values))[0] for values in moved)
    assert_allclose(gradient[1, 0], (up - down) / 2e-5, rtol=1e-6)


# Streams -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_starts_from_the_static_features(kind, cell):
    params = {"pooling": ("last", "mean", "attention")} if "Sequence" in kind.__name__ else {}
    gaps = ForwardImputer(add_indicator=True, add_elapsed=True)
    X_of_cell = gaps.fit_transform(X) if CELLS[cell].decays else X
    params |= {"bidirectional": False, "cell": cell, "hidden_layer_sizes": (4, 5)}
    estimator = random_weights(fitted(kind, X_of_cell, **params))
    method = "predict_proba" if "Classifier" in kind.__name__ else "predict"
    expected = getattr(estimator, method)(X_of_cell)
    for i in (0, 3):
        state = estimator.initial_state(static=X.static[i : i + 1])
        for x_t in X_of_cell[i]:
            predicted, state = estimator.step(x_t, state)
        of_all = expected[i][-1] if "Step" in kind.__name__ else expected[i]
        assert_allclose(predicted[0], of_all, atol=1e-12)


def test_streams_of_frames_and_of_ensembles():
    frame = pd.DataFrame(COLUMNS)
    member = SequenceRNNClassifier(**QUICK, bidirectional=False)
    ensemble = EnsembleClassifier(member, 2, random_state=0).fit(frame, np.arange(N) % 2)
    state = ensemble.initial_state(static=frame.loc[[0, 3], ["age", "dose"]])
    for x_t in np.stack([X[0], X[3][:3]], axis=1):
        predicted, state = ensemble.step(x_t, state)
    assert_allclose(predicted[0], ensemble.predict_proba(frame[:1])[0], atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_of_a_pipeline_with_a_sparse_table(kind):
    frame = pd.DataFrame(COLUMNS | {"sex": list("mfmfmf")})
    static = make_column_transformer(
        (StandardScaler(), ["age", "dose"]), (OneHotEncoder(), ["sex"])
    )
    static.set_params(sparse_threshold=1.0)
    network = kind(**QUICK, bidirectional=False)
    tables = TableTransformer(StandardScaler(), static)
    pipe = make_pipeline(tables, network).fit(frame, targets(kind))
    first = pipe[0].transform(frame[:1])
    assert issparse(first.static)
    state = random_weights(pipe[-1]).initial_state(static=first.static)
    for x_t in first[0]:
        predicted, state = pipe[-1].step(x_t, state)
    answer = getattr(pipe, "predict_proba", pipe.predict)(frame[:1])[0]
    assert_allclose(predicted[0], answer[-1] if kind._per_step else answer, atol=1e-12)


@pytest.mark.parametrize(
    ("n_streams", "static", "message"),
    [
        (None, None, r"= \(1, 3\), as .*, but got None\. After a TableTr"),
        (4, None, r"= \(4, 3\), as .*, but got None"),
        (None, X.static[:, :2], r"= \(6, 3\), as .*, but got one of shape \(6, 2\)"),
        (2, X.static, r"= \(2, 3\), as .*, but got one of shape \(6, 3\)"),
        (None, X.static[0], r"= \(1, 3\), as .*, but got one of shape \(3,\)"),
        (None, {"age": 3}, r"= \(1, 3\), as .*, but got \{'age': 3\}"),
        (None, pd.DataFrame(COLUMNS)[:1], r"it is pipe\[0\]\.transform\(X\)\.static"),
        (None, X[:1], r"= \(1, 3\), as .*, but got one of shape \(1,\)"),
        (
            None,
            np.full((1, 3), np.nan),
            r"In initial_state\(static=...\): The static fea",
        ),
    ],
)
def test_streams_refuse_other_static_features(n_streams, static, message):
    clf = fitted(SequenceRNNClassifier, bidirectional=False)
    with pytest.raises(ValueError, match=message):
        clf.initial_state(n_streams, static=static)


def test_streams_refuse_static_features_that_fit_did_not_have():
    clf = fitted(SequenceRNNClassifier, bidirectional=False)
    without = fitted(SequenceRNNClassifier, X.without_static(), bidirectional=False)
    with pytest.raises(ValueError, match=r"fitted without static features\. Leave out `static`"):
        without.initial_state(static=X.static)
    with pytest.raises(ValueError, match="does not fit this network"):
        clf.step([0, 0], without.initial_state())


# Errors ------------------------------------------------------------------------------------------


def with_static(**columns):
    return pd.DataFrame(COLUMNS | columns)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            with_static(dose=["a"] * N),
            "'dose' of sequence 0 of X is text .*, not a number. Encode it",
        ),
        (with_static(dose=[1.0] * 5 + [None]), "'dose' of sequence 5 of X is missing. Impute"),
        (with_static(age=[1.0, np.inf] * 3), "'age' of sequence 1 of X is infinite"),
        (with_static(age=[1.0, [2.0]] * 3), "'age' of X holds a sequence in row 1, but 1.0 in row"),
        (
            with_static(day=pd.to_datetime(["2020-01-01"] * N)),
            "'day' of sequence 0 of X is a date .* Subtract",
        ),
        (with_static(z=[1j] * N), "static table of X must hold real numbers, or NaN; got complex"),
    ],
)
@pytest.mark.parametrize("kind", KINDS[:2])
def test_static_values_that_are_no_numbers_are_refused(kind, frame, message):
    with pytest.raises(ValueError, match=message):
        fitted(kind, frame)
    estimator = fitted(kind, with_static())
    before = pickle.dumps(estimator)
    with pytest.raises(ValueError, match=message):
        estimator.fit(frame, targets(kind))
    assert pickle.dumps(estimator) == before


def test_predict_needs_the_static_features_of_fit():
    clf, frame = fitted(SequenceRNNClassifier, pd.DataFrame(COLUMNS)), pd.DataFrame(COLUMNS)
    expecting = r"is expecting 2, \['age', 'dose'\], as in fit.*Sequences\(..., static=...\)"
    with pytest.raises(ValueError, match=f"X has no static features, but .* {expecting}"):
        clf.predict(frame[["u", "v"]])
    with pytest.raises(ValueError, match=rf"X has static features \['age'\], but .* {expecting}"):
        clf.predict(frame[["u", "v", "age"]])
    swapped = frame[["dose", "age", "u", "v"]]
    with pytest.raises(ValueError, match=r"are \['dose', 'age'\], but .* \['age', 'dose'\], in"):
        clf.predict(swapped)
    without = fitted(SequenceRNNClassifier, frame[["u", "v"]])
    with pytest.raises(ValueError, match=r"is expecting 0 as in fit. Pass X.without_static\(\)"):
        without.predict(frame)


def test_what_cannot_hold_static_features_refuses_them():
    with pytest.raises(ValueError, match=r"static features \[0, 1, 2\], which SequencePadder"):
        SequencePadder().fit(X)
    with pytest.raises(ValueError, match="static features, which have no place in the modules"):
        to_state_dict(fitted(SequenceRNNClassifier, pooling="last"))


def test_a_static_feature_far_from_unit_scale_is_named():
    rng = np.random.RandomState(0)
    far = Sequences(rng.normal(size=(40, 1)), [1] * 40, static=1e6 * rng.normal(size=(40, 2)))
    clf = SequenceRNNClassifier(**QUICK)
    with pytest.warns(UserWarning, match=r"X.static reach .* TableTransformer\(static=Standard"):
        clf.fit(far, rng.randint(2, size=40))


# ONNX --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", [name for name in CELLS if CELLS[name].onnx_operator])
@pytest.mark.parametrize("kind", KINDS)
def test_onnx_has_an_input_of_static_features(kind, cell, bidirectional):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("skl2onnx")
    from skrnn.onnx import to_onnx

    pooling = {"pooling": ("last", "mean", "max")} if "Sequence" in kind.__name__ else {}
    network = kind(**QUICK, cell=cell, bidirectional=bidirectional, **pooling)
    model = make_pipeline(PerStep(StandardScaler()), network).fit(X, targets(kind))
    random_weights(network)
    session = onnxruntime.InferenceSession(to_onnx(model).SerializeToString())
    assert [given.name for given in session.get_inputs()] == ["X", "lengths", "static"]
    padded, static = X.to_padded(fill_value=0.0).astype("f4"), X.static.astype("f4")
    output = session.run(None, {"X": padded, "lengths": X.lengths, "static": static})[-1]
    expected = (model.predict_proba if "Classifier" in kind.__name__ else model.predict)(X)
    if "Step" in kind.__name__:
        output = np.concatenate([rows[:n] for rows, n in zip(output, LENGTHS, strict=True)])
        expected = np.concatenate(list(expected))
    assert_allclose(output.reshape(expected.shape), expected, atol=2e-5)
