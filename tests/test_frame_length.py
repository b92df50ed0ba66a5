"""Frames that SequenceRNNClassifier reads: how long they are, and that everything knows them."""

import pickle

import numpy as np
import pytest
from numeric_helpers import assert_close, assert_gradient_is_exact, onnx_numbers
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier

import skrnn
from skrnn import EnsembleClassifier, Frames, SequenceRNNClassifier, Sequences
from skrnn._numeric.frames import frame_of_each_step, rows_of_frames
from skrnn.pytorch import from_state_dict, to_state_dict

RNG = np.random.RandomState(0)
X = [RNG.normal(size=(n, 2)) for n in RNG.randint(60, 140, size=60)]
Y = np.array(["a", "b"])[[int(x.sum() > 0) for x in X]]
FEW = {"hidden_layer_sizes": 4, "max_iter": 3, "random_state": 0}


def length_of(X, y=None, **parameters):
    y = np.arange(len(X)) % 2 if y is None else y
    clf = SequenceRNNClassifier(**{**FEW, "max_iter": 1, **parameters}).fit(X, y)
    return clf._architecture["frame_length"]


def test_rows_of_frames_end_with_the_last_step():
    n_frames, rows, is_step = rows_of_frames(np.array([5, 0, 2]), 3, 3)
    assert n_frames.tolist() == [2, 0, 1]
    assert rows.tolist() == [[0, 0, 1], [2, 3, 4], [5, 5, 6]]
    assert is_step.tolist() == [[False, True, True], [True] * 3, [False, True, True]]
    assert frame_of_each_step(np.array([5, 0, 2]), 3, 3).tolist() == [0, 0, 1, 1, 1, 2, 2]


# --- How long they are ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_steps", "expected"), [(1, 1), (47, 1), (49, 2), (79, 2), (81, 3), (320, 10), (1460, 46)]
)
def test_about_32_frames_are_left(n_steps, expected):
    assert length_of([np.ones((n_steps, 1))] * 4) == expected


def test_the_median_length_counts_not_the_longest():
    assert length_of([np.ones((n, 1)) for n in (20, 30, 40, 4000)]) == 1


def test_a_weight_of_two_is_a_sequence_twice():
    x = [np.ones((n, 1)) for n in (20, 30, 300, 320)]
    clf = SequenceRNNClassifier(**FEW).fit(x, [0, 1, 0, 1], sample_weight=[1, 1, 2, 2])
    twice = SequenceRNNClassifier(**FEW).fit(x + x[2:], [0, 1, 0, 1, 0, 1])
    assert clf._architecture["frame_length"] == twice._architecture["frame_length"] == 9
    assert_close(clf.predict_proba(x), twice.predict_proba(x), 1e-9)


@pytest.mark.parametrize(
    "parameters",
    [
        {"bidirectional": False},
        {"embedding_size": 3},
        {"hidden_layer_sizes": ()},
        {"frame_length": 1},
    ],
)
def test_where_there_are_none(parameters):
    assert length_of(X, Y) == 3
    assert length_of(X, Y, **parameters) == 1


def test_sparse_steps_have_none_unless_they_are_asked_for():
    sparse = Sequences(csr_array(np.concatenate(X)), [len(x) for x in X])
    assert length_of(sparse, Y) == 1
    asked = SequenceRNNClassifier(**FEW, frame_length=3).fit(sparse, Y)
    dense = SequenceRNNClassifier(**FEW, frame_length=3).fit(X, Y)
    assert_close(asked.predict_proba(sparse), dense.predict_proba(X), 1e-9)


def test_a_length_can_be_given_for_one_direction_and_for_short_sequences():
    short = [x[:5] for x in X]
    assert length_of(short, Y, frame_length=4, bidirectional=False) == 4


def test_networks_that_read_single_steps_refuse_them():
    with pytest.raises(ValueError, match=r"frame_length=2 is not possible with hidden_layer"):
        SequenceRNNClassifier((), frame_length=2).fit(X, Y)
    with pytest.raises(ValueError, match=r"'frame_length' parameter.*must be"):
        SequenceRNNClassifier(frame_length=0).fit(X, Y)


# --- That everything knows them ------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [{}, {"cell": "lstm", "pooling": "attention"}])
def test_the_network_is_that_of_the_transformer(parameters):
    clf = SequenceRNNClassifier(**FEW, **parameters).fit(X, Y)
    frames = Frames(3)
    expected = SequenceRNNClassifier(**FEW, **parameters, frame_length=1)
    expected.fit(frames.fit_transform(X), Y)
    given = [*X[:5], X[0][:0], X[1][:2], X[2][:4]]
    given = Sequences(np.concatenate(given), [len(x) for x in given])
    assert_close(clf.predict_proba(given), expected.predict_proba(frames.transform(given)))
    assert_close(clf.transform(given), expected.transform(frames.transform(given)))


