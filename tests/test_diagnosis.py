"""Warnings of data that a fit reads in another way than meant, or cannot learn from."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from recipes import CONSTANT_RATE, PLAIN
from scipy import sparse
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler

from skrnn import (
    PerStep,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
    XORMLPRegressor,
    as_sequences,
)
from skrnn.convert import make_windows

RNG = np.random.RandomState(0)


def warnings_of(estimator, X, y, **kwargs):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X, y, **kwargs)
    assert {w.filename for w in caught} <= {__file__}
    return [str(w.message) for w in caught]


# The scale of the data -------------------------------------------------------------------

TIMES = [1.6e9 + 60.0 * np.arange(k) for k in RNG.randint(5, 15, 60)]
PARITY = np.array([len(x) % 2 for x in TIMES])
PRICES = [RNG.normal(0, 1, 30).cumsum() for _ in range(60)]
CONSTANT = "The predictions are no better than a constant."


@pytest.mark.parametrize("steps", [False, True])
def test_unix_times(steps):
    estimator = StepRNNClassifier if steps else SequenceRNNClassifier
    y = [np.arange(len(x)) % 2 for x in TIMES] if steps else PARITY
    (message,) = warnings_of(estimator(8, random_state=0), TIMES, y)
    assert message == (
        f"{CONSTANT} Scale X. The values of X reach 1.6e+09; use for instance "
        "PerStep(StandardScaler())."
    )


@pytest.mark.parametrize("of", [np.asarray, sparse.csr_array, pd.DataFrame])
def test_a_column_of_a_table(of):
    X = np.c_[RNG.normal(size=100), 1e7 + RNG.rand(100)]
    y = RNG.permutation(np.arange(100) % 2)
    if of is pd.DataFrame:
        X = pd.DataFrame(X, columns=["size", "time"])
    clf = XORMLPClassifier(8, activation="tanh", random_state=0)
    (message,) = warnings_of(clf, X if of is pd.DataFrame else of(X), y)
    column = "'time'" if of is pd.DataFrame else "1"
    assert message.startswith(CONSTANT)
    assert f"The values of X reach 1e+07 in column {column}; use for" in message
    assert message.endswith("use for instance StandardScaler().")


@pytest.mark.parametrize("size", [200, 1e5, 1e12])
@pytest.mark.parametrize("kind", ["classifier", "regressor", "steps", "static"])
def test_one_large_column_hides_the_others_even_if_the_fit_is_good(kind, size):
    X = np.array([RNG.normal(size=(6, 3)) for _ in range(60)])
    y, table = (X[:, :, 0].sum(axis=1) > 0) * 1, X[:, 0]
    net = SequenceRNNRegressor if kind == "regressor" else SequenceRNNClassifier
    if kind == "steps":
        net, y = StepRNNClassifier, np.repeat(y[:, None], 6, axis=1)
    scale = np.array([1, size, 1])
    large = as_sequences(list(X * scale if kind != "static" else X))
    if kind == "static":
        large = large.with_static(table * scale)
    (message,) = warnings_of(net(4, max_iter=60, random_state=0), large, y)
    assert message.startswith("Scale X") or f"{CONSTANT} Scale X" in message
    assert " in column 1; use for instance " in message
    same_size = as_sequences(list(X)).with_static(table if kind == "static" else None)
    assert warnings_of(net(4, max_iter=60, random_state=0), same_size, y) == []


def test_a_large_column_of_a_table():
    X = RNG.normal(size=(80, 3))
    y = (X[:, 0] > 0).astype(int)
    clf = XORMLPClassifier(8, solver="lbfgs", max_iter=5000, random_state=0)
    assert warnings_of(clf, X * [1, 1, 1000], y) == []  # which does no harm there
    (message,) = warnings_of(clf, X * [1, 1, 1e5], y)
    assert "in column 2; use for instance StandardScaler()." in message


def test_levels_that_enter_as_differences_hide_only_other_columns():
    walk = 5000 + RNG.normal(size=200).cumsum()
    noise = RNG.normal(size=200)
    reg = SequenceRNNRegressor(4, random_state=0)
    assert warnings_of(reg, *make_windows(walk, window=12, exogenous=noise)) == []
    (message,) = warnings_of(reg, *make_windows(1000 * walk, window=12, exogenous=noise))
    assert message.startswith("Scale X. The values of X reach 5")
    assert warnings_of(reg, *make_windows(1000 * walk, window=12)) == []


@pytest.mark.parametrize(
    ("values", "text"),
    [
        # Amounts of money, most of which are large.
        (lambda rng: 100 * np.exp(2 * rng.normal(size=600)), "The values of X reach"),
        # A code of missing values.
        (lambda rng: np.where(rng.rand(600) < 0.1, -999, rng.normal(size=600)), "A few values of"),
        (lambda rng: rng.normal(500, 300, size=600), "StandardScaler())."),
        # Tokens.
        (
            lambda rng: rng.randint(1, 300, size=600),
            "If these integers are codes of categories, use "
            "PerStep(OneHotEncoder(handle_unknown='ignore')).",
        ),
    ],
)
def test_what_to_do_with_a_large_column(values, text):
    column = values(np.random.RandomState(0))
    X = [np.c_[RNG.normal(size=10), part] for part in np.split(column, 60)]
    y = np.array([x[:, 0].sum() > 0 for x in X]).astype(int)
    (message,) = warnings_of(SequenceRNNClassifier(16, random_state=0), X, y)
    assert message.startswith("Scale X")
    assert " in column 1" in message
    assert text in message
    # Without hidden units, no others are hidden.
    assert warnings_of(SequenceRNNClassifier((), random_state=0), X, y) == []


def test_times_of_gru_d_are_no_large_values():
    X = [np.c_[RNG.normal(size=(10, 2)), 60.0 * np.arange(10)] for _ in range(60)]
    y = np.array([x[:, 0].sum() > 0 for x in X]).astype(int)
    X = [np.c_[x[:, :1], x[:, :1] > 1, x[:, 2:]] for x in X]
    assert warnings_of(SequenceRNNClassifier(4, cell="gru_d", random_state=0), X, y) == []
    (message,) = warnings_of(SequenceRNNClassifier(4, random_state=0), X, y)
    assert "in column 2" in message


def test_a_large_column_and_one_with_outliers_are_both_named():
    X = [RNG.normal(size=(40, 2)) * [0.001, 1000] for _ in range(60)]
    for k in (5, 40):
        X[k][3, 0] = 50.0
    y = np.array([x[:, 0].sum() > 0 for x in X]).astype(int)
    (message,) = warnings_of(SequenceRNNClassifier(4, random_state=0), X, y)
    assert "The values of X reach" in message
    assert "very far from all others in column 0" in message


def test_few_large_values_among_many_are_no_reason_to_scale():
    X = np.array([RNG.standard_t(4, (30, 2)) for _ in range(60)])
    y = (X[:, :, 0].mean(axis=1) > 0).astype(int)
    X[7, 3, 1] = 150.0
    assert warnings_of(SequenceRNNClassifier(random_state=0), list(X), y) == []


@pytest.mark.parametrize(
    ("value", "fact"), [(np.nan, "NaN in column"), (-np.inf, "infinity in column")]
)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("form", ["array", "frame", "sparse"])
def test_values_that_are_not_finite_need_no_scaling(value, fact, solver, form):
    X = np.array([[0.0, value], [1e6, 1.0]] * 9)
    if form == "frame":
        X = pd.DataFrame(X, columns=["time", "load"])
    elif form == "sparse":
        X = sparse.csr_matrix(X)
    for estimator in (XORMLPClassifier, XORMLPRegressor):
        model = estimator(hidden_layer_sizes=2, max_iter=3, solver=solver, random_state=0)
        with sklearn.config_context(assume_finite=True):
            (message,) = warnings_of(model, X, [0, 1] * 9)
        column = "'load'" if form == "frame" else "1"
        assert message.endswith(
            f"Fill in or leave out values that are not finite. X contains {fact} {column}."
        )
        assert "cale" not in message


@pytest.mark.parametrize("max_iter", [20, 200])
def test_targets_of_numbers(max_iter):
    y = [20000 + 1000 * p[-1] for p in PRICES]
    reg = SequenceRNNRegressor(8, max_iter=max_iter, random_state=0, **CONSTANT_RATE, **PLAIN)
    for message in warnings_of(reg, PRICES, y):  # reached max_iter
        assert message.endswith("Increase max_iter, or scale X.")
    (message,) = warnings_of(reg.set_params(normalize_y=False), PRICES, y)
    assert message.startswith(f"{CONSTANT} Maximum iterations ({max_iter}) reached")
    assert "or scale y. The values of y reach 3" in message
    assert message.endswith("use for instance normalize_y=True.")


def test_targets_of_steps():
    y = [20000 + 1000 * p for p in PRICES]
    reg = StepRNNRegressor(8, max_iter=9, random_state=0, **CONSTANT_RATE, skip_connection=None)
    (message,) = warnings_of(reg, PRICES, y)
    assert message.endswith("Increase max_iter, or scale X.")
    (message,) = warnings_of(reg.set_params(normalize_y=False), PRICES, y)
    assert "or scale y. The values of y reach" in message
    assert message.endswith("use for instance normalize_y=True.")


def test_targets_of_rows():
    X = RNG.uniform(size=(50, 2))
    reg = XORMLPRegressor(hidden_layer_sizes=4, max_iter=9, random_state=0)
    (message,) = warnings_of(reg, X, 1e6 + 1e5 * X[:, 0])
    assert "or scale y. The values of y reach 1.1e+06" in message
    assert message.endswith("use for instance TransformedTargetRegressor.")


def test_small_targets():
    y = [1e-4 * p[-1] for p in PRICES]
    reg = SequenceRNNRegressor(8, normalize_y=False, random_state=0, **CONSTANT_RATE, **PLAIN)
    (message,) = warnings_of(reg, PRICES, y)
    assert message.startswith(f"{CONSTANT} Scale y. No value of y exceeds 0.001")


def test_both():
    reg = SequenceRNNRegressor(
        8, max_iter=20, normalize_y=False, random_state=0, **CONSTANT_RATE, **PLAIN
    )
    (message,) = warnings_of(reg, TIMES, 1e6 + 1e5 * PARITY)
    assert "scale X and y. The values of X reach 1.6e+09;" in message
    assert "The values of y reach 1.1e+06;" in message


def test_divergence_names_y():
    reg = SequenceRNNRegressor(8, solver="sgd", random_state=0, **CONSTANT_RATE, **PLAIN)
    reg.set_params(max_grad_norm=None, normalize_y=False, learning_rate_init=10.0)
    (message,) = warnings_of(reg, PRICES, [1e6 * p[-1] for p in PRICES])
    assert "Scale y, or lower learning_rate_init=10" in message


def test_no_warning_of_large_values_that_do_no_harm():
    X = [x * 130 for x in [RNG.normal(i % 2, 0.1, (5, 1)) for i in range(60)]]
    clf = SequenceRNNClassifier(8, max_iter=300, random_state=0)
    clf.set_params(tol=1e-2)
    assert warnings_of(clf, X, np.arange(60) % 2) == []


def test_no_advice_to_scale_data_of_unit_scale():
    X = PerStep(StandardScaler()).fit_transform(TIMES)
    labels = RNG.permutation(PARITY)
    (message,) = warnings_of(
        SequenceRNNClassifier(8, max_iter=2, random_state=0, **CONSTANT_RATE), X, labels
    )
    assert message == (
        "Maximum iterations (2) reached and the optimization hasn't converged yet. Increase "
        "max_iter, or scale X."
    )
    clf = SequenceRNNClassifier(8, tol=1.0, random_state=0)  # ends at once
    assert warnings_of(clf, X, labels) == []
    assert warnings_of(SequenceRNNRegressor(8, tol=9.0, random_state=0), X, labels) == []


def test_targets_that_are_all_equal_are_learned():
    reg = SequenceRNNRegressor(8, tol=9.0, random_state=0)
    assert warnings_of(reg, [1e-12 * x for x in TIMES[:9]], np.full(9, 3.0)) == []


# Outliers --------------------------------------------------------------------------------

NORMAL = [RNG.normal(size=(n, 2)) for n in RNG.randint(20, 60, 90)]
GLITCHES = [x.copy() for x in NORMAL]
for k in (5, 40, 77):
    GLITCHES[k][3, 1] = 1e5
OUTLIERS = (
    r"A few values of X are very far from all others in column 1: half of them lie in an "
    r"interval of 0\.00\d+, and one is [34]\d\.\d from the median\. If they are errors, or stand "
    r"for missing values, replace them by NaN and impute\. Otherwise scale X with "
    r"PerStep\(RobustScaler\(\)\) or "
    r"PerStep\(QuantileTransformer\(output_distribution='normal'\)\)\."
)


def scaled(values, by=StandardScaler):
    return by().fit_transform(values)


def quantiles():
    return QuantileTransformer(output_distribution="normal", n_quantiles=50)


@pytest.mark.parametrize(
    "estimator", [SequenceRNNClassifier, SequenceRNNRegressor, StepRNNClassifier, StepRNNRegressor]
)
def test_outliers_of_steps(estimator):
    y = np.arange(90) % 2
    if "Step" in estimator.__name__:
        y = [(x[:, 0] > 0).astype(int) for x in NORMAL]
    net = estimator(4, max_iter=2, learning_rate="cosine", random_state=0)

    def messages(X, by):
        return warnings_of(net, PerStep(by()).fit_transform(X), y)

    (message,) = messages(GLITCHES, StandardScaler)
    assert re.fullmatch(OUTLIERS, message)
    assert messages(GLITCHES, quantiles) == messages(NORMAL, StandardScaler) == []
    # After two epochs the network is useless, but StandardScaler is no help against outliers.
    for message in messages(GLITCHES, RobustScaler):
        assert message.startswith(f"{CONSTANT} Scale X. A few values of X are very far from")
        assert "Otherwise scale X with PerStep(QuantileTransformer(output_dist" in message
    net.set_params(max_iter=40)
    assert messages(GLITCHES, RobustScaler) == []


def test_outliers_are_named_although_the_training_samples_are_learned():
    y = np.arange(90) % 2
    X = [x + np.array([c, 0]) for x, c in zip(GLITCHES, y, strict=True)]
    clf = SequenceRNNClassifier(random_state=0)
    X = PerStep(StandardScaler()).fit_transform(X)
    (message,) = warnings_of(clf, X, y)
    assert re.fullmatch(OUTLIERS, message)
    assert clf.score(X, y) > 0.9


def test_outliers_beside_another_warning():
    clf = SequenceRNNClassifier(4, max_iter=2, random_state=0, **CONSTANT_RATE)
    X = PerStep(StandardScaler()).fit_transform(GLITCHES)
    (message,) = warnings_of(clf, X, np.arange(90) % 2)
    assert message.startswith("Maximum iterations (2) reached")
    assert "or scale X. A few values of X are very far from all others in column 1:" in message


def test_outliers_of_static_features():
    table = RNG.normal(size=(90, 2))
    table[7, 0] = -1e5
    y = np.arange(90) % 2
    clf = SequenceRNNClassifier(4, max_iter=2, random_state=0)

    def messages(by):
        return warnings_of(clf, as_sequences(NORMAL).with_static(scaled(table, by)), y)

    (message,) = messages(StandardScaler)
    assert message.startswith("A few values of X.static are very far from all others in column 0:")
    assert "TableTransformer(static=RobustScaler()) or TableTransformer(static=Quantile" in message
    assert messages(quantiles) == []
    for message in messages(RobustScaler):  # two epochs are useless
        assert "Otherwise scale X with TableTransformer(static=QuantileTransformer(" in message


@pytest.mark.parametrize("by", [StandardScaler, RobustScaler])
@pytest.mark.parametrize("estimator", [XORMLPClassifier, XORMLPRegressor])
def test_outliers_of_tables(estimator, by):
    X = RNG.normal(size=(600, 3))
    y = (X[:, 0] > 0).astype(int)
    X[::200, 2] = 1e5
    net = estimator(hidden_layer_sizes=4, max_iter=3, tol=9.0, n_iter_no_change=1, random_state=0)
    names = ["age", "mass", "dose"]
    (message,) = warnings_of(net, pd.DataFrame(scaled(X, by), columns=names), y)
    assert "A few values of X are very far from all others in column 'dose':" in message
    assert message.endswith(
        "Otherwise scale X with QuantileTransformer(output_distribution='normal')."
    )
    assert warnings_of(net, scaled(X, quantiles), y) == []


def column(name, n):
    rng = np.random.RandomState(0)
    one = np.arange(n) == 5
    return {
        "student2": lambda: rng.standard_t(2, n),
        "student3": lambda: rng.standard_t(3, n),
        "exponential": lambda: rng.exponential(size=n),
        "lognormal": lambda: np.exp(rng.normal(size=n)),
        "counts": lambda: rng.poisson(0.5, n),
        "rare": lambda: 1000.0 * one,
        "mostly zero": lambda: np.where(rng.rand(n) < 0.2, rng.exponential(size=n), 0),
        "constant": lambda: np.full(n, 3.0),
        "normal": lambda: rng.normal(size=n),
        "cauchy": lambda: rng.standard_cauchy(n),
        "spike": lambda: rng.normal(size=n) + 1e5 * one,
        "code": lambda: np.where(rng.rand(n) < 0.01, -9999, rng.normal(size=n)),
        "lognormal, sigma 3": lambda: np.exp(3 * rng.normal(size=n)),
    }[name]()


@pytest.mark.parametrize("n", [300, 6000, 50000])
@pytest.mark.parametrize(
    ("name", "is_extreme"),
    [
        *dict.fromkeys(
            ["student2", "student3", "exponential", "lognormal", "counts"], False
        ).items(),
        *dict.fromkeys(["rare", "mostly zero", "constant", "normal"], False).items(),
        *dict.fromkeys(["cauchy", "spike", "code", "lognormal, sigma 3"], True).items(),
    ],
)
def test_which_columns_have_outliers(name, is_extreme, n):
    values = scaled(column(name, n)[:, None])
    X = np.split(values, np.arange(10, n, 10))
    clf = SequenceRNNClassifier(
        2, max_iter=1, batch_size=5000, learning_rate="cosine", random_state=0
    )
    messages = warnings_of(clf, X, np.arange(len(X)) % 2)
    assert any("very far from all others: half" in message for message in messages) == (
        is_extreme and (n > 300 or name in ("spike", "code"))  # a few values are less extreme
    )


def test_no_warning_of_numpy_from_quartiles_of_huge_values():
    X = np.zeros((9, 2))
    X[:4] = [[-1.7e308, 1e-300], [1.7e308, 1.7e308], [1e308, 2e-300], [-1e308, 1e308]]
    clf = SequenceRNNClassifier(2, max_iter=1, learning_rate="cosine", random_state=0)
    messages = warnings_of(clf, X[:, None], np.arange(9) % 2)
    assert not any("overflow encountered" in message for message in messages)


def test_equal_steps_of_all_sequences_do_not_look_like_all_steps():
    X = RNG.normal(size=(5000, 32, 1))
    X[:, 0] *= 1e-4
    clf = SequenceRNNClassifier(
        2, max_iter=1, batch_size=5000, learning_rate="cosine", random_state=0
    )
    assert warnings_of(clf, X, np.arange(5000) % 2) == []


# One-hot targets -------------------------------------------------------------------------

ONE_HOT = np.eye(3, dtype=int)[np.arange(30) % 3]


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, pd.DataFrame])
@pytest.mark.parametrize("estimator", [XORMLPClassifier, SequenceRNNClassifier])
def test_one_hot(estimator, form):
    X = RNG.rand(30, 2)
    messages = warnings_of(estimator(4, max_iter=2, random_state=0), X, form(ONE_HOT))
    assert "is read as multilabel" in messages[0]
    assert "pass y.argmax(axis=1)" in messages[0]


def test_one_hot_steps():
    X, y = [RNG.rand(6, 1) for _ in range(5)], np.split(ONE_HOT, 5)
    messages = warnings_of(StepRNNClassifier(4, max_iter=2, random_state=0), X, y)
    assert "for step estimators that of each sequence" in messages[0]


def test_one_hot_in_two_columns():
    messages = warnings_of(XORMLPClassifier(4), RNG.rand(30, 2), ONE_HOT[:, [0, 1]] ^ [[1, 0]])
    assert not any("multilabel" in message for message in messages)
    y = np.eye(2, dtype=int)[np.arange(30) % 2]
    messages = warnings_of(XORMLPClassifier(4), RNG.rand(30, 2), y)
    assert "is read as multilabel" in messages[0]


@pytest.mark.parametrize(
    "y",
    [
        np.where(np.arange(30)[:, None] == 3, 1, ONE_HOT),  # a row of several labels
        np.where(np.arange(30)[:, None] == 3, 0, ONE_HOT),  # a row of none
        np.tile([0, 1, 0], (30, 1)),  # always the same
    ],
)
def test_multilabel_targets(y):
    clf = SequenceRNNClassifier(4, max_iter=2, random_state=0)
    messages = warnings_of(clf, RNG.rand(30, 2), y)
    assert not any("multilabel" in message for message in messages)


@pytest.mark.parametrize("estimator", [XORMLPClassifier, SequenceRNNClassifier])
def test_a_few_rows_may_have_one_label_each(estimator):
    for n_rows, warned in [(5, False), (6, True)]:
        clf = estimator(4, max_iter=2, random_state=0)
        messages = warnings_of(clf, RNG.rand(n_rows, 2), ONE_HOT[:n_rows])
        assert any("multilabel" in message for message in messages) == warned
        assert clf.predict(RNG.rand(2, 2)).shape == (2, 3)  # multilabel, as of MLPClassifier
