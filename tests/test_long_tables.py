"""Long tables: ids of several columns, static features, and predictions back in their rows."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GroupKFold, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import resample

from skrnn import (
    PerStep,
    Sequences,
    StepRNNClassifier,
    as_sequences,
)
from skrnn.convert import from_long, from_nested, to_long, to_nested, to_rows

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
few = settings(max_examples=40, deadline=None)  # the first import of a library is slow

TABLE = {
    "site": ["x", "y", "x", "y", "x", "x"],
    "visit": [1, 1, 1, 2, 2, 1],
    "time": [2, 1, 1, 1, 1, 3],
    "u": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    "word": list("abcdef"),
    "age": [30, 40, 30, 40, 35, 30],
}
IDS = [("x", 1), ("y", 1), ("y", 2), ("x", 2)]
ROWS = [[2, 0, 5], [1], [3], [4]]
LENGTHS = [3, 1, 1, 1]
LIBRARIES = {"dict": dict, "pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}
QUICK = {"hidden_layer_sizes": 2, "max_iter": 1, "solver": "sgd", "random_state": 0}


def in_frame(library, table):
    if library == "dict":
        return table
    return getattr(pytest.importorskip(library), LIBRARIES[library])(table)


def with_index(table, *levels):
    return pd.DataFrame(table).set_index(list(levels))


FORMS = {
    **{
        name: (lambda name=name: (in_frame(name, TABLE), ["site", "visit"], "time"))
        for name in LIBRARIES
    },
    "levels": lambda: (with_index(TABLE, "site", "visit", "time"), None, None),
    "levels by name": lambda: (
        with_index(TABLE, "time", "site", "visit"),
        ["site", "visit"],
        "time",
    ),
    "a level and a column": lambda: (with_index(TABLE, "site"), ["site", "visit"], "time"),
    "columns kept as levels": lambda: (
        pd.DataFrame(TABLE).set_index(["site", "visit"], drop=False),
        ["site", "visit"],
        "time",
    ),
}


# from_long ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_ids_of_several_columns(form):
    frame, id_names, time = FORMS[form]()
    X, ids = from_long(frame, id_names, time, static=["age"])
    assert ids.dtype == object
    assert ids.tolist() == X.ids.tolist() == IDS
    assert_array_equal(X.lengths, LENGTHS)
    assert_array_equal(X.rows, np.concatenate(ROWS))
    assert np.asarray(X.static).ravel().tolist() == [30, 40, 40, 35]
    for steps, rows in zip(X, ROWS, strict=True):
        assert np.asarray(steps).tolist() == [[TABLE["u"][row], TABLE["word"][row]] for row in rows]
    chosen, _ = from_long(frame, id_names, time, columns=["word"], static="age")
    assert chosen.n_features == 1
    labels, _ = from_long(frame, id_names, time, columns="word")
    assert [of_one.tolist() for of_one in labels] == [["c", "a", "f"], ["b"], ["d"], ["e"]]


@pytest.mark.parametrize("library", list(LIBRARIES)[1:])
def test_names_and_types_are_kept(library):
    X, _ = from_long(in_frame(library, TABLE), ["site", "visit"], "time", static=["age"])
    frame = in_frame(library, TABLE)

    def names(table):
        return list(getattr(table, "column_names", table.columns))

    assert type(X.values) is type(X.static) is type(frame)
    assert names(X.values) == ["u", "word"]
    assert names(X.static) == ["age"]
    types = ColumnTransformer([("u", StandardScaler(), ["u"]), ("word", OneHotEncoder(), ["word"])])
    assert PerStep(types).fit_transform(X).n_features == 7


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        (pd.Categorical(["b", "a", "b"]), ["b", "a"]),
        (pd.array(["b", "a", "b"], dtype="string"), ["b", "a"]),
        (pd.array([2, 1, 2], dtype="Int64"), [2, 1]),
        ([True, False, True], [True, False]),
        (
            [datetime.date(2024, 1, 2), datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)],
            [datetime.date(2024, 1, 2), datetime.date(2024, 1, 1)],
        ),
    ],
    ids=["category", "string", "Int64", "bool", "dates"],
)
def test_types_of_ids(ids, found):
    X, of_one = from_long(pd.DataFrame({"id": ids, "u": [1.0, 2.0, 3.0]}), "id")
    assert of_one.tolist() == found
    assert_array_equal(X.rows, [0, 2, 1])
    _, of_two = from_long(pd.DataFrame({"id": ids, "k": [7, 8, 7], "u": [1, 2, 3]}), ["id", "k"])
    assert of_two.tolist() == [(found[0], 7), (found[1], 8)]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        ({"site": [*"xyxyx", None]}, {}, "column 'site' is missing in row 5"),
        ({"visit": [1, 1, None, 2, 2, 1]}, {}, "column 'visit' is missing in row 2"),
        ({"time": [1, 1, 1, 1, 1, 3]}, {}, r"id \('x', 1\) has more than one step at 'time' 1"),
        ({"time": [1.0, 2.0, 3.0, np.inf, 5.0, -np.inf]}, {}, "'time' is infinite in row 3"),
        ({}, {"static": ["u"]}, r"static column 'u' changes .* \('x', 1\): 3.0, then 1.0"),
        ({}, {"static": ["word"]}, r"static column 'word' changes .*: 'c', then 'a'"),
        ({}, {"static": ["wort"]}, "There is no column 'wort'; the columns are"),
        ({}, {"columns": ["u", "v"]}, "There is no column 'v'"),
        ({}, {"id": ["site", "who"]}, "There is no column 'who'"),
        ({"word": [[1], [2], [3], [4], [5], [6]]}, {}, "Column 'word' holds a sequence in row 0"),
    ],
    ids=str,
)
def test_tables_that_are_refused(library, changes, arguments, message):
    arguments = {"id": ["site", "visit"], "time": "time", **arguments}
    with pytest.raises(ValueError, match=message):
        from_long(in_frame(library, {**TABLE, **changes}), **arguments)


WRITTEN = [
    "%Y-%m",
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%d %H:%M:%S+02:00",
    "%Y%m%d",
    "%Y%m%dT%H%M%S",
    "%G-W%V",
]


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("library", LIBRARIES)
def test_iso_dates_as_text_have_an_order(library, written):
    days = pd.date_range("2019-11-28 09:59:58", periods=40, freq="31D 1h").strftime(written)
    order = np.random.RandomState(0).permutation(40)
    rows = {"id": ["a", "b"] * 20, "day": np.array(days)[order].tolist(), "u": np.arange(40)}
    X, _ = from_long(in_frame(library, rows), "id", "day", columns=["u"])
    for steps, of_one in zip(X, (order[::2], order[1::2]), strict=True):
        assert_array_equal(order[np.asarray(steps)[:, 0]], np.sort(of_one))
    with pytest.raises(ValueError, match=f"more than one step at 'day' {days[0][:7]}"):
        from_long(in_frame(library, {**rows, "day": [days[0]] * 40}), "id", "day")


@pytest.mark.parametrize("times", [["2024", "2023"], ["2024Q1", "2023Q4"], ["2024-Q2", "2024-Q1"]])
def test_years_and_quarters_as_text_have_an_order(times):
    X, _ = from_long(pd.DataFrame({"id": ["a", "a"], "day": times, "u": [1.0, 2.0]}), "id", "day")
    assert_array_equal(X.rows, [1, 0])


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("times", "message"),
    [
        (
            ["31/12/2023", "01/01/2024"],
            r"row 0 holds '31/12/2023'.*\(table\['day'\], dayfirst=True\)",
        ),
        (["2023-12-31", "1.1.2024"], r"row 1 holds '1.1.2024'\..*, dayfirst=True\)"),
        (["2023-12-31", "2023-31-12"], r"row 1 holds '2023-31-12'\..*table\['day'\]\), or with a"),
        (["2023-12-31", "2024-01-01 10:00"], r"row 1 holds .*, and row 0 '2023-.*'ISO8601'\)"),
        (["2023-12-31 9:00", "2023-12-31 10:00"], "row 0 holds '2023-12-31 9:00'"),
        (["2023-12-31 10:00", "2023-12-31T09:00"], "row 1 holds '2023-12-31T09:00', and row 0"),
        (["2024-01-01 10:00+00:00", "2024-01-01 10:00+02:00"], "row 1 .*format='ISO8601', utc=Tr"),
        (["2023-12-31\n", "2024-01-01\n"], "row 0 holds"),
        (["٢٠٢٤-01-01", "٢٠٢٤-01-02"], "row 0 holds"),
        (["Monday", "Tuesday"], "row 0 holds 'Monday'.*or with a format"),
        (["20240132", "20240101"], r"row 0 holds '20240132'.*to_numeric\("),
        (["2024Q1", "2024Q5"], "row 1 holds '2024Q5'"),
        (["20240101", "2024-01-02"], "row 1 holds '2024-01-02', and row 0 '20240101'.*ISO8601"),
        (["Q4 2023", "Q1 2024"], "row 0 holds 'Q4 2023'.* the year first, as in '2024Q3'"),
        (
            ["Dec 2023", "Jan 2024"],
            r"row 0 holds 'Dec 2023'.*day'\], format=\.\.\.\), where '%d %b",
        ),
    ],
)
def test_other_text_has_no_order_in_time(library, times, message):
    table = in_frame(library, {"id": ["a", "a"], "day": times, "u": [1.0, 2.0]})
    with pytest.raises(ValueError, match=f"times in 'day' must be numbers or dates.*{message}"):
        from_long(table, "id", "day")


@pytest.mark.parametrize(
    ("times", "remedy"),
    [
        (["31/12/2023", "01/01/2024"], lambda day: pd.to_datetime(day, dayfirst=True)),
        (["2023-12-31", "2024-01-01 10:00"], lambda day: pd.to_datetime(day, format="ISO8601")),
        (["10", "9"], pd.to_numeric),
    ],
)
def test_the_advice_on_text_gives_the_order(times, remedy):
    table = pd.DataFrame({"id": ["a", "a"], "day": times, "u": [1.0, 2.0]})
    X, _ = from_long(table.assign(day=remedy(table["day"])), "id", "day")
    assert_array_equal(X.rows, [1, 0] if times[0] == "10" else [0, 1])


NAMED = pd.DataFrame({"who": list("aabb"), "day": [0, 1, 0, 1], "u": [1.0, 2.0, 3.0, 4.0]})


@pytest.mark.parametrize("parameter", ["id", "time", "columns", "static"])
def test_the_values_of_a_column_in_place_of_its_name_are_refused(parameter):
    name = {"id": "who", "time": "day"}.get(parameter, "u")
    arguments = {"id": "who", "time": "day"}
    for values, advice in (
        (NAMED[name], rf"a Series of length 4\. Pass {parameter}='{name}'\."),
        (NAMED[name].rename("x"), r"Put the values into a column of the table\."),
        (NAMED[name].to_numpy(), r"a ndarray of length 4\. Put the values into"),
    ):
        with pytest.raises(ValueError, match=f"{parameter} must be the name of a col.*{advice}"):
            from_long(NAMED, **{**arguments, parameter: values})
    if parameter == "time":
        with pytest.raises(ValueError, match=r"is a list: \['day'\]\. Pass time='day'"):
            from_long(NAMED, "who", ["day"])


def test_names_may_be_in_an_array_or_index():
    for columns in (NAMED.columns[2:], np.array(["u"]), pd.Series(["u"]), NAMED[["u"]]):
        assert from_long(NAMED, np.array(["who"]), "day", columns=columns)[0].shape == (2,)
    with pytest.raises(ValueError, match="There is no column 'w'"):
        from_long(NAMED, "who", "day", columns=np.array(["u", "w"]))


@pytest.mark.parametrize(
    ("column", "values", "mended"),
    [
        ("day", pd.to_datetime(["2024-01-01", None, None, "2024-01-02"]), 2),
        ("who", ["a", None, "b", "b"], 3),
    ],
)
def test_the_advice_on_missing_ids_and_times(column, values, mended):
    table, what = NAMED.assign(**{column: values}), {"day": "time", "who": "id"}[column]
    more = ", and in 1 more" if column == "day" else ""
    with pytest.raises(
        ValueError, match=f"The {what} in column '{column}' is .* row 1{more}. F"
    ) as error:
        from_long(table, "who", "day")
    assert f"table.dropna(subset=['{column}'])" in str(error.value)
    assert len(from_long(table.dropna(subset=[column]), "who", "day")[0].values) == mended


def test_the_advice_on_steps_at_one_time():
    table = pd.concat([NAMED, NAMED[2:]], ignore_index=True)
    with pytest.raises(ValueError, match=r"id b .* 'day' 0, such as in rows 2 and 4\.") as error:
        from_long(table, "who", "day")
    remedies = (
        "table.groupby(['who', 'day'], as_index=False).mean(numeric_only=True)",
        "table.drop_duplicates(['who', 'day'])",
    )
    for remedy in remedies:
        assert remedy in str(error.value)
        assert_array_equal(from_long(eval(remedy), "who", "day")[0].values["u"], [1, 2, 3, 4])


@pytest.mark.parametrize("categories", [["mon", "tue"], ["tue", "mon"], [1, 0], ["2024", "2023"]])
@pytest.mark.parametrize("place", ["column", "level"])
def test_ordered_categories_are_no_times_but_their_codes_are(categories, place):
    days = pd.Categorical(categories[::-1] * 2, categories=categories, ordered=True)
    table = NAMED.assign(day=days)
    table = table.set_index(["who", "day"]) if place == "level" else table
    advice = "table.index.get_level_values('day')" if place == "level" else "table['day'].cat"
    with pytest.raises(ValueError, match=r"'day' must be .* are ordered categories") as error:
        from_long(table, "who", "day")
    assert f"{advice}.codes" in str(error.value)
    table["code"] = eval(f"{advice}.codes")
    assert_array_equal(from_long(table, "who", "code", columns=["u"])[0].values["u"], [2, 1, 4, 3])


def test_missing_times_have_no_code():
    days = pd.Categorical(["tue", None] * 2, categories=["mon", "tue"], ordered=True)
    with pytest.raises(
        ValueError, match=r"time in column 'day' is missing in row 1, and in 1 more"
    ):
        from_long(NAMED.assign(day=days), "who", "day")


@pytest.mark.parametrize("categories", [["2023", "2024"], [3, 7]])
def test_ordered_categories_in_the_order_of_their_values_are_times(categories):
    days = pd.Categorical(categories[::-1] * 2, categories=categories, ordered=True)
    assert_array_equal(from_long(NAMED.assign(day=days), "who", "day")[0].rows, [1, 0, 3, 2])


def test_levels_that_are_refused():
    frame = with_index(TABLE, "site", "visit", "time")
    for names in ([None, "visit", "time"], ["site", None, "time"], [None] * 3):
        with pytest.raises(ValueError, match="a MultiIndex of two or more named levels"):
            from_long(frame.rename_axis(names))
    with pytest.raises(ValueError, match="'site' is a column and another level of the index"):
        from_long(frame.assign(site="z"))
    assert from_long(frame.assign(site="z"), "visit")[0].lengths.tolist() == [4, 2]


def test_missing_static_features_are_equal():
    table = {**TABLE, "age": [None, 40, None, 40, None, None]}
    for library in LIBRARIES:
        X, _ = from_long(in_frame(library, table), ["site", "visit"], static=["age"])
        assert pd.isna(np.asarray(X.static).ravel()).tolist() == [True, False, False, True]
    table["age"][0] = 30
    with pytest.raises(ValueError, match="static column 'age' changes"):
        from_long(table, ["site", "visit"], static=["age"])


# to_rows --------------------------------------------------------------------------------------

PREDICTIONS = {
    "numbers": [10, 20, 30, 40],
    "floats": np.array([0.5, 1.5, 2.5, 3.5]),
    "strings": ["p", "q", "r", "s"],
    "words of other lengths": np.array(["p", "qqq", "rr", "s"]),
    "booleans": [True, False, True, True],
    "Series": pd.Series([10, 20, 30, 40], index=[3, 2, 1, 0]),
    "objects": np.array([None, "q", 3, "s"], dtype=object),
    "vectors": np.arange(8.0).reshape(4, 2),
}
OF_STEPS = {
    "numbers of steps": lambda rows: [TABLE["u"][row] for row in rows],
    "strings of steps": lambda rows: [TABLE["word"][row] for row in rows],
    "probabilities of steps": lambda rows: np.array([[row / 10, 1 - row / 10] for row in rows]),
}


def read(frame=None):
    return from_long(TABLE if frame is None else frame, ["site", "visit"], "time")[0]


@pytest.mark.parametrize("name", PREDICTIONS)
def test_predictions_of_sequences(name):
    predictions = PREDICTIONS[name]
    column = to_rows(predictions, read())
    expected = np.asarray(predictions)
    assert column.dtype == expected.dtype
    for i, rows in enumerate(ROWS):
        for row in rows:
            assert np.all(column[row] == expected[i])
    part = to_rows(expected[[3, 1]], read()[[3, 1]], n_rows=6)
    assert part.shape == column.shape
    for row in range(6):
        if row in (4, 1):
            assert np.all(part[row] == column[row])
        else:
            assert pd.isna(part[row]).all() if part.ndim > 1 else pd.isna(part[row])
    assert (part.dtype.kind == "f") == (expected.dtype.kind in "biuf")


@pytest.mark.parametrize("name", OF_STEPS)
@pytest.mark.parametrize("container", [list, tuple, pd.Series, "Sequences"])
def test_predictions_of_steps(container, name):
    predictions = [OF_STEPS[name](rows) for rows in ROWS]
    if container == "Sequences":
        values = np.concatenate([np.reshape(p, (len(p), -1)) for p in predictions])
        predictions, of_two = Sequences(values, LENGTHS), Sequences(values, LENGTHS)[[2, 0]]
    else:
        predictions, of_two = container(predictions), [predictions[2], predictions[0]]
    expected = np.asarray(OF_STEPS[name](range(6)))
    assert_array_equal(to_rows(predictions, read()), expected)
    part = to_rows(of_two, read()[[2, 0]], n_rows=6)
    assert_array_equal(part[[3, 2, 0, 5]], expected[[3, 2, 0, 5]])
    assert pd.isna(part[[1, 4]]).all()


@few
@given(data=st.data())
def test_a_shuffled_table_gets_its_own_values_back(data):
    n_rows = data.draw(st.integers(1, 12))
    table = pd.DataFrame(
        {
            "a": data.draw(st.lists(st.sampled_from("xyz"), min_size=n_rows, max_size=n_rows)),
            "b": data.draw(st.lists(st.integers(0, 2), min_size=n_rows, max_size=n_rows)),
            "t": data.draw(st.permutations(range(n_rows))),
            "v": np.arange(n_rows),
        }
    )
    X, ids = from_long(table, ["a", "b"], "t", columns=["v"])
    times = from_long(table, ["a", "b"], "t", columns="t")[0]
    assert all((np.diff(of_one) > 0).all() for of_one in times)
    assert_array_equal(to_rows([np.asarray(steps)[:, 0] for steps in X], X), table["v"])
    texts = to_rows([f"{a}{b}" for a, b in ids], X)
    assert texts.tolist() == (table["a"] + table["b"].astype(str)).tolist()
    chosen = data.draw(st.lists(st.integers(0, len(X) - 1), unique=True, min_size=1))
    part = X[chosen]
    column = to_rows([np.asarray(steps)[:, 0] for steps in part], part, n_rows=n_rows)
    inside = np.isin(np.arange(n_rows), part.rows)
    assert_array_equal(column[inside], table["v"][inside])
    assert np.isnan(column[~inside].astype(float)).all()


def test_predictions_that_do_not_fit():
    X = read()
    for predictions, part, n_rows, message in [
        ([1, 2], X, None, "X holds 4 sequences, but there are 2 predictions"),
        (
            [[1, 2], [1], [1], [1]],
            X,
            None,
            r"0 of predictions has shape \(2,\), but \(3,\)",
        ),
        ([1], X[:1], None, r"comes from row 5 of a table, but n_rows=None and X holds 3 rows"),
        ([1, 2, 3, 4], X, 5, "comes from row 5 of a table, but n_rows=5"),
        ([1, 2], X[[0, 0]], None, "row 0 of the table more than once.* Predict each sequence once"),
        ([1, 2], X[[0, 0]], 6, "row 0 of the table more than once"),
        ([1, 2], X[[1, 1]], 6, "row 1 of the table more than once"),
        ([1], as_sequences([[1.0]]), None, "X must be Sequences with row numbers"),
        ([1], [[1.0]], None, "X must be Sequences with row numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            to_rows(predictions, part, n_rows=n_rows)
    assert to_rows([7, 8], from_long({"i": [0, 0, 1], "u": [1, 2, 3]}, "i")[0]).tolist() == [
        7,
        7,
        8,
    ]


def test_the_whole_way_of_a_table():
    """Rows in any order, several ids, mixed columns, a split by groups, and the answers per row."""
    rng = np.random.RandomState(0)
    n = 60
    table = pd.DataFrame(
        {
            "site": rng.choice(list("pq"), n),
            "visit": rng.randint(0, 6, n),
            "time": np.arange(n),
            "u": rng.normal(size=n),
            "word": rng.choice(["a", "b"], n),
        }
    ).sample(frac=1, random_state=1)
    table["label"] = (table["u"] > 0).astype(int)
    features = ["u", "word"]
    X, ids = from_long(table, ["site", "visit"], "time", columns=features)
    y, _ = from_long(table, ["site", "visit"], "time", columns="label")
    encode = ColumnTransformer(
        [("u", StandardScaler(), ["u"]), ("word", OneHotEncoder(), ["word"])], sparse_threshold=0
    )
    model = make_pipeline(PerStep(encode), StepRNNClassifier(**QUICK))
    groups = [site for site, _ in ids]
    predicted = cross_val_predict(model, X, y, groups=groups, cv=GroupKFold(2))
    column = to_rows(predicted, X)
    for site in "pq":
        train = [i for i, group in enumerate(groups) if group != site]
        test = [i for i, group in enumerate(groups) if group == site]
        by_hand = model.fit(X[train], y[train]).predict(X[test])
        in_rows = to_rows(by_hand, X[test], n_rows=len(table))
        chosen = (table["site"] == site).to_numpy()
        assert_array_equal(column[chosen], in_rows[chosen])
        assert np.isnan(in_rows[~chosen]).all()
    X_train, X_test, y_train, _ = train_test_split(X, y, random_state=0)
    model.fit(X_train, y_train)
    probabilities = to_rows(model.predict_proba(X_test), X_test, n_rows=len(table))
    assert probabilities.shape == (n, 2)
    assert np.isfinite(probabilities).all(axis=1).sum() == X_test.lengths.sum()
    alone = model.predict_proba(X_test[:1])[0]
    assert_array_equal(probabilities[X_test[:1].rows], alone)
    with pytest.raises(ValueError, match="more than once"):
        to_rows([0] * len(X), resample(X, random_state=0), n_rows=n)


# Round trips ------------------------------------------------------------------------------------


@st.composite
def tables(draw):
    """Sequences of a frame with text and numbers, ids, and a static column or none."""
    lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    n, n_steps = len(lengths), sum(lengths)
    floats = st.floats(-100, 100, width=32)
    frame = pd.DataFrame(
        {
            "u": draw(st.lists(floats, min_size=n_steps, max_size=n_steps)),
            "word": draw(st.lists(st.sampled_from("ab"), min_size=n_steps, max_size=n_steps)),
        }
    )
    keys = st.tuples(st.sampled_from("pqr"), st.integers(0, 3))
    ids = draw(st.lists(keys, min_size=n, max_size=n, unique=True))
    ages = pd.DataFrame({"age": draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))})
    return Sequences(frame, lengths, ids=ids, static=ages if draw(st.booleans()) else None)


@few
@given(X=tables(), library=st.sampled_from([*LIBRARIES]))
def test_long_round_trip(X, library):
    table = to_long(X, id=["site", "visit"], time="t")
    static = [] if X.static is None else ["age"]
    assert list(table) == ["site", "visit", *static, "t", "u", "word"]
    back, ids = from_long(in_frame(library, table), ["site", "visit"], "t", static=static)
    assert ids.tolist() == X.ids.tolist()
    assert_array_equal(back.lengths, X.lengths)
    assert np.asarray(back.values).tolist() == np.asarray(X.values).tolist()
    if static:
        assert np.asarray(back.static).tolist() == np.asarray(X.static).tolist()
    if library == "pandas":
        assert list(back.values.columns) == ["u", "word"]
    as_one = to_long(X)  # the tuples in one column
    assert from_long(as_one, "id", "time", columns=["u"])[1].tolist() == X.ids.tolist()


@few
@given(X=tables(), library=st.sampled_from([*LIBRARIES]))
def test_nested_round_trip(X, library):
    table = to_nested(X)
    assert list(table) == ["u", "word"]
    back = from_nested(in_frame(library, table))
    assert [np.asarray(steps).tolist() for steps in back] == [
        np.asarray(steps).tolist() for steps in X
    ]
    if library != "dict":
        read_back = as_sequences(in_frame(library, table), numeric=False)
        assert_array_equal(read_back.lengths, X.lengths)
        assert np.asarray(read_back.values).tolist() == np.asarray(X.values).tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"id": ["a", "b", "c"]}, r"has 3 names for ids such as \('x', 1\)"),
        ({"id": ["age", "b"]}, r"other than \['age', 'b', 'time'\]; got \['age'\]"),
        ({"id": ["u", "b"]}, "columns must hold 1 different names"),
        ({"columns": ["age"]}, r"other than \['id', 'time', 'age'\]; got \['age'\]"),
        ({"ids": [1, 1, 2, 3]}, "ids must hold 4 different ids"),
    ],
)
def test_to_long_refuses(arguments, message):
    frame = pd.DataFrame(TABLE)
    X, _ = from_long(frame, ["site", "visit"], "time", columns=["u"], static=["age"])
    with pytest.raises(ValueError, match=message):
        to_long(X, **arguments)
