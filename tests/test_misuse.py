"""Unusual use: it works, or the error says why not."""

import numpy as np
import pytest
from numpy.random import RandomState
from numpy.testing import assert_allclose, assert_array_equal
from recipes import ONE_DIRECTION, PLAIN
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)
from versions import needs_sklearn

from skrnn import (
    PerStep,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    XORMLPClassifier,
    as_sequences,
)

RAGGED = [RandomState(i).normal(size=(n, 2)) for i, n in enumerate([3, 2, 4, 1, 5, 2] * 4)]
LABELS = np.arange(24) % 2
QUICK = {"hidden_layer_sizes": 4, "max_iter": 5, "learning_rate": "cosine", "random_state": 0}
TABLE = RandomState(0).normal(size=(90, 4))
CLASSES = np.arange(90) % 3


def test_words_of_one_length_or_alone():
    words, labels = ["abc", "ab", "cab", "b"], [0, 1, 0, 1]
    model = make_pipeline(PerStep(OneHotEncoder()), SequenceRNNClassifier(**QUICK))
    model.fit([list(word) for word in words], labels)
    together = model.predict_proba([list(word) for word in ["ab", "a"]])
    assert_allclose(model.predict_proba([list("ab")]), together[:1], atol=1e-12)
    assert model.predict([list("ab"), list("ba")]).shape == (2,)


def test_encoding_a_table_to_several_features_gives_three_dimensions():
    digits = RandomState(0).randint(3, size=(10, 5)).astype(float)
    encoder = PerStep(OneHotEncoder(sparse_output=False)).fit(digits)
    assert encoder.transform(digits).shape == encoder.fit_transform(digits).shape == (10, 5, 3)
    model = make_pipeline(encoder, SequenceRNNClassifier(**QUICK)).fit(digits, LABELS[:10])
    assert model[-1].n_step_features_ == 3


def test_partial_fit_recovers_from_divergence():
    reg = SequenceRNNRegressor(
        4, cell="rnn", activation="identity", solver="sgd", batch_size=4, max_grad_norm=None,
        learning_rate_init=10, random_state=0,
    )  # fmt: skip

    def train():
        for _ in range(6):
            reg.partial_fit(RAGGED, LABELS)

    with pytest.warns(ConvergenceWarning, match="Training diverged: after 1 iterations"):
        train()
    reg.set_params(learning_rate_init=1e-3)
    train()
    assert np.isfinite(reg.loss_)


def test_adam_recovers_from_a_batch_of_huge_values():
    clean, hit = (XORMLPClassifier(8, solver="adam", random_state=0) for _ in range(2))
    for i in range(60):
        clean.partial_fit(TABLE, CLASSES, classes=[0, 1, 2])
        if i == 5:
            hit.partial_fit(TABLE * 1e200, CLASSES)
        hit.partial_fit(TABLE, CLASSES, classes=[0, 1, 2])
    assert all(np.isfinite(value).all() for value in hit._optimizer_state.values())
    assert hit.score(TABLE, CLASSES) > clean.score(TABLE, CLASSES) - 0.2


def test_labels_and_multilabel_targets_cannot_be_mixed():
    onehot = np.eye(3, dtype=int)[CLASSES]
    clf = XORMLPClassifier(4, solver="adam", random_state=0)
    clf.partial_fit(TABLE, CLASSES, classes=[0, 1, 2])
    with pytest.raises(
        ValueError, match="one label for each sample and multilabel targets cannot be mixed"
    ):
        clf.partial_fit(TABLE, onehot)
    assert clf.out_activation_ == "softmax"
    with pytest.raises(
        ValueError, match=r"In the validation data X_val and y_val: .* cannot be mixed"
    ):
        XORMLPClassifier(4, solver="adam").fit(TABLE, CLASSES, X_val=TABLE, y_val=onehot)


@pytest.mark.filterwarnings("ignore:Maximum iterations")
def test_restarts_keep_the_weights_of_lowest_final_loss():
    noise = RandomState(1).randint(2, size=90)
    params = {"solver": "adam", "learning_rate_init": 0.5, "max_iter": 30, "batch_size": 10}
    for seed in range(4):
        clf = XORMLPClassifier(8, n_init=5, random_state=seed, **params).fit(TABLE, noise)
        first = XORMLPClassifier(8, n_init=1, random_state=seed, **params).fit(TABLE, noise)
        assert clf.loss_ <= first.loss_


def test_scaling_in_place_gives_the_same_numbers():
    padded = RandomState(0).normal(size=(3, 4, 2))
    expected = PerStep(StandardScaler()).fit_transform(padded)
    in_place = PerStep(StandardScaler(copy=False)).fit(padded.copy())
    assert_allclose(in_place.transform(padded), expected)


@needs_sklearn("1.9", "TargetEncoder takes a splitter")
def test_encoding_by_target_does_not_leak():
    rng = RandomState(0)
    X = [rng.randint(30, size=(n, 1)).astype(float) for n in rng.randint(1, 4, size=100)]
    y, steps = rng.normal(size=100), np.concatenate(X)
    lengths = [len(x) for x in X]
    encoded = PerStep(TargetEncoder(cv=KFold(3))).fit_transform(X, y)
    expected = TargetEncoder(cv=KFold(3)).fit_transform(steps, np.repeat(y, lengths))
    assert_allclose(np.concatenate(encoded), expected)


