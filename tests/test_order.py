"""What belongs to sequences is paired with them by position, so a permuted index is refused."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder

from skrnn import (
    EnsembleClassifier,
    EnsembleRegressor,
    PerStep,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
    TableTransformer,
    XORMLPClassifier,
)
from skrnn.compose import TransformedStepTargetRegressor
from skrnn.convert import from_long, to_rows

TABLE = pd.DataFrame(
    {
        "machine": ["c", "a", "b", "c", "a", "b", "d", "d"],
        "ts": [0, 0, 0, 1, 1, 1, 0, 1],
        "load": [0.1, 0.5, 0.3, 0.2, 0.4, 0.9, 0.3, 0.8],
        "age": [30, 10, 20, 30, 10, 20, 40, 40],
    }
)
X, IDS = from_long(TABLE, "machine", "ts", columns=["load"])
SORTED = TABLE.groupby("machine")[["age"]].first()
TINY = {"hidden_layer_sizes": 2, "max_iter": 1, "random_state": 0}
ONE = EnsembleClassifier(SequenceRNNClassifier(**TINY), 1, random_state=0)
PER_SEQUENCE = [
    SequenceRNNClassifier(**TINY),
    SequenceRNNRegressor(**TINY),
    ONE,
    EnsembleRegressor(SequenceRNNRegressor(**TINY), 1, random_state=0),
    make_pipeline(PerStep(StandardScaler()), SequenceRNNClassifier(**TINY)),
]
PER_STEP = [
    EnsembleClassifier(StepRNNClassifier(**TINY), 1, random_state=0),
    EnsembleRegressor(StepRNNRegressor(**TINY), 1, random_state=0),
    StepRNNClassifier(**TINY),
    StepRNNRegressor(**TINY),
    TransformedStepTargetRegressor(StepRNNRegressor(**TINY), transformer=StandardScaler()),
]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def in_order_of_ids(values):
    return pd.Series(values, index=list(IDS))


@pytest.mark.parametrize(
    "pair", [X.with_static, lambda s: Sequences(X.values, X.lengths, static=s, ids=IDS)]
)
def test_a_static_table_with_the_ids_in_another_order_is_refused(pair):
    with pytest.raises(ValueError, match=r"row 0 of static is 'a'.* sequence 0 is 'c'") as error:
        pair(SORTED)
    for advice in ("static.loc[list(ids)]", "static.to_numpy()"):
        assert advice in str(error.value)


def test_both_pieces_of_advice_are_accepted():
    assert X.with_static(SORTED.loc[list(IDS)]).static["age"].tolist() == [30, 10, 20, 40]
    assert X.with_static(SORTED.to_numpy()).static.ravel().tolist() == [10, 20, 30, 40]


@pytest.mark.parametrize(
    "index",
    [
        range(4),
        range(4, 8),
        [0, 2, 3, 9],  # some rows of a table
        ["p", "q", "r", "s"],
        list(IDS),
        pd.MultiIndex.from_tuples([("a", 0), ("b", 0), ("c", 0), ("d", 0)]),
    ],
)
def test_another_index_is_no_order(index):
    static = SORTED.set_axis(index)
    assert X.with_static(static).static is static


def test_rows_of_a_table_may_be_repeated_for_several_sequences():
    stays = pd.DataFrame({"stay": [7, 7, 9, 4], "who": ["q", "q", "p", "q"], "pulse": [1.0] * 4})
    of_stays, _ = from_long(stays, "stay", static="who")
    people = pd.DataFrame({"age": [60, 81]}, index=["p", "q"])
    joined = of_stays.with_static(people.loc[of_stays.static["who"]])
    assert joined.static["age"].tolist() == [81, 60, 81]


def test_ids_may_be_integers_dates_and_tuples():
    for ids, other in [
        ([7, 3, 5], pd.Index([3, 5, 7], name="id")),
        ([7, 3, 5], [5, 3, 7]),
        (np.array(["2020-01-02", "2020-01-01"], "M8[s]"), pd.date_range("2020-01-01", periods=2)),
        ([("a", 2), ("a", 1)], pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
        (["a", "b", "a"], ["a", "a", "b"]),
    ]:
        frame = pd.DataFrame({"age": range(len(ids))}, index=other)
        with pytest.raises(ValueError, match="another order"):
            Sequences(np.ones((len(ids), 1)), [1] * len(ids), ids=ids, static=frame)


def test_numbers_of_rows_are_not_read_as_ids():
    """The rows of the static table are the first rows of the sequences, in a table by time."""
    table = pd.DataFrame({"id": [0, 2, 1, 0, 2, 1], "t": [0, 0, 0, 1, 1, 1], "u": 0.5, "w": 1.0})
    for rows in (table, table.iloc[[1, 0, 2, 3, 4, 5]]):  # in another order, they look like ids
        sequences, _ = from_long(rows, "id", "t", static="w")
        assert sequences.with_static(sequences.static[["w"]]).static.equals(sequences.static)
        scaled = TableTransformer(static=StandardScaler()).set_output(transform="pandas")
        assert scaled.fit_transform(sequences).static.index.equals(sequences.static.index)
    y = pd.Series([0, 1, 1])
    SequenceRNNClassifier(**TINY).fit(sequences, y)


@pytest.mark.parametrize("estimator", PER_SEQUENCE)
def test_targets_and_weights_with_the_ids_in_another_order_are_refused(estimator):
    y = in_order_of_ids([0, 1, 1, 0])
    estimator.fit(X, y)
    assert estimator.score(X, y) == estimator.score(X, y.to_numpy())
    for other in (y.sort_index(), y.sort_index().to_frame()):
        for method in (estimator.fit, estimator.score):
            with pytest.raises(ValueError, match="of y is 'a'"):
                method(X, other)
    if not hasattr(estimator, "steps"):
        for method in (estimator.fit, estimator.score):
            with pytest.raises(ValueError, match="of sample_weight is 'a'"):
                method(X, y, sample_weight=y.sort_index() + 1)


@pytest.mark.parametrize("estimator", PER_STEP)
def test_targets_of_steps_with_the_ids_in_another_order_are_refused(estimator):
    y = in_order_of_ids([[0, 1], [1, 0], [1, 1], [0, 0]])
    estimator.fit(X, y).score(X, y)
    for method in (estimator.fit, estimator.score):
        with pytest.raises(ValueError, match="of y is 'a'"):
            method(X, y.sort_index())
    of_sequences = Sequences(np.arange(8)[:, None], [2] * 4, ids=sorted(IDS))
    if estimator is not PER_STEP[-1]:
        with pytest.raises(ValueError, match=r"y\.to_ragged\(\)"):
            estimator.fit(X, of_sequences)
        order = [list(of_sequences.ids).index(i) for i in IDS]
        estimator.fit(X, of_sequences[order])


def test_validation_data_in_another_order_are_refused():
    y = in_order_of_ids([0, 1, 1, 0])
    with pytest.raises(ValueError, match=r"In the validation data.* of y is 'a'"):
        SequenceRNNClassifier(**TINY).fit(X, y, X_val=X, y_val=y.sort_index())


def test_targets_of_a_transformer_in_another_order_are_refused():
    y = in_order_of_ids([0.0, 1.0, 1.0, 0.0])
    with pytest.raises(ValueError, match="of y is 'a'"):
        PerStep(TargetEncoder(cv=2)).fit(X, y.sort_index())


def test_a_fold_of_cross_validation_in_another_order_is_refused():
    y = in_order_of_ids([0, 1, 1, 0])
    assert len(cross_val_score(PER_SEQUENCE[1], X, y, cv=2, error_score="raise")) == 2
    with pytest.raises(ValueError, match="another order"):
        cross_val_score(PER_SEQUENCE[1], X, y.sort_index(), cv=3, error_score="raise")


def test_predictions_with_the_ids_in_another_order_are_refused():
    table, _ = from_long(TABLE, "machine", "ts")
    risk = in_order_of_ids([3, 1, 2, 4])
    assert_array_equal(to_rows(risk, table), [3, 1, 2, 3, 1, 2, 4, 4])
    with pytest.raises(ValueError, match="of predictions is 'a'"):
        to_rows(risk.sort_index(), table)


def test_exogenous_sequences_in_another_order_are_refused():
    wide = X.with_values(np.hstack([X.values, X.values]))
    reg = SequenceRNNRegressor(**TINY).fit(wide, [0.1, 0.2, 0.3, 0.4])
    ahead = Sequences(np.arange(4.0)[:, None], [1] * 4, ids=IDS)
    assert reg.forecast(wide, 2, ahead).shape == (4, 2)
    with pytest.raises(ValueError, match="The ids of exogenous"):
        reg.forecast(wide, 2, ahead[[1, 0, 2, 3]])
    column = in_order_of_ids([[0.0], [1.0], [2.0], [3.0]]).to_frame("later")
    for given in (column, column["later"]):
        assert reg.forecast(wide, 2, given).shape == (4, 2)
        with pytest.raises(ValueError, match="of exogenous is 'a'"):
            reg.forecast(wide, 2, given.sort_index())


def of_sequences():
    return in_order_of_ids([[0.1, 0.2], [0.5], [0.3, 0.9], [0.3, 0.8]])


@pytest.mark.parametrize("estimator", PER_SEQUENCE)
@pytest.mark.parametrize("form", ["series", "frame", "frame with a static column"])
def test_targets_in_another_order_than_a_frame_of_sequences_are_refused(form, estimator):
    X = of_sequences() if form == "series" else of_sequences().to_frame("load")
    if form == "frame with a static column":
        X["age"] = 1.0
    y = in_order_of_ids([0, 1, 1, 0])
    estimator.fit(X, y).score(X, y)
    estimator.fit(X.sort_index(), y.sort_index())
    estimator.fit(X, y.reset_index(drop=True))
    estimator.fit(X, y.set_axis(["p", "q", "r", "s"]))
    for method in (estimator.fit, estimator.score):
        with pytest.raises(
            ValueError, match=r"of y is 'a', but .* 0 is 'c'.* y\.loc\[X\.(static\.)?index\]"
        ):
            method(X, y.sort_index())
    estimator.fit(X, y.sort_index().loc[X.index])
    estimator.fit(X, y.sort_index().to_numpy())


def test_rows_of_frames_of_sequences_may_have_numbers():
    X, y = of_sequences().reset_index(drop=True), pd.Series([0, 1, 1, 0])
    clf, other = PER_SEQUENCE[0], [2, 0, 1, 3]
    clf.fit(X, y).fit(X.loc[other], y.loc[other]).fit(X.loc[other], y)
    with pytest.raises(ValueError, match="row 0 of y is 2, but the id of sequence 0 is 0"):
        clf.fit(X, y.loc[other])


def test_targets_of_steps_in_another_order_than_a_frame_of_sequences_are_refused():
    y = in_order_of_ids([[0, 1], [0], [1, 1], [0, 0]])
    for estimator in (PER_STEP[0], PER_STEP[2]):
        estimator.fit(of_sequences(), y)
        with pytest.raises(ValueError, match="of y is 'a'"):
            estimator.fit(of_sequences(), y.sort_index())


def test_a_table_of_numbers_is_paired_by_position():
    X = pd.DataFrame({"u": [0.0, 1.0, 2.0, 3.0]}, index=list(IDS))
    y = in_order_of_ids([0, 1, 1, 0])
    XORMLPClassifier((2,), max_iter=1).fit(X, y.sort_index())


@pytest.mark.parametrize("dtype", ["bool", "boolean"])
def test_a_mask_with_the_ids_in_another_order_is_refused(dtype):
    mask = in_order_of_ids([True, False, False, True]).astype(dtype)
    for given in (mask, mask.to_numpy(), mask.reset_index(drop=True)):
        assert X[given].ids.tolist() == ["c", "d"]
    with pytest.raises(ValueError, match=r"of mask is 'a', .* pass mask\.loc\[list\(ids\)\]"):
        X[mask.sort_index()]
    assert X[mask.sort_index().loc[list(IDS)]].ids.tolist() == ["c", "d"]
