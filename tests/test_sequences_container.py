"""`Sequences` as a collection: indexing, iteration, splits, copies, and memory maps in workers."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, train_test_split
from sklearn.utils import _safe_indexing, shuffle

from skrnn import Frames, SequenceRNNClassifier, Sequences, as_sequences

LENGTHS = [3, 0, 2, 1, 4]
VALUES = np.arange(20.0).reshape(10, 2)
STATIC = np.arange(5.0)[:, None] * 100
ROWS = np.arange(10)[::-1]
LIBRARIES = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}


def in_frame(library, array, prefix="x"):
    columns = {f"{prefix}{k}": column for k, column in enumerate(array.T.copy())}
    return getattr(pytest.importorskip(library), LIBRARIES[library])(columns)


VALUES_IN = {
    "array": np.array,
    "nested lists": lambda values: values.tolist(),
    "csr_array": sp.csr_array,
    "csr_matrix": sp.csr_matrix,
    "csc_array": sp.csc_array,
    "coo_array": sp.coo_array,
    **{name: (lambda values, name=name: in_frame(name, values)) for name in LIBRARIES},
}
IDS = {
    "text": np.array(list("abcde")),
    "tuples": [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 1)],
    "Series": pd.Series(range(5), index=range(5, 10)),
}


def make(form="array", ids="tuples"):
    static = in_frame(form, STATIC, "s") if form in LIBRARIES else STATIC
    values = VALUES_IN[form](VALUES)
    return Sequences(values, LENGTHS, static=static, ids=IDS[ids], rows=ROWS)


def dense(table):
    return table.toarray() if sp.issparse(table) else np.asarray(table)


def assert_holds(part, chosen):
    """Check that Sequences hold the chosen ones of `make`, with all that belongs to them."""
    steps = np.split(np.arange(10), np.cumsum(LENGTHS)[:-1])
    rows = np.concatenate([steps[i] for i in chosen]) if len(chosen) else np.arange(0)
    assert isinstance(part, Sequences)
    assert len(part) == len(chosen)
    assert part.shape == (len(chosen),)
    assert_array_equal(part.lengths, np.array(LENGTHS)[chosen])
    assert_array_equal(dense(part.values), VALUES[rows])
    assert_array_equal(dense(part.static), STATIC[chosen])
    assert part.ids.tolist() == [list(IDS["tuples"])[i] for i in chosen]
    assert_array_equal(part.rows, ROWS[rows])


SEVERAL = {
    "slice": (slice(1, 4), [1, 2, 3]),
    "whole": (slice(None), [0, 1, 2, 3, 4]),
    "reversed": (slice(None, None, -1), [4, 3, 2, 1, 0]),
    "every second": (slice(None, None, 2), [0, 2, 4]),
    "beyond the end": (slice(3, 99), [3, 4]),
    "list": ([3, 0], [3, 0]),
    "repeated": ([2, 2, -1], [2, 2, 4]),
    "indices": (np.array([4, 1]), [4, 1]),
    "unsigned indices": (np.array([4, 1], np.uint8), [4, 1]),
    "mask": (np.array([True, False, True, False, False]), [0, 2]),
    "mask in a list": ([False, True, False, False, True], [1, 4]),
    "Series of indices": (pd.Series([1, 3], index=[7, 8]), [1, 3]),
    "ellipsis": ((np.array([0, 3]), Ellipsis), [0, 3]),
    "tuple of one": ((slice(0, 1),), [0]),
}


@pytest.mark.parametrize("form", VALUES_IN)
@pytest.mark.parametrize("case", SEVERAL)
def test_several_sequences_keep_all_that_belongs_to_them(form, case):
    key, chosen = SEVERAL[case]
    X = make(form)
    part = X[key]
    assert_holds(part, chosen)
    kind = type(X.values)
    assert type(part.values) is kind
    assert type(part.static) is type(X.static)
    assert_holds(X, [0, 1, 2, 3, 4])


@pytest.mark.parametrize("form", VALUES_IN)
@pytest.mark.parametrize("index", [0, 1, 4, -1, -5, np.int64(2), np.uint8(3), np.array(2)])
def test_one_sequence_is_the_table_of_its_steps(form, index):
    X = make(form)
    steps = np.split(VALUES, np.cumsum(LENGTHS)[:-1])[int(index)]
    for key in (index, (index, Ellipsis)):
        one = X[key]
        assert type(one) is type(X.values)
        assert_array_equal(dense(one).reshape(steps.shape), steps)


@pytest.mark.parametrize("form", VALUES_IN)
def test_iteration_gives_one_table_for_each_sequence(form):
    X = make(form)
    expected = np.split(VALUES, np.cumsum(LENGTHS)[:-1])
    ragged = np.asarray(X)
    assert ragged.shape == (5,)
    assert ragged.dtype == object
    for tables in (X, list(X), X.to_ragged(), ragged, [X[i] for i in range(5)]):
        for table, steps in zip(tables, expected, strict=True):
            assert type(table) is type(X.values)
            assert table.shape == steps.shape
            assert_array_equal(dense(table).reshape(steps.shape), steps)
    assert [len(dense(steps)) for steps in reversed(X)] == LENGTHS[::-1]


@pytest.mark.parametrize("key", [5, -6, np.int64(5), [0, 5], [-6]])
def test_indices_out_of_bounds(key):
    with pytest.raises(IndexError, match="out of bounds for axis 0 with size 5"):
        make()[key]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ((0, 1), r"Sequences have one axis, but were indexed by \(0, 1\)"),
        ((slice(2), slice(1)), "Sequences have one axis"),
        ((0, Ellipsis, 1), "Sequences have one axis"),
        (None, "Sequences have one axis"),
        (True, "Sequences have one axis"),
        ([[0, 1]], "Sequences have one axis"),
        ("a", r"by positions, .* not by 'a'\. The position of an id is list\(X\.ids\)\.index"),
        (["a", "b"], r"by positions, or by a boolean mask .* not by \['a', 'b'\]"),
        (slice("a", "b"), r"by positions, .* not by slice\('a', 'b'"),
        (1.0, r"by positions, .* not by 1\.0"),
        (pd.array([True, None] * 2 + [False], dtype="boolean"), "mask without missing values, not"),
        (pd.Series([True, np.nan] * 2 + [False], dtype=object), "mask without missing values, not"),
        (np.ones(4, bool), "boolean index did not match"),
    ],
    ids=repr,
)
def test_other_keys_are_refused(key, message):
    with pytest.raises(IndexError, match=message):
        make()[key]


def test_nothing_chosen():
    for form in VALUES_IN:
        for key in ([], slice(0, 0), np.zeros(5, bool), np.array([], int)):
            part = make(form)[key]
            assert_holds(part, [])
            assert list(part) == []
            assert part.n_features == 2
            assert "0 sequences" in repr(part)


def test_an_index_of_an_index():
    X = make()
    assert_holds(X[::-1][1:4][[2, 0]], [1, 3])
    assert_holds(X[[4, 2, 0]][::-1][1:], [2, 4])


def test_consecutive_sequences_are_views():
    X = make()
    for part in (X[1:4], X[:], X[2:3]):
        for name in ("values", "rows"):
            assert np.shares_memory(getattr(part, name), getattr(X, name))
    assert all(np.shares_memory(steps, VALUES) for steps in Sequences(VALUES, LENGTHS)[2:])
    assert np.shares_memory(X[2], X.values)
    assert np.shares_memory(X.to_ragged()[0], X.values)
    assert not np.shares_memory(X[[2, 3]].values, X.values)
    assert np.shares_memory(as_sequences(X).values, X.values)


# Text ------------------------------------------------------------------------------------


def test_repr():
    X = make("pandas", "text")
    assert repr(X) == (
        "Sequences(5 sequences, 0 to 4 steps, features='x0', 'x1', static='s0', "
        "ids='a', 'b', 'c', 'd', 'e')"
    )
    sparse = Sequences(sp.csr_array(np.ones((6, 3))), np.ones(6, int), ids=range(6))
    assert (
        repr(sparse) == "Sequences(6 sequences, 1 step, 3 sparse features, ids=0, 1, 2, 3, 4, ...)"
    )
    assert repr(make()[:1]) == "Sequences(1 sequence, 3 steps, 2 features, static=0, ids=('a', 1))"
    assert repr(Sequences([[1.0]], [1])) == "Sequences(1 sequence, 1 step, 1 feature)"


# Other values ----------------------------------------------------------------------------


@pytest.mark.parametrize("form", VALUES_IN)
def test_with_values_keeps_the_rest(form):
    X = make("pandas")
    other = X.with_values(VALUES_IN[form](VALUES * 2))
    assert_array_equal(dense(other.values), VALUES * 2)
    assert_holds(other.with_values(VALUES), [0, 1, 2, 3, 4])
    assert_holds(X, [0, 1, 2, 3, 4])
    wider = X.with_values(np.ones((10, 7)))
    assert wider.n_features == 7


def test_without_static():
    X = make()
    without = X.without_static()
    assert without.static is None
    assert without.ids.tolist() == X.ids.tolist()
    assert np.shares_memory(without.rows, X.rows)
    assert_holds(X, [0, 1, 2, 3, 4])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"values": np.ones((9, 2))}, "there are 9 rows, and the lengths add up to 10"),
        ({"values": np.ones(10)}, r"values must be .* of shape \(10,\)"),
        ({"lengths": [3.0, 7.0]}, "lengths must be integers of at least 0"),
        ({"lengths": [11, -1]}, "lengths must be integers of at least 0"),
        ({"lengths": [[3, 7]]}, "lengths must be integers of at least 0"),
        ({"lengths": []}, "lengths must be integers of at least 0"),
        ({"lengths": 10}, "lengths must be integers of at least 0"),
        ({"static": STATIC[:4]}, r"static has shape \(4, 1\), but needs 5 rows and 2 axes"),
        ({"static": pd.DataFrame(STATIC[:4])}, r"needs 5 rows .* static\.loc\[ids\] has a row"),
        ({"static": STATIC[:, 0]}, r"static must be .* of shape \(5,\)"),
        ({"ids": list("abcd")}, r"ids has shape \(4,\), but needs 5 rows and 1 axes"),
        ({"rows": np.arange(5)}, r"rows has shape \(5,\), but needs 10 rows and 1 axes"),
    ],
    ids=repr,
)
def test_parts_that_do_not_fit_are_refused(parts, message):
    parts = {"values": VALUES, "lengths": LENGTHS, **parts}
    with pytest.raises(ValueError, match=message):
        Sequences(parts.pop("values"), parts.pop("lengths"), **parts)


@pytest.mark.parametrize(
    "form", [form for form in VALUES_IN if form not in ("array", "nested lists")]
)
def test_only_arrays_can_be_padded(form):
    with pytest.raises(TypeError, match="Only arrays can be padded, but the steps are a "):
        make(form).to_padded()


def test_sequences_are_no_array_of_numbers():
    for dtype in (float, np.float32, int):
        with pytest.raises(TypeError, match=r"cannot become one array of .*; use to_padded\(\)"):
            np.asarray(make(), dtype=dtype)
    assert np.asarray(make(), dtype=object).shape == (5,)


# Copies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", VALUES_IN)
@pytest.mark.parametrize(
    "duplicate", [lambda X: pickle.loads(pickle.dumps(X)), copy.deepcopy, copy.copy]
)
def test_copies_hold_the_same(form, duplicate):
    assert_holds(duplicate(make(form)), [0, 1, 2, 3, 4])
    assert_holds(duplicate(make(form)[1:4]), [1, 2, 3])


def test_deep_copies_are_independent():
    X = make()
    other = copy.deepcopy(X)
    other.values[:] = 0
    assert_holds(X, [0, 1, 2, 3, 4])


# Splits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", VALUES_IN)
def test_split_by_scikit_learn(form):
    X, y = make(form), np.arange(5)
    for X_part, y_part in (train_test_split(X, y, random_state=0)[i::2] for i in (0, 1)):
        assert_holds(X_part, y_part)
    for train, test in KFold(3, shuffle=True, random_state=0).split(X, y):
        assert_holds(X[train], train)
        assert_holds(_safe_indexing(X, test), test)
    groups = [0, 1, 0, 1, 2]
    for train, test in GroupKFold(3).split(X, y, groups):
        assert_holds(_safe_indexing(X, train), train)
        assert len(set(np.take(groups, test))) == 1
    X_shuffled, y_shuffled = shuffle(X, y, random_state=0)
    assert_holds(X_shuffled, y_shuffled)
    mask = y > 1
    assert_holds(_safe_indexing(X, mask), [2, 3, 4])


# Workers ---------------------------------------------------------------------------------

LARGE = Sequences(np.zeros((100_000, 2)), np.full(1000, 100), ids=range(1000))  # 1.6 MB


def is_mapped(values):
    """Return whether an array is, or is a view of, a file that is mapped into memory."""
    while values is not None:
        if isinstance(values, np.memmap):
            return True
        values = values.base
    return False


class Watched(Sequences):
    """Its parts say whether the values of the whole are mapped into memory."""

    def __getitem__(self, key):
        part = super().__getitem__(key)
        part.of_mapped = is_mapped(self.values)
        return part


class Probe(BaseEstimator):
    """Its score is 1 if the values of all sequences are mapped into memory."""

    def __init__(self, size=1):
        self.size = size

    def fit(self, X, y=None):
        self.of_mapped_ = X.of_mapped
        return self

    def score(self, X, y=None):
        return float(self.of_mapped_ and X.of_mapped)


def test_workers_map_the_values_instead_of_copying_them():
    parts = Parallel(n_jobs=2)(delayed(lambda X: is_mapped(X[1:].values))(LARGE) for _ in "ab")
    assert parts == [True, True]
    X = Watched(LARGE.values, LARGE.lengths)
    search = GridSearchCV(Probe(), {"size": [1, 2]}, cv=2, n_jobs=2, refit=False).fit(X)
    assert_array_equal(search.cv_results_["mean_test_score"], [1, 1])
    assert not is_mapped(X.values)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64, np.int16])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_lengths_of_any_integer_type_mean_the_same(dtype):
    values, lengths = np.arange(6.0)[:, None], [0, 3, 2, 1]
    X = Sequences(values, np.array(lengths, dtype))
    expected = Sequences(values, lengths)
    assert X.lengths.dtype == np.intp
    assert_array_equal(X[[3, 0, 1]].values, expected[[3, 0, 1]].values)
    clf = SequenceRNNClassifier(2, max_iter=2, random_state=0).fit(X, [0, 1, 0, 1])
    assert_array_equal(clf.predict_proba(X), clf.predict_proba(expected))
    assert_array_equal(Frames(2).fit_transform(X).values, Frames(2).fit_transform(expected).values)