def test_outputs_that_overflow_are_refused_by_every_method():
    reg = SequenceRNNRegressor(
        2,
        cell="rnn",
        activation="identity",
        max_iter=2,
        learning_rate="cosine",
        random_state=0,
        **ONE_DIRECTION,
        **PLAIN,
    ).fit(RAGGED, LABELS)
    huge = [np.full((3, 2), 1.7e308)]
    for method in (reg.predict, reg.transform, reg.hidden_states):
        with pytest.raises(
            ValueError, match="for X is not finite: its values are too large for the weights"
        ):
            method(huge)

    def read(steps):
        state = reg.initial_state()
        for x_t in steps:
            _, state = reg.step(x_t, state)

    with pytest.raises(
        ValueError, match="for X is not finite: its values are too large for the weights"
    ):
        read(huge[0])


def test_balanced_class_weights_ignore_samples_of_weight_zero():
    weight = np.repeat([0.0, 1.0], [40, 50])
    skewed = (np.arange(90) % 7 == 0).astype(int)
    clf = XORMLPClassifier(
        (), solver="lbfgs", class_weight="balanced", tol=1e-8, max_iter=1000, random_state=0
    )
    weighted = clf.fit(TABLE, skewed, weight).predict_proba(TABLE)
    absent = clf.fit(TABLE[40:], skewed[40:]).predict_proba(TABLE)
    assert_allclose(weighted, absent, atol=1e-3)
    peer = LogisticRegression(class_weight="balanced", C=1e4, tol=1e-8).fit(TABLE[40:], skewed[40:])
    assert_allclose(absent, peer.predict_proba(TABLE), atol=1e-3)


def test_class_weights_of_classes_missing_in_a_batch():
    clf = SequenceRNNClassifier(4, class_weight={1: 5.0}, random_state=0)
    clf.partial_fit(RAGGED[:2], [0, 1], classes=[0, 1]).partial_fit(RAGGED[:3], [0, 0, 0])
    with pytest.raises(
        ValueError, match=r"class_weight names \[7\], which are not among the classes \[0, 1\]"
    ):
        SequenceRNNClassifier(4, class_weight={7: 1.0}).fit(RAGGED, LABELS)
    with pytest.raises(
        ValueError, match="class_weight is zero for every sample; at least one must count"
    ):
        SequenceRNNClassifier(4, class_weight={0: 0, 1: 0}).fit(RAGGED, LABELS)


def test_sequences_that_were_read_are_accepted():
    sequences = as_sequences(RAGGED)
    assert as_sequences(sequences) is sequences
    clf = SequenceRNNClassifier(**QUICK).fit(sequences, LABELS)
    assert_array_equal(clf.predict(sequences), clf.predict(RAGGED))


def test_sequences_made_by_hand_are_checked():
    bad = as_sequences(RAGGED).with_values(np.full((68, 2), np.nan))
    with pytest.raises(ValueError, match="X contains NaN at step 0 of sequence 0"):
        SequenceRNNClassifier(**QUICK).fit(bad, LABELS)


def test_padding_of_integers_is_nan():
    assert np.isnan(as_sequences([[1, 2], [3]], numeric=False).to_padded()[1, 1, 0])
    ragged_table = np.array([[1.0, 2.0], [2.0, np.nan]])
    encoded = PerStep(OrdinalEncoder(dtype=int)).fit_transform(ragged_table)
    assert_array_equal(encoded, [[0, 1], [1, np.nan]])


def test_minus_zero_is_zero():
    X = np.array([[0.0, 0.0], [-0.0, 0.0], [1.0, 1.0], [1.0, 0.0]])
    clf = XORMLPClassifier(4, random_state=0).fit(X, [0, 1, 0, 1])
    again = XORMLPClassifier(4, random_state=0).fit(X + 0.0, [0, 1, 0, 1])
    assert_array_equal(clf.predict_proba(X), again.predict_proba(X))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: XORMLPClassifier(solver="sgd", early_stopping=True).fit(TABLE[:3], [0, 1, 1]),
            "cannot hold out validation_fraction=0.1 of 3 samples: 1 are left",
        ),
        (
            lambda: SequenceRNNClassifier().fit(RAGGED, [np.zeros(len(x)) for x in RAGGED]),
            "StepRNNClassifier and StepRNNRegressor take a target for each step",
        ),
        (
            lambda: SequenceRNNClassifier(**QUICK).fit(RAGGED, LABELS).step([0, 0], None),
            r"state must come from initial_state\(\) or step\(\), got None",
        ),
        (
            lambda: SequenceRNNClassifier().fit(RAGGED, LABELS, X_val=RAGGED, y_val=LABELS[:5]),
            "In the validation data X_val and y_val: X holds 24 sequences",
        ),
        (
            lambda: PerStep(StandardScaler()).fit(RAGGED, LABELS[:3]),
            "X holds 24 sequences, but y holds 3",
        ),
    ],
)
def test_the_message_names_the_cause(call, message):
    with pytest.raises(ValueError, match=message):
        call()
