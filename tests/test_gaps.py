"""Gaps: forward imputation, indicators and times against a loop, and the cell GRU-D end to end."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric_helpers import assert_close, one_by_one, random_params
from numpy.testing import assert_array_equal
from recipes import ONE_DIRECTION
from scipy.sparse import csr_array
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import (
    ForwardImputer,
    PerStep,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
    as_sequences,
)
from skrnn._numeric.packing import Packing
from skrnn._numeric.recurrent import CELLS
from skrnn.onnx import to_onnx
from skrnn.pytorch import to_state_dict

pytestmark = [pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

NAN = np.nan
RNG = np.random.RandomState(0)
LENGTHS = [5, 1, 0, 7, 3, 2]
ALL = {"add_indicator": True, "add_elapsed": True}


def with_gaps(lengths, rng, n_features=3):
    """Arrays whose first feature is the time, and of which about half of the rest is missing."""
    arrays = []
    for n in lengths:
        x = rng.normal(size=(n, n_features))
        x[rng.uniform(size=x.shape) < 0.5] = NAN
        x[:, 0] = rng.uniform(0, 3, n).cumsum()
        arrays.append(x)
    return arrays


ARRAYS = with_gaps(LENGTHS, RNG)
MEANS = np.nanmean(np.concatenate(ARRAYS), axis=0)


def by_hand(x, means, time=None):
    """Impute one sequence, one value at a time, by equations 1 and 2 of Che et al. (2018)."""
    times = np.arange(float(len(x))) if time is None else x[:, time]
    values, missing, elapsed = (np.zeros(x.shape) for _ in range(3))
    for d in range(x.shape[1]):
        last = means[d]
        for t in range(len(x)):
            if t > 0:
                since = 0 if not missing[t - 1, d] else elapsed[t - 1, d]
                elapsed[t, d] = times[t] - times[t - 1] + since
            missing[t, d] = np.isnan(x[t, d])
            last = last if missing[t, d] else x[t, d]
            values[t, d] = last
    return np.hstack([values, missing, elapsed])


# ForwardImputer ------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(
    lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5).filter(any),
    seed=st.integers(0, 1000),
    time=st.sampled_from([None, 0]),
)
def test_output_equals_a_loop(lengths, seed, time):
    X = with_gaps(lengths, np.random.RandomState(seed))
    imputer = ForwardImputer(**ALL, time=time).fit(ARRAYS)
    assert_close(imputer.statistics_, MEANS, 1e-14)
    for x, output in zip(X, imputer.transform(X), strict=True):
        assert_close(output, by_hand(x, MEANS, time))


@pytest.mark.parametrize("add_indicator", [False, True])
@pytest.mark.parametrize("add_elapsed", [False, True])
def test_blocks_and_their_names(add_indicator, add_elapsed):
    frames = [pd.DataFrame(x, columns=["t", "a", "b"]) for x in ARRAYS]
    imputer = ForwardImputer(add_indicator=add_indicator, add_elapsed=add_elapsed, time="t")
    blocks = {"": True, "missingindicator_": add_indicator, "elapsed_": add_elapsed}
    names = [prefix + name for prefix, kept in blocks.items() if kept for name in "tab"]
    columns = np.repeat(list(blocks.values()), 3)
    output = imputer.fit_transform(frames)
    assert imputer.get_feature_names_out().tolist() == names
    in_pandas = imputer.set_output(transform="pandas").transform(frames)
    for x, of_arrays, frame in zip(ARRAYS, output, in_pandas, strict=True):
        assert_close(of_arrays, by_hand(x, MEANS, 0)[:, columns])
        assert frame.columns.tolist() == names
        assert_array_equal(frame, of_arrays)


@pytest.mark.parametrize("missing", [NAN, None, pd.NA])
def test_what_stands_in_an_unobserved_place_does_not_matter(missing):
    """Neither the kind of a missing value, nor the bits of NaN."""
    expected = ForwardImputer(**ALL).fit_transform(ARRAYS)
    objects = [np.where(np.isnan(x), missing, x.astype(object)) for x in ARRAYS]
    for X in (objects, [pd.DataFrame(x) for x in objects], [-x * -1 for x in ARRAYS]):
        for one, other in zip(ForwardImputer(**ALL).fit_transform(X), expected, strict=True):
            assert_array_equal(one, other)


def test_alone_equals_together():
    imputer = ForwardImputer(**ALL, time=0).fit(ARRAYS)
    for x, together in zip(ARRAYS, imputer.transform(ARRAYS), strict=True):
        assert_array_equal(imputer.transform([x])[0], together)
        for n_steps in range(len(x)):  # the steps that follow do not matter
            assert_array_equal(imputer.transform([x[:n_steps]])[0], together[:n_steps])


def test_padding_stays_padding():
    ragged = [x for x in ARRAYS if len(x)]
    padded = as_sequences(ragged, numeric=False).to_padded(9)
    for imputer in (ForwardImputer(), ForwardImputer(**ALL)):
        expected = imputer.fit_transform(ragged)
        output = imputer.fit_transform(padded)
        assert output.shape[:2] == (len(ragged), 9)
        for steps, x in zip(output, expected, strict=True):
            assert_array_equal(steps[: len(x)], x)
            assert np.isnan(steps[len(x) :]).all()
    flat = ForwardImputer(step_features=3).fit_transform(padded.reshape(len(padded), -1))
    assert_array_equal(flat, ForwardImputer().fit_transform(padded).reshape(len(padded), -1))


def test_sequences_keep_what_belongs_to_them():
    rows, static = np.arange(sum(LENGTHS))[::-1], np.arange(6.0)[:, None]
    X = Sequences(np.concatenate(ARRAYS), LENGTHS, static=static, ids=list("uvwxyz"), rows=rows)
    output = ForwardImputer(**ALL).fit_transform(X)
    assert output.lengths.tolist() == LENGTHS
    assert output.ids.tolist() == list("uvwxyz")
    assert_array_equal(output.static, static)
    assert_array_equal(output.rows, rows)


def test_single_precision_is_kept():
    X = [np.float32(x) for x in ARRAYS]
    output = ForwardImputer(**ALL, time=0).fit_transform(X)
    assert {x.dtype for x in output} == {np.dtype(np.float32)}


def test_a_feature_without_observation_becomes_0():
    X = [pd.DataFrame({"a": [1.0, NAN], "b": [NAN, NAN]}), pd.DataFrame({"a": [3.0], "b": [NAN]})]
    with pytest.warns(UserWarning, match=r"features \['b'\] of X have no observed value in fit"):
        output = ForwardImputer().fit_transform(X)
    assert_array_equal(np.concatenate(output), [[1, 0], [1, 0], [3, 0]])


NAMED = [pd.DataFrame({"a": [1.0, 2.0, 3.0], "t": [0.0, 4.0, 4.0]})] * 2


@pytest.mark.parametrize(
    ("X", "time", "message"),
    [
        (NAMED, "u", r"time='u' is no feature of X: its features are \['a', 't'\]\. An index"),
        (NAMED, 2, r"time=2 is no feature of X: .* from 0 to 1"),
        (ARRAYS, "t", "time='t' is no feature of X: its features have no names, as in arrays"),
        (ARRAYS[3:], 1, "feature 1 of X, is missing at step 0 of sequence 0"),
        (
            [[[0.0], [5.0]], [[1.0], [3.0], [2.5]]],
            0,
            "feature 0 of X, decreases from 3 to 2.5 at step 2 of sequence 1. Sort the steps",
        ),
        ([*NAMED, NAMED[0][::-1]], "t", "'t' of X, decreases from 4 to 0 at step 2 of sequence 2"),
    ],
)
def test_times_that_are_refused(X, time, message):
    imputer = ForwardImputer(add_elapsed=True, time=time)
    with pytest.raises(ValueError, match=message):
        imputer.fit(X)
    assert not hasattr(imputer, "statistics_")


def test_times_of_new_sequences_are_checked():
    imputer = ForwardImputer(add_elapsed=True, time="t").fit(NAMED)
    with pytest.raises(ValueError, match="'t' of X, decreases from 4 to 0 at step 2 of sequence 0"):
        imputer.transform([NAMED[0][::-1]])
    later = [NAMED[0].assign(t=[5.0, 5.0, 6.0]), NAMED[1]]
    assert len(imputer.transform(later)) == 2  # the next sequence may start earlier


def test_sparse_steps_are_refused():
    with pytest.raises(TypeError, match="sparse steps, but ForwardImputer requires arrays"):
        ForwardImputer().fit([csr_array(np.eye(2))])


# GRU-D ---------------------------------------------------------------------------------------


KINDS = [SequenceRNNClassifier, SequenceRNNRegressor, StepRNNClassifier, StepRNNRegressor]
QUICK = {"cell": "gru_d", "max_iter": 2, "random_state": 0}


def target(kind, X):
    if kind in KINDS[:2]:
        return np.arange(len(X)) % 2
    return [np.arange(len(x)) % 2 for x in X]


def pipeline(network, **options):
    imputer = ForwardImputer(**ALL, **options)
    return make_pipeline(PerStep(StandardScaler()), imputer, network)


def answers(model, X):
    method = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    return np.concatenate([np.ravel(answer) for answer in method(X)])


def test_several_features_equal_a_textbook_loop():
    packing = Packing(LENGTHS)
    p = random_params({"layer": CELLS["gru_d"].shapes(9, 4)})["layer"]
    X = ForwardImputer(**ALL).fit_transform(ARRAYS)
    (h,), _ = CELLS["gru_d"].run(p, np.concatenate(X)[packing.to_packed], packing, (0,))
    expected = one_by_one("gru_d", p, X, [[np.zeros(4)]] * len(X))
    assert_close(h[packing.to_concatenated], expected)


def test_without_gaps_and_decay_it_is_a_gru():
    x, indicators = RNG.normal(size=(12, 2)), np.zeros((12, 2))
    times = RNG.uniform(size=(12, 2))
    p = random_params({"layer": CELLS["gru_d"].shapes(6, 4)})["layer"]
    for name in ("W_x", "W_h", "b_x", "b_h"):
        p[name][...] = -1
    packing = Packing([7, 5])
    (decayed,), _ = CELLS["gru_d"].run(p, np.hstack([x, indicators, times]), packing, (0,))
    of_gru = {**p, "W": p["W"][:, :2]}
    (h,), _ = CELLS["gru"].run(of_gru, x, packing, (0,))
    assert_close(decayed, h, 1e-15)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_unobserved_values_never_change_an_answer(kind, bidirectional):
    network = kind(4, bidirectional=bidirectional, **QUICK)
    y = target(kind, ARRAYS)
    expected = answers(pipeline(network).fit(ARRAYS, y), ARRAYS)
    for missing in (None, pd.NA):
        X = [np.where(np.isnan(x), missing, x.astype(object)) for x in ARRAYS]
        model = pipeline(network).fit(X, y)
        assert_close(answers(model, X), expected)
        assert_close(answers(model, ARRAYS), expected)
        for i, x in enumerate(X):  # alone equals together
            alone = model.predict([x])[0]
            assert_close(np.ravel(alone), np.ravel(model.predict(ARRAYS)[i]))


@pytest.mark.parametrize("kind", KINDS)
def test_sequences_without_step_or_observation_are_answered(kind):
    nothing, empty = np.full((4, 3), NAN), np.empty((0, 3))
    X = [*ARRAYS, nothing, empty]
    network = kind(4, bidirectional=False, **QUICK)
    model = pipeline(network).fit(X, target(kind, X))
    assert np.isfinite(answers(model, X)).all()
    assert np.isfinite(answers(model, [nothing])).all()
    scaled = model[:-1].transform([nothing])[0]
    assert_close(scaled[:, :3], np.tile(model[1].statistics_, (4, 1)))
    state = model[-1].initial_state()
    for t in range(4):  # a stream transforms the steps so far, and passes the last row
        answer, state = model[-1].step(model[:-1].transform([nothing[: t + 1]])[0][-1], state)
    assert_close(np.ravel(answer), answers(model, [nothing])[-answer.size :])


def test_streams_equal_predictions():
    model = pipeline(SequenceRNNClassifier((4, 3), **QUICK, **ONE_DIRECTION))
    model.fit(ARRAYS, [0, 1] * 3)
    before, network = model[:-1], model[-1]
    for x in ARRAYS:
        state = network.initial_state()
        for t in range(len(x)):
            predicted, state = network.step(before.transform([x[: t + 1]])[0][-1], state)
            assert_close(predicted, model.predict_proba([x[: t + 1]]))


def test_a_task_is_learned():
    """The label depends on when the only observation was made."""
    rng = np.random.RandomState(0)
    X, y = [], rng.randint(2, size=60)
    for label in y:
        x = np.full((8, 1), NAN)
        x[rng.randint(0, 3) + 5 * label] = 1 + rng.normal() / 10
        X.append(x)
    imputer = ForwardImputer(**ALL)
    network = SequenceRNNClassifier(4, cell="gru_d", max_iter=40, random_state=0, **ONE_DIRECTION)
    model = make_pipeline(imputer, network).fit(X, y)
    assert model.score(X, y) == 1


def test_initial_decay_is_gentle():
    clf = SequenceRNNClassifier((4, 3), cell="gru_d", solver="sgd", learning_rate_init=1e-300)
    for init in ("auto", "uniform"):
        clf.set_params(init=init, max_iter=1)
        model = pipeline(clf).fit(ARRAYS, [0, 1] * 3)
        first, second = (model[-1].weights_[f"recurrent_{i}"] for i in range(2))
        assert set(first["W_x"]) == {0.01}
        assert_close(first["W_h"].sum(axis=0), np.full(4, 0.01), 1e-15)
        assert_close(np.r_[first["b_x"], first["b_h"]], np.zeros(3 + 4), 1e-15)
        assert set(second) == {"W", "U", "b", "b_rec"}  # a GRU


def test_in_a_grid_search_and_with_single_precision():
    X = [np.float32(x) for x in with_gaps([4] * 12, RNG)]
    grid = {"forwardimputer__time": [None, 0], "sequencernnclassifier__alpha": [0.1]}
    model = pipeline(SequenceRNNClassifier(3, cell="gru_d", max_iter=1, random_state=0))
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, [0, 1] * 6)
    assert search.predict_proba(X).dtype == np.float32


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((4, 5, 4)), "X has 4 features, which is no multiple of 3"),
        (np.full((4, 5, 3), 1.5), "But X has 1.5 at step 0 of sequence 0, feature 1"),
        (np.full((4, 5, 3), 0.5), "X has 0.5 at .*, feature 1, where an indicator of 0 or 1 or a"),
        (np.full((4, 5, 6), [9, -9, 1, 0, 0, -0.5]), "X has -0.5 at step 0 of .*, feature 5"),
        (
            csr_array(np.array([[1.0, 0, 2], [0, -1, 0]])),
            "X has -1 at step 0 of sequence 1, feature 1",
        ),
    ],
)
def test_other_features_are_refused(X, message):
    X = Sequences(X, [1, 1]) if not isinstance(X, np.ndarray) else X
    clf = SequenceRNNClassifier(3, cell="gru_d")
    message = rf"cell='gru_d' takes the output of ForwardImputer\(add_indicator=True.*{message}"
    with pytest.raises(ValueError, match=message):
        clf.fit(X, np.arange(len(X)) % 2)


@pytest.mark.parametrize("kind", KINDS)
def test_other_features_are_refused_after_fit(kind):
    X = ForwardImputer(**ALL).fit_transform(ARRAYS)
    network = kind(3, **QUICK, **ONE_DIRECTION).fit(X, target(kind, X))
    n_features, state = X[0].shape[1], network.initial_state(2)
    for column, value in [(n_features // 3, 1.5), (n_features // 3, 0.5), (n_features - 1, -2.0)]:
        found = rf"ForwardImputer\(.*X has {value:g} at step 1 of sequence 0, feature {column},"
        wrong = X[0].copy()
        wrong[1, column] = value
        with pytest.raises(ValueError, match=found):
            network.predict([wrong])
        found = rf"ForwardImputer\(.*x_t has {value:g} in stream 1, feature {column}, where an ind"
        for layout in (np.asarray, csr_array):
            with pytest.raises(ValueError, match=found):
                network.step(layout(wrong[:2]), state)


def test_the_check_is_that_of_the_fitted_cell():
    X, y = ForwardImputer(**ALL).fit_transform(ARRAYS), [0, 1] * 3
    other = [x + 0.5 for x in X]
    of_gaps, of_gru = (SequenceRNNClassifier(3, **{**QUICK, "cell": c}) for c in ("gru_d", "gru"))
    of_gaps.fit(X, y, X_val=X, y_val=y).set_params(cell="gru")
    of_gru.fit(other, y).set_params(cell="gru_d")
    with pytest.raises(ValueError, match=r"But X has .* where an indicator of 0 or 1"):
        of_gaps.predict(other)
    assert len(of_gru.predict(other)) == 6
    of_gaps.fit(other, y, X_val=other, y_val=y)  # now a GRU


def test_export_to_onnx_is_refused():
    pytest.importorskip("skl2onnx")
    model = pipeline(SequenceRNNClassifier(3, cell="gru_d", max_iter=1)).fit(ARRAYS, [0, 1] * 3)
    with pytest.raises(ValueError, match="ONNX has no operator for cell='gru_d'; it has 'rnn', "):
        to_onnx(model[-1])


def test_export_to_pytorch_is_refused():
    model = pipeline(SequenceRNNClassifier(3, cell="gru_d", max_iter=1)).fit(ARRAYS, [0, 1] * 3)
    with pytest.raises(ValueError, match="PyTorch has no cell='gru_d'; it has 'rnn', 'gru', "):
        to_state_dict(model[-1])
