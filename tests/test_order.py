"""What belongs to sequences is paired with them by position, so a permuted index is refused."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import cross_val_score, train_test_split
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
    with pytest.raises(
        ValueError, match="The ids of exogenous are those of the sequences in anoth"
    ):
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


# Ids that are numbers: the name of the index says that it holds them, also in a part of the data.

VISITS = pd.DataFrame(
    {"customer": np.repeat([3, 0, 5, 1, 4, 2], 2), "t": [0, 1] * 6, "load": np.linspace(0, 1, 12)}
)
OF_CUSTOMERS, CUSTOMERS = from_long(VISITS, "customer", "t", columns=["load"])
BY_CUSTOMER = VISITS.groupby("customer")["load"].first()  # sorted by customer
FIRST = slice(4)  # customers 3, 0, 5 and 1, and in BY_CUSTOMER 0, 1, 2 and 3


def paired_with(X, values, ahead):
    """Return calls that pair X with values, by the name of what is paired."""
    steps = values.map(lambda value: [value, 1.0])
    reg = SequenceRNNRegressor(**TINY).fit(X, [0.5] * len(X))
    stepwise = StepRNNRegressor(**TINY)
    wide = X.with_values(np.hstack([X.values, X.values]))
    forecaster = SequenceRNNRegressor(**TINY).fit(wide, [0.5] * len(X))
    return {
        "y of fit": lambda: SequenceRNNRegressor(**TINY).fit(X, values),
        "y of a frame": lambda: SequenceRNNRegressor(**TINY).fit(
            X, values.to_frame().assign(other=1.0)
        ),
        "y of score": lambda: reg.score(X, values),
        "y of steps": lambda: stepwise.fit(X, steps),
        "y_val": lambda: SequenceRNNRegressor(**TINY).fit(
            X, values.to_numpy(), X_val=X, y_val=values
        ),
        "y of a transformer": lambda: PerStep(StandardScaler()).fit(X, values),
        "sample_weight": lambda: reg.fit(X, values.to_numpy(), sample_weight=values),
        "static": lambda: X.with_static(values.to_frame()),
        "static of Sequences": lambda: Sequences(
            X.values, X.lengths, ids=X.ids, static=values.to_frame()
        ),
        "mask": lambda: X[values > 0.5],
        "exogenous": lambda: forecaster.forecast(wide, 2, ahead),
        "exogenous of a series": lambda: forecaster.forecast(wide, 2, values.map(lambda v: [v])),
        "predictions": lambda: to_rows(values, X, n_rows=len(VISITS)),
        "y of a frame of sequences": lambda: SequenceRNNRegressor(**TINY).fit(
            pd.Series(list(X), index=pd.Index(X.ids, name="customer")), values
        ),
    }


PLACES = list(paired_with(OF_CUSTOMERS, BY_CUSTOMER.loc[CUSTOMERS], None))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("part", [slice(None), FIRST])
def test_numbers_are_ids_if_their_index_has_a_name(place, part):
    ahead = Sequences(np.arange(6.0)[:, None], [1] * 6, ids=CUSTOMERS)
    by_id = Sequences(np.arange(6.0)[:, None], [1] * 6, ids=np.sort(CUSTOMERS))
    X, in_order = OF_CUSTOMERS[part], BY_CUSTOMER.loc[CUSTOMERS]
    paired_with(X, in_order[part], ahead[part])[place]()
    with pytest.raises(
        ValueError, match=r"row [01] of \w+ is [01], but the id of sequence [01] is"
    ):
        paired_with(X, BY_CUSTOMER[part], by_id[part])[place]()


@pytest.mark.parametrize("place", [place for place in PLACES if place != "exogenous"])
@pytest.mark.parametrize("index", ["rows", "sliced", "shuffled", "of another name"])
def test_numbers_of_rows_are_not_ids_if_they_are_among_them(place, index):
    labels = pd.Index({"sliced": range(2, 6), "shuffled": [4, 0, 2, 3]}.get(index, range(4)))
    values = BY_CUSTOMER.loc[CUSTOMERS][FIRST].set_axis(labels)
    X = OF_CUSTOMERS[FIRST]
    if index == "of another name":
        values.index.name = "row"
    if index == "of another name" and place == "static of Sequences":
        return  # these do not know the name of their ids
    paired_with(X, values, None)[place]()


def test_splits_of_numbers_as_ids_in_another_order_are_refused():
    reg, rows = SequenceRNNRegressor(**TINY), BY_CUSTOMER.set_axis(range(2, 8))
    for y in (BY_CUSTOMER.loc[CUSTOMERS], rows):
        assert len(cross_val_score(reg, OF_CUSTOMERS, y, cv=2, error_score="raise")) == 2
        X_train, X_test, y_train, y_test = train_test_split(OF_CUSTOMERS, y, random_state=0)
        reg.fit(X_train, y_train).score(X_test, y_test)
    with pytest.raises(ValueError, match="another order"):
        cross_val_score(reg, OF_CUSTOMERS, BY_CUSTOMER, cv=2, error_score="raise")
    X_train, _, y_train, _ = train_test_split(OF_CUSTOMERS, BY_CUSTOMER, random_state=0)
    with pytest.raises(ValueError, match="another order"):
        reg.fit(X_train, y_train)


def test_derived_sequences_keep_the_name_of_their_ids():
    """A named index of the rows of the table is none of ids, whatever its numbers are."""
    table = VISITS.rename_axis("row").assign(age=1.0)
    X, _ = from_long(table, "customer", "t", columns=["load"], static="age")
    rows = X.static["age"]
    assert set(rows.index) & set(CUSTOMERS)
    for derived in (
        X.without_static(),
        X[::1].without_static(),
        X.with_values(X.values * 2).without_static(),
        PerStep(StandardScaler()).fit_transform(X).without_static(),
    ):
        SequenceRNNRegressor(**TINY).fit(derived, rows)


STAYS = pd.DataFrame(
    {
        "ward": ["B", "A", "B", "A"] * 2,
        "user": [1, 1, 2, 2] * 2,
        "day": pd.to_datetime(["2024-01-01"] * 4 + ["2024-01-02"] * 4),
        "load": [0.1, 0.5, 0.3, 0.2, 0.4, 0.9, 0.3, 0.8],
        "ok": [True, False, True, True, False, False, True, False],
    }
)


def with_tuples(names=("ward", "user")):
    """Sequences whose ids are tuples, and a number for each of them."""
    X, ids = from_long(STAYS, list(names), "day", columns=["load"])
    index = pd.MultiIndex.from_tuples(ids, names=names)
    return X, pd.Series([0.0, 1.0, 2.0, 3.0], index=index)


@pytest.mark.parametrize("given", ["names", "no names", "names of neither", "a frame"])
def test_levels_of_ids_in_another_order_are_reordered_or_refused(given):
    X, y = with_tuples()
    other = y.swaplevel().sort_index()
    if given == "no names":
        other.index.names = [None, None]
    if given == "names of neither":
        other.index.names = ["u", "w"]
    other = other.to_frame("u").assign(v=1.0) if given == "a frame" else other
    reg = SequenceRNNRegressor(**TINY)
    with pytest.raises(
        ValueError, match=r"levels .*another order.* row 0 of y is \('A', 1\), but .* \('B', 1\)"
    ) as error:
        reg.fit(X, other)
    order = [1, 0] if given == "no names" else ["ward", "user"]
    if given == "names of neither":
        order = ["w", "u"]
    assert f"y.reorder_levels({order}).loc[list(ids)]" in str(error.value)
    by_id = other.reorder_levels(order).loc[list(X.ids)]
    assert_array_equal(by_id.to_numpy().reshape(4, -1)[:, 0], y)
    reg.fit(X, by_id).fit(X, other.to_numpy()).fit(X, other.loc[[i[::-1] for i in X.ids]])


def test_levels_that_are_ids_in_both_orders_are_read_as_they_stand():
    ids = [(1, 2), (2, 1), (1, 1), (2, 2)]
    X = Sequences(np.ones((4, 1)), [1] * 4, ids=ids)
    y = pd.Series([0.0, 1.0, 2.0, 3.0], index=pd.MultiIndex.from_tuples(ids))
    reg = SequenceRNNRegressor(**TINY).fit(X, y)
    with pytest.raises(ValueError, match=r"row 0 of y is \(2, 1\)"):
        reg.fit(X, y.swaplevel())


@pytest.mark.parametrize("part", ["y", "static"])
@pytest.mark.parametrize("of", ["user", "ward and user"])
def test_a_table_with_a_column_of_ids_in_another_order_is_refused(part, of):
    if of == "user":
        X, _ = from_long(STAYS.assign(user=[3, 1, 2, 4] * 2), "user", "day", columns=["load"])
        keys = ["user"]
        table = pd.DataFrame({"user": X.ids, "age": [30.0, 10.0, 20.0, 40.0]})
    else:
        X, y = with_tuples()
        keys = ["ward", "user"]
        table = y.to_frame("age").reset_index()
    table["height"] = 1.0
    other = table.sort_values(keys).reset_index(drop=True)
    key = keys if len(keys) > 1 else keys[0]

    def pair(table):
        if part == "static":
            return X.with_static(table)
        return PerStep(StandardScaler()).fit(X, table)

    if part == "static":  # an id may be a feature, such as a shop
        pair(table)
    else:
        with pytest.raises(ValueError, match=r"in place of targets or weights\. Pass y\.drop\(col"):
            pair(table)
        pair(table.rename(columns={name: f"{name} of y" for name in keys}))
    with pytest.raises(ValueError, match=f"column.* of {part} hold.* row 0 of {part} is") as error:
        pair(other)
    for advice in (f"set_index({key!r}).loc[list(ids)]", f"drop(columns={key!r})"):
        assert f"{part}.{advice}" in str(error.value)
    pair(other.drop(columns=key))
    by_id = other.set_index(key).loc[list(X.ids)]
    assert by_id["age"].tolist() == table["age"].tolist()
    pair(by_id)


def test_a_column_of_ids_is_read_in_frames_of_other_libraries():
    polars = pytest.importorskip("polars")
    X, _ = from_long(STAYS.assign(user=[3, 1, 2, 4] * 2), "user", "day", columns=["load"])
    X.with_static(polars.DataFrame({"user": [3, 1, 2, 4], "age": [1, 2, 3, 4]}))
    with pytest.raises(ValueError, match="pass its rows in the order of the ids"):
        X.with_static(polars.DataFrame({"user": [1, 2, 3, 4], "age": [1, 2, 3, 4]}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y.drop("b"), r"y lacks the id 'b' of sequence 2"),
        (lambda y: y.rename({"b": "z"}).drop("c"), "lacks the id 'c' .* lack the id 'z' of row 1"),
        (lambda y: pd.concat([y, pd.Series([1], index=["z"])]), "lack the id 'z' of row 4 of y"),
    ],
)
def test_an_id_that_one_side_lacks_is_named(change, message):
    y = change(in_order_of_ids([0, 1, 1, 0]))
    with pytest.raises(ValueError, match=f"4 sequences, but y has the ids of .*{message}"):
        SequenceRNNClassifier(**TINY).fit(X, y)


def test_rows_without_ids_are_only_counted():
    for index in (range(3), ["p", "q", "r"], ["a", "a", "c"]):
        with pytest.raises(ValueError, match="X holds 4 sequences, but y holds 3 targets"):
            SequenceRNNClassifier(**TINY).fit(X, pd.Series([0, 1, 0], index=index))


def test_repeated_ids_need_as_many_rows():
    with pytest.raises(ValueError, match=r"4 sequences, .* of 3\. The ids of the sequences are re"):
        SequenceRNNClassifier(**TINY).fit(
            X[[0, 1, 2, 0]], pd.Series([0, 1, 0], index=["a", "b", "c"])
        )


def labels_of_steps(table=STAYS, time="day"):
    return from_long(table, ["ward", "user"], time, columns=["ok"])[0]


LATER = STAYS.assign(day=STAYS["day"] + pd.Timedelta(days=1))
# The last sequence begins a day later.
ONE_LATER = STAYS.assign(day=STAYS["day"].mask(STAYS.index == 3, STAYS["day"] - pd.Timedelta("1D")))


@pytest.mark.parametrize(
    ("table", "place"), [(LATER, "step 0 of sequence 0"), (ONE_LATER, "step 0 of sequence 3")]
)
@pytest.mark.parametrize("part", ["y", "sample_weight"])
def test_values_of_steps_at_other_times_are_refused(table, place, part):
    X, y, other = with_tuples()[0], labels_of_steps(), labels_of_steps(table)
    weights = y.with_values(np.ones((8, 1)))
    clf = StepRNNClassifier(**TINY).fit(X, y, sample_weight=weights)
    given = {"y": y, "sample_weight": weights}
    given[part] = other if part == "y" else other.with_values(np.ones((8, 1)))
    for method in (clf.fit, clf.score):
        with pytest.raises(ValueError, match=f"{part} has the time .* at {place}, but X") as error:
            method(X, **given)
        assert f"Sequences({part}.values, {part}.lengths)" in str(error.value)
    clf.fit(X, y, sample_weight=weights)
    clf.fit(X, Sequences(other.values, other.lengths))


def test_targets_of_steps_are_compared_in_pipelines_and_folds():
    X, y, later = with_tuples()[0], labels_of_steps(), labels_of_steps(LATER)
    pipe = make_pipeline(PerStep(StandardScaler()), StepRNNClassifier(**TINY))
    assert len(cross_val_score(pipe, X, y, cv=2, error_score="raise")) == 2
    for estimator in (pipe, PER_STEP[0]):
        estimator.fit(X, y)
        with pytest.raises(ValueError, match="y has the time 2024-01-02"):
            estimator.fit(X, later)


def test_times_of_one_side_are_not_compared():
    X, y = with_tuples()[0], labels_of_steps()
    clf = StepRNNClassifier(**TINY)
    clf.fit(X, labels_of_steps(time=None)).fit(X.to_ragged(), labels_of_steps(LATER))
    clf.fit(X, y)
    numbers = labels_of_steps(STAYS.assign(day=[0] * 4 + [1] * 4))
    clf.fit(X, numbers)  # times of another kind


def test_lengths_in_another_order_are_no_several_labels():
    """Labels that were read by themselves have no ids, but lengths."""
    table = TABLE[TABLE.index != 7].assign(ok=list("xyxyxyx"))
    X, _ = from_long(table, "machine", "ts", columns=["load"])
    y, _ = from_long(table[::-1], "machine", "ts", columns="ok")
    clf = StepRNNClassifier(**TINY)
    with pytest.raises(ValueError, match=r"y has the lengths of .* in another order") as error:
        clf.fit(X, y)
    assert "MultiLabelBinarizer" not in str(error.value)
    clf.fit(X, from_long(table, "machine", "ts", columns="ok")[0])


def test_equal_lengths_are_in_no_other_order():
    y = [np.array([0, 1]), np.array([[0], [1]])]
    with pytest.raises(ValueError, match=r"Sequence 1 of y has shape \(2, 1\)") as error:
        StepRNNClassifier(**TINY).fit([[1.0, 2.0], [3.0, 4.0]], y)
    assert "order" not in str(error.value)


def test_targets_may_have_the_name_of_the_ids():
    """Such as the next machine: a single column has no ids beside it."""
    following = pd.DataFrame({"machine": np.roll(X.ids, 1)})
    SequenceRNNClassifier(**TINY).fit(X, following["machine"])
    PerStep(StandardScaler()).fit(X, following)
    PerStep(StandardScaler()).fit(X, pd.DataFrame({"machine": X.ids}))


def test_predictions_may_have_a_column_of_ids():
    table = pd.DataFrame({"machine": X.ids, "risk": [1.0, 2.0, 3.0, 4.0]})
    assert to_rows(table, X).shape == (8, 2)
    with pytest.raises(ValueError, match=r"column 'machine' of predictions holds the ids .* row 0"):
        to_rows(table.sort_values("machine").reset_index(drop=True), X)


def test_dates_as_ids_are_named_as_dates():
    days = np.array(["2024-01-02", "2024-01-01"], "M8[D]")
    X = Sequences(np.ones((2, 1)), [1, 1], ids=days)
    with pytest.raises(
        ValueError, match=r"row 0 of y is .*2024-01-01T00.*sequence 0 is .*01-02T00"
    ):
        SequenceRNNRegressor(**TINY).fit(X, pd.Series([1.0, 2.0], index=days[::-1]))


def test_not_all_orders_of_many_levels_are_tried():  # which would take minutes
    ids = [tuple(row) for row in np.random.RandomState(0).randint(99, size=(3000, 9)).tolist()]
    X = Sequences(np.ones((len(ids), 1)), [1] * len(ids), ids=ids)
    y = pd.Series(np.ones(len(ids)), index=pd.MultiIndex.from_tuples([i[::-1] for i in ids]))
    PerStep(StandardScaler()).fit(X, y)


def test_no_labels_and_labels_without_a_hash_are_only_counted():
    X, y = with_tuples()
    with pytest.raises(ValueError, match="0 sample"):
        SequenceRNNRegressor(**TINY).fit(X, y[:0])
    lists = Sequences(np.ones((2, 1)), [1, 1], ids=np.array([[1], None], dtype=object))
    SequenceRNNRegressor(**TINY).fit(lists, pd.Series([1.0, 2.0], index=["a", "b"]))
    with pytest.raises(ValueError, match="X holds 2 sequences, but y holds 1 targets"):
        SequenceRNNRegressor(**TINY).fit(lists, pd.Series([1.0], index=["a"]))