def test_static_features():
    static = RNG.normal(size=(60, 2))
    given = Sequences(np.concatenate(X), [len(x) for x in X], static=static)
    clf = SequenceRNNClassifier(**FEW).fit(given, Y)
    assert clf._architecture["frame_length"] == 3
    expected = SequenceRNNClassifier(**FEW, frame_length=1).fit(Frames(3).fit_transform(given), Y)
    assert_close(clf.predict_proba(given), expected.predict_proba(Frames(3).fit_transform(given)))


def test_steps_of_a_frame_have_the_same_hidden_states():
    clf = SequenceRNNClassifier(**FEW).fit(X, Y)
    expected = SequenceRNNClassifier(**FEW, frame_length=1).fit(Frames(3).fit_transform(X), Y)
    of_frames = expected.hidden_states(Frames(3).fit_transform(X))
    assert [len(states) for states in clf.hidden_states(X)] == [len(x) for x in X]
    of_steps = Frames(3).inverse_transform_targets(of_frames, [len(x) for x in X])
    for found, wanted in zip(clf.hidden_states(X), of_steps, strict=True):
        assert_close(found, wanted)


def test_input_gradients_are_exact():
    clf = SequenceRNNClassifier(**FEW).fit(X, Y)
    x = X[0][:5]  # the first frame is completed
    (gradient,) = clf.input_gradients([x])
    assert_gradient_is_exact(gradient, clf.decision_function, x, tol=1e-7)


def test_training_goes_on_with_the_same_length():
    clf = SequenceRNNClassifier(**FEW).fit(X, Y)
    short = [x[:10] for x in X]
    clf.partial_fit(short, Y)
    clf.set_params(warm_start=True).fit(short, Y)
    assert clf._architecture["frame_length"] == 3
    clf.set_params(warm_start=False).fit(short, Y)
    assert clf._architecture["frame_length"] == 1


def test_given_weights_decide():
    clf = SequenceRNNClassifier(**FEW).fit(X, Y)
    short = [x[:10] for x in X]
    again = SequenceRNNClassifier(4, init=clf.weights_, max_iter=1).fit(short, Y)
    assert again._architecture["frame_length"] == 3


def test_streams_are_refused():
    clf = SequenceRNNClassifier(**FEW, bidirectional=False, frame_length=2).fit(X, Y)
    with pytest.raises(ValueError, match=r"Streams need frame_length=1 in fit.*frames of 2 steps"):
        clf.initial_state()


def test_saved_and_loaded(tmp_path):
    clf = SequenceRNNClassifier(**FEW).fit(X, Y)
    skrnn.save(clf, tmp_path / "clf.skrnn")
    for loaded in (skrnn.load(tmp_path / "clf.skrnn"), pickle.loads(pickle.dumps(clf))):
        assert np.array_equal(loaded.predict_proba(X), clf.predict_proba(X))


def test_exchange_with_pytorch():
    clf = SequenceRNNClassifier(**FEW, pooling="last").fit(X, Y)
    written = to_state_dict(clf)
    assert written["gru.weight_ih_l0"].shape == (12, 6)
    of_last = SequenceRNNClassifier(pooling="last")
    read = from_state_dict(clone(of_last).set_params(frame_length=3), written, classes=["a", "b"])
    assert_close(read.predict_proba(X), clf.predict_proba(X))
    of_frames = from_state_dict(of_last, written, classes=["a", "b"])
    assert of_frames.n_step_features_ == 6
    assert_close(of_frames.predict_proba(Frames(3).fit_transform(X)), clf.predict_proba(X))
    with pytest.raises(ValueError, match=r"recurrent_0\['W'\]"):
        from_state_dict(of_last.set_params(frame_length=4), written, classes=["a", "b"])


@pytest.mark.parametrize("lengths", ["input", "nan"])
def test_onnx(lengths):
    clf = SequenceRNNClassifier(**FEW).fit(X, Y)
    for given in ([*X[:4], X[0][:0], X[5][:3], X[6][:1], X[7][:4]], [X[0][:2], X[1][:1]]):
        n_steps = max(map(len, given)) + 2
        probabilities = onnx_numbers(clf, given, lengths, n_steps)
        expected = clf.predict_proba(Sequences(np.concatenate(given), [len(x) for x in given]))
        np.testing.assert_allclose(probabilities, expected, rtol=1e-4, atol=1e-5)


def test_ensembles():
    ensemble = EnsembleClassifier(SequenceRNNClassifier(**FEW), 2, random_state=0).fit(X, Y)
    assert [m._architecture["frame_length"] for m in ensemble.estimators_] == [3, 3]
    voting = VotingClassifier([("a", SequenceRNNClassifier(**FEW))], voting="soft").fit(X, Y)
    assert_close(voting.predict_proba(X), SequenceRNNClassifier(**FEW).fit(X, Y).predict_proba(X))


def test_clones_keep_the_parameter():
    assert clone(SequenceRNNClassifier(frame_length=5)).frame_length == 5
