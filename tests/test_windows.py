"""Windows of series: their values, names, order and splits, and what is refused."""

import datetime
import pickle
import re

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, TimeSeriesSplit

from skrnn import SequenceRNNRegressor, Sequences, as_sequences
from skrnn.convert import from_long, make_windows


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("n_exogenous", [0, 2])
@pytest.mark.parametrize("stride", [1, 4])
def test_windows_equal_a_loop(horizon, n_targets, n_exogenous, stride):
    rng = np.random.RandomState(0)
    series, exogenous = rng.normal(size=(20, n_targets)), rng.normal(size=(20, n_exogenous))
    X, y = make_windows(
        series,
        window=5,
        horizon=horizon,
        stride=stride,
        exogenous=exogenous if n_exogenous else None,
    )
    both = np.hstack([series, exogenous])
    starts = range(0, 20 - 5 - horizon + 1, stride)
    np.testing.assert_array_equal(X, [both[i : i + 5] for i in starts])
    expected = np.array([series[i + 5 : i + 5 + horizon].ravel() for i in starts])
    np.testing.assert_array_equal(y, expected[:, 0] if horizon * n_targets == 1 else expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, int])
def test_windows_copy_the_series_and_keep_float32(dtype):
    series = np.arange(9, dtype=dtype)
    X, y = make_windows(series, window=4)
    assert X.dtype == y.dtype == (np.float32 if dtype == np.float32 else np.float64)
    assert X.shape == (5, 4, 1)
    X[:], y[:] = -1, -1
    assert series.tolist() == list(range(9))


def test_windows_of_several_series_do_not_cross_them():
    series = [np.arange(5.0), [100.0, 101.0], np.arange(10.0, 14.0)]
    X, y = make_windows(series, window=2)
    assert [x[:, 0].tolist() for x in X] == [[0, 1], [10, 11], [1, 2], [11, 12], [2, 3]]
    assert y.tolist() == [2, 12, 3, 13, 4]
    assert X.ids.tolist() == [0, 2, 0, 2, 0]


def test_an_array_of_three_axes_holds_several_series():
    series = np.arange(12.0).reshape(2, 6, 1)
    X, y = make_windows(series, window=4)
    expected, targets = make_windows(list(series), window=4)
    np.testing.assert_array_equal(X.values, expected.values)
    np.testing.assert_array_equal(y, targets)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_of_series(library):
    module = pytest.importorskip(library)
    series = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]
    expected, targets = make_windows(series, window=2)
    frame = module.DataFrame({"u": series})
    for form in (frame, frame["u"]):
        X, y = make_windows(form, window=2)
        assert [np.ravel(x).tolist() for x in X] == [np.ravel(x).tolist() for x in expected]
        assert y.tolist() == targets.tolist()


def test_long_tables_keep_ids_static_columns_and_rows():
    table = {
        "shop": ["b", "a", "a", "b", "a"],
        "week": [1, 3, 1, 2, 2],
        "sold": [10.0, 3.0, 1.0, 20.0, 2.0],
        "price": [7, 6, 4, 8, 5],
        "size": [9, 5, 5, 9, 5],
    }
    series, _ = from_long(table, "shop", "week", columns=["sold"], static="size")
    prices, _ = from_long(table, "shop", "week", columns=["price"])
    X, y = make_windows(series, window=1, exogenous=prices)
    assert X.ids.tolist() == ["b", "a", "a"]
    assert X.values.tolist() == [[10, 7], [1, 4], [2, 5]]
    assert X.static.ravel().tolist() == [9, 5, 5]
    assert X.rows.tolist() == [0, 2, 4]
    assert y.tolist() == [20, 2, 3]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_keep_names_and_types(library):
    module = pytest.importorskip(library)
    make = module.table if library == "pyarrow" else module.DataFrame
    series, exogenous = make({"u": [1, 2, 3, 4]}), make({"day": ["mo", "tu", "we", "th"]})
    X, y = make_windows(series, window=2, exogenous=exogenous)
    assert type(X.values) is type(series)
    assert getattr(X.values, "column_names", list(X.values.columns)) == ["u", "day"]
    assert list(map(str, X.values["day"].to_numpy())) == ["mo", "tu", "tu", "we"]
    assert y.tolist() == [3, 4]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_column_is_a_series_in_an_array_and_joins_frames(library):
    module = pytest.importorskip(library)
    column = module.Series(name="u", **{("values" if library == "polars" else "data"): [1, 2, 3]})
    X, y = make_windows(column, window=2)
    assert X.tolist() == [[[1], [2]]]
    assert y.tolist() == [3]
    X, _ = make_windows(column, window=2, exogenous=module.DataFrame({"v": [4, 5, 6]}))
    assert list(X.values.columns) == ["u", "v"]


def test_names_reach_the_estimator():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"u": np.arange(12.0) % 3, "v": np.arange(12.0) % 2})
    X, y = make_windows(frame, window=4)
    reg = SequenceRNNRegressor(2, max_iter=1).fit(X, y)
    assert reg.feature_names_in_.tolist() == ["u", "v"]


# Splits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_series", [1, 3])
@pytest.mark.parametrize("horizon", [1, 4])
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("shared", ["targets", "steps"])
def test_time_series_split_with_the_documented_gap(n_series, horizon, stride, shared):
    """The values of the series are their steps, so that windows and targets show their place."""
    window = 5
    series = [np.arange(60.0 - 7 * i) for i in range(n_series)]
    X, y = make_windows(series, window=window, horizon=horizon, stride=stride)
    first = X.values.reshape(len(X), window)[:, 0]
    targets = y.reshape(len(y), -1)
    n_apart = horizon if shared == "targets" else window + horizon
    gap = n_series * -(-n_apart // stride) - 1
    for train, test in TimeSeriesSplit(3, gap=gap, test_size=4).split(X, y):
        last = targets[train].max()
        assert last < (targets if shared == "targets" else first[:, None])[test].min()
    smaller = TimeSeriesSplit(3, gap=gap - n_series, test_size=4) if gap >= n_series else None
    if smaller and n_series == 1:  # the gap is not larger than necessary
        train, test = next(smaller.split(X))
        place = targets if shared == "targets" else first[:, None]
        assert targets[train].max() >= place[test].min()


def test_ids_are_groups():
    X, y = make_windows([np.arange(8.0), np.arange(6.0), np.arange(9.0)], window=3)
    for train, test in GroupKFold(3).split(X, y, groups=X.ids):
        assert not set(X.ids[train]) & set(X.ids[test])


# Missing values ----------------------------------------------------------------------------


def test_a_missing_target_is_named():
    series = [np.arange(6.0), np.array([0, 1, 2, np.nan, 4, 5.0])]
    with pytest.raises(ValueError, match=r"missing value at step 3 of sequence 1, which is a targ"):
        make_windows(series, window=2)


def test_windows_without_complete_targets_are_left_out():
    series = as_sequences([[0, 1, 2, 3, np.nan, 5, 6, 7]], numeric=False)
    X, y = make_windows(series, window=2, horizon=2, missing_targets="drop")
    np.testing.assert_array_equal(X.values.reshape(-1, 2), [[0, 1], [3, np.nan], [np.nan, 5]])
    assert y.tolist() == [[2, 3], [5, 6], [6, 7]]


def test_missing_values_of_windows_are_kept_where_no_step_is_padding():
    exogenous = [1.0, np.nan, 3.0, np.nan]
    X, _ = make_windows([1, 2, 3, 4], window=2, exogenous=exogenous)
    np.testing.assert_array_equal(X[0], [[1, 1], [2, np.nan]])
    with pytest.raises(ValueError, match=r"Window 0 ends with a missing step.*as_sequences"):
        make_windows([1, np.nan, 3, 4], window=2)
    X, _ = make_windows(as_sequences([[1, np.nan, 3, 4]], numeric=False), window=2)
    np.testing.assert_array_equal(X[0], [[1], [np.nan]])


def test_no_window_is_left():
    series = [1, 2, np.nan]
    with pytest.raises(ValueError, match="missing value at step 2 of sequence 0"):
        make_windows(series, window=2, missing_targets="drop")


# What is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 0}, "window must be an integer >= 1, got 0"),
        ({"horizon": 1.5}, "horizon must be an integer >= 1, got 1.5"),
        ({"stride": -1}, "stride must be an integer >= 1, got -1"),
        ({"missing_targets": "skip"}, "missing_targets must be 'error' or 'drop', got 'skip'"),
        ({"series": [1, 2, 3]}, r"window \+ horizon = 4 steps; the longest has 3"),
        ({"series": [[1, 2], [1]]}, r"window \+ horizon = 4 steps; the longest has 2"),
        ({"series": 5}, "series must be a list or array of sequences; got int"),
        ({"series": []}, r"series has shape \(0,\)"),
        ({"series": ["a"] * 9}, "holds text"),
        ({"series": [1, 2, np.inf, 4, 5]}, "series contains infinity at step 2 of sequence 0"),
        ({"exogenous": [1, 2]}, "exogenous has series of 2 steps, but series has 9"),
        (
            {
                "series": Sequences(np.ones((9, 1)), [5, 4], ids=["a", "b"]),
                "exogenous": Sequences(np.ones((9, 1)), [5, 4], ids=["b", "a"]),
            },
            "the ids 'b', 'a', but series has 'a', 'b'",
        ),
        (
            {"exogenous": Sequences(np.ones((9, 1)), [9], static=[[1]])},
            "exogenous has static columns",
        ),
    ],
)
def test_invalid_arguments(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make_windows(**{"series": np.arange(9.0), "window": 3, **arguments})


def test_dates_must_increase_and_be_those_of_the_exogenous_columns():
    pandas = pytest.importorskip("pandas")
    days = pandas.date_range("2020-01-01", periods=6)
    frame = pandas.DataFrame({"u": np.arange(6.0)}, index=days)
    other = pandas.DataFrame({"v": np.arange(6.0)}, index=days)
    assert len(make_windows(frame, window=2, exogenous=other)[1]) == 4
    for wrong in (frame[::-1], frame.iloc[[0, 0, 1, 2, 3, 4]], frame["u"][::-1]):
        with pytest.raises(ValueError, match="dates in the index of series must be increasing"):
            make_windows(wrong, window=2)
    with pytest.raises(ValueError, match="dates in the index of Series 1 of series must be incr"):
        make_windows([frame, frame[::-1]], window=2)
    shifted = other.set_index(days + pandas.Timedelta(days=1))
    with pytest.raises(ValueError, match="exogenous has another index than series"):
        make_windows(frame, window=2, exogenous=shifted)
    nested = frame.set_index(["u", frame.index])
    with pytest.raises(ValueError, match=r"index of 2 levels\. skrnn\.convert\.from_long"):
        make_windows(nested, window=2)


DAYS = ["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04", "2020-01-05", "2020-01-06"]


@pytest.mark.parametrize(
    ("index", "kind"),
    [
        ([5, 4, 3, 2, 1, 0], "numbers"),
        ([0, 1, 2, 0, 1, 2], "numbers"),
        ([0.5, 1.5, 2.5, 3.5, 5.5, 4.5], "numbers"),
        (DAYS[::-1], "dates"),
        ([f"{day} 12:00" for day in DAYS[1:] + DAYS[:1]], "dates"),
        ([datetime.date(2020, 1, day) for day in (1, 2, 3, 4, 6, 5)], "dates"),
        (["2026", "2025", "2024", "2023", "2022", "2021"], "numbers"),
        ([day.replace("-", "") for day in DAYS[::-1]], "numbers"),
        ([day.replace("-", "") + "T1200" for day in DAYS[::-1]], "dates"),
        (["2024Q3", "2024Q2", "2024Q1", "2023Q4", "2023Q3", "2023Q2"], "dates"),
        (["2024-W06", "2024-W05", "2024-W04", "2024-W03", "2024-W02", "2024-W01"], "dates"),
        (["11", "10", "9", "8", "7", "6"], "numbers"),
        (["1", "1", "1", "2", "2", "2"], "numbers"),
    ],
)
@pytest.mark.parametrize("form", ["frame", "series", "list", "exogenous"])
def test_numbers_and_dates_as_text_must_increase(index, kind, form):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"u": np.arange(6.0)})
    given = {
        "frame": lambda part: {"series": part},
        "series": lambda part: {"series": part["u"]},
        "list": lambda part: {"series": [frame, part]},
        "exogenous": lambda part: {"series": [frame], "exogenous": [part.add_prefix("other")]},
    }[form]
    with pytest.raises(ValueError, match=rf"The {kind} in the index of .* must be increasing") as e:
        make_windows(**given(frame.set_axis(index)), window=2)
    assert ("reset_index" in str(e.value)) == (kind == "numbers")
    make_windows(**given(frame.set_axis(index).reset_index(drop=True)), window=2)


@pytest.mark.parametrize(
    ("written", "row", "convert"),
    [
        ("%d/%m/%Y", 0, r"\(index, dayfirst=True\) if the day is first"),
        ("%m-%d-%Y", 0, r"\(index, dayfirst=True\) if the day is first"),
        ("%d.%m.%y %H:%M", 0, r"\(index, dayfirst=True\) if the day is first"),
        ("%Y/%m/%d", 0, r"\(index\), or with a format"),
        ("%Y-%m-%dT%H", 0, r"\(index\), or with a format"),
        ("%Y-%d-%m", 4, r"\(index\), or with a format"),
        ("%b %d, %Y", 0, r"\(index, format=\.\.\.\), where '%d %b %Y'"),
        ("%a %d. %B %Y %H:%M", 0, r"\(index, format=\.\.\.\)"),
        ("%Y-%b-%d", 0, r"\(index, format=\.\.\.\)"),
        ("%d%b%y", 0, r"\(index, format=\.\.\.\)"),
    ],
)
@pytest.mark.parametrize("form", ["frame", "series", "list", "exogenous"])
def test_dates_as_text_of_unknown_order_are_refused(written, row, convert, form):
    pandas = pytest.importorskip("pandas")
    days = pandas.date_range("2020-01-09", periods=6)
    frame = pandas.DataFrame({"u": np.arange(6.0)}, index=days.strftime(written))
    given = {
        "frame": {"series": frame},
        "series": {"series": frame["u"]},
        "list": {"series": [frame.set_axis(days), frame]},
        "exogenous": {"series": np.arange(6.0), "exogenous": frame},
    }[form]
    text = re.escape(repr(frame.index[row]))
    with pytest.raises(
        ValueError, match=rf"holds dates as text\. .*but row {row} holds {text}.*datetime{convert}"
    ):
        make_windows(**given, window=2)


@pytest.mark.parametrize(
    "index",
    [
        range(3, 9),
        [0, 2, 3, 7, 8, 9],
        [-1.5, 0, 1, 2, 3, 4],
        DAYS,
        [f"{day}T12:00:00.5Z" for day in DAYS],
        list("fedcba"),
        ["1.10.2", "1.10.10", "1.9.3", "1.2.3", "2.0.1", "3.11.12"],  # versions
        ["10-20-30", "10-20-31", "10-20-29", "10-20-28", "10-20-27", "10-20-26"],
        ["40/50/2020", "50/40/2020", "60/60/2020", "70/1/2020", "80/1/2020", "90/1/2020"],
        ["2020-01", "555-1234", "20-1", "01/02", "7", "10.5"],
        [*DAYS[4::-1], "end"],
        ["2020", "2021", "2022", "2023", "2024", "2025"],
        ["6", "7", "8", "9", "10", "10.5"],
        ["2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4", "2025Q1"],
        ["may", "march", "mar", "jan", "dec", "april"],
        ["marina 5", "decoy 4", "mayor 3", "junk 2", "augur 1", "sepia 0"],
    ],
)
def test_indices_that_increase_or_are_no_times(index):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"u": np.arange(6.0)}, index=index)
    assert len(make_windows(frame, window=2)[1]) == 4
    for several in ([frame, frame], [frame["u"], frame["u"]]):
        assert len(make_windows(several, window=2)[1]) == 8


def test_dates_of_several_formats_are_refused():
    pandas = pytest.importorskip("pandas")
    series = pandas.Series(np.arange(3.0), index=["2024-01-31", "2024-01", "20240101"])
    with pytest.raises(ValueError, match=r"text\..* row 1 holds '2024-01', and row 0 .*ISO8601"):
        make_windows(series, window=2)


@pytest.mark.parametrize("written", ["Q{1} {0}", "{1}Q{0}", "Q{1}/{0}"])
def test_quarters_before_their_year_are_refused(written):
    pandas = pytest.importorskip("pandas")
    quarters = [written.format(2024 + i // 4, i % 4 + 1) for i in range(6)]
    with pytest.raises(ValueError, match=r"dates as text.* the year first, as in '2024Q3'"):
        make_windows(pandas.Series(np.arange(6.0), index=quarters), window=2)


def test_the_index_of_a_frame_of_series_holds_no_times():
    pandas = pytest.importorskip("pandas")
    column = pandas.Series([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], index=[7, 3], name="u")
    days = column.set_axis(pandas.to_datetime(DAYS[1::-1]))
    for several in (column, column.to_frame(), days, days.to_frame()):
        assert make_windows(several, window=2)[1].tolist() == [3, 6]
        with pytest.raises(ValueError, match="exogenous has another index than series"):
            make_windows(several, window=2, exogenous=several[::-1])


@pytest.mark.parametrize("form", ["frames", "series", "array", "tuple", "one", "Series of Series"])
def test_the_steps_of_exogenous_series_are_compared_one_by_one(form):
    pandas = pytest.importorskip("pandas")
    sales = pandas.DataFrame({"sales": np.arange(6.0)}, index=pandas.to_datetime(DAYS))
    price = pandas.DataFrame({"price": np.arange(6.0)}, index=sales.index)
    later = price.set_axis(sales.index + pandas.Timedelta(days=1))

    def several(frames):
        if "eries" in form:
            frames = [frame.iloc[:, 0] for frame in frames]
        if form == "one":
            return frames[-1:]
        if form == "tuple":
            return tuple(frames)
        if form == "frames" or form == "series":
            return frames
        array = np.empty(2, object)
        array[:] = frames
        return array if form == "array" else pandas.Series(array)

    X, _ = make_windows(several([sales, sales]), window=2, exogenous=several([price, price]))
    assert X.n_features == 2
    with pytest.raises(
        ValueError, match=r"eries \d of exogenous has another index than series \d of"
    ):
        make_windows(several([sales, sales]), window=2, exogenous=several([price, later]))
    with pytest.raises(ValueError, match="another index than series"):
        make_windows(sales, window=2, exogenous=[later])


def test_the_dates_of_exogenous_sequences_are_compared():
    pandas = pytest.importorskip("pandas")
    days = pandas.to_datetime(DAYS)
    table = pandas.DataFrame(
        {"shop": list("aaabbb"), "u": np.arange(6.0), "v": np.arange(6.0)}, index=days
    )
    numbered = table.reset_index(drop=True)
    shifted = table.set_axis(days + pandas.Timedelta(days=1))
    levels = table.set_index("shop", append=True).swaplevel()
    levels.index.names = ["shop", "day"]

    def read(table, column):
        return from_long(table, "shop", columns=[column])[0]

    for one in (table, numbered, numbered[::-1].sort_index(), levels):
        make_windows(read(one, "u"), window=2, exogenous=read(one, "v"))
    # The rows of a table may be numbered in any order.
    other_rows = numbered.set_axis([3, 4, 5, 0, 1, 2])
    make_windows(read(numbered, "u"), window=2, exogenous=read(other_rows, "v"))
    with pytest.raises(ValueError, match="Series 0 of exogenous has another index"):
        make_windows(read(table, "u"), window=2, exogenous=read(shifted, "v"))
    shops = [part[["v"]] for _, part in shifted.groupby("shop")]
    with pytest.raises(ValueError, match="Series 0 of exogenous has another index"):
        make_windows(read(table, "u"), window=2, exogenous=shops)


def read_times(times, column, ids="aaabb"):
    table = {"shop": list(ids), "day": times, column: np.arange(len(ids))}
    return from_long(table, "shop", "day", columns=[column])[0]


TIMES = {
    "dates": np.array(DAYS[:3] + DAYS[1:3], "M8[D]"),
    "objects": [datetime.date(2020, 1, day) for day in (1, 2, 3, 2, 3)],
    "text": DAYS[:3] + DAYS[1:3],
    "numbers": [1, 2, 3, 2, 3],
}
CHANGES = {
    "same": lambda X: X,
    "without_static": lambda X: X.without_static(),
    "with_values": lambda X: X.with_values(X.values + 1),
    "slice": lambda X: X[:],
    "indices": lambda X: X[[0, 1]],
    "pickle": lambda X: pickle.loads(pickle.dumps(X)),
}


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("change", CHANGES)
def test_the_times_of_exogenous_sequences_are_compared(kind, change):
    series, times = read_times(TIMES[kind], "u"), np.array(TIMES[kind])
    other = np.array([*times[:4], {"dates": np.datetime64("2020-01-09"), "numbers": 9.5}.get(kind)])
    if kind in ("objects", "text"):
        other[4] = datetime.date(2020, 1, 9) if kind == "objects" else "2020-01-09"
    X, _ = make_windows(series, window=1, exogenous=CHANGES[change](read_times(times, "v")))
    assert X.n_features == 2
    with pytest.raises(
        ValueError, match=r"time .*9.* at step 1 of sequence 1, but series has .*3\. Join the two t"
    ):
        make_windows(series, window=1, exogenous=CHANGES[change](read_times(other, "v")))


def test_times_of_different_kinds_are_not_compared():
    numbered = from_long({"shop": list("aaabb"), "v": np.arange(5)}, "shop", columns=["v"])[0]
    for times in TIMES.values():
        for others in (numbered, *(read_times(other, "v") for other in TIMES.values())):
            make_windows(read_times(times, "u"), window=1, exogenous=others)
    units = TIMES["dates"].astype("M8[s]")
    make_windows(read_times(TIMES["dates"], "u"), window=1, exogenous=read_times(units, "v"))


def test_the_times_of_some_sequences_are_those_of_their_steps():
    series = read_times([1, 2, 3, 5, 6], "u")[[1, 0]]
    make_windows(series, window=1, exogenous=read_times([5, 6, 1, 2, 3], "v", "bbaaa"))
    with pytest.raises(ValueError, match="time 7 at step 1 of sequence 0, but series has 6"):
        make_windows(series, window=1, exogenous=read_times([5, 7, 1, 2, 3], "v", "bbaaa"))


def test_other_numbers_of_steps_of_two_tables():
    series = read_times([1, 2, 3, 5, 6], "u")
    with pytest.raises(ValueError, match=r"need the same steps\. Join the two tables"):
        make_windows(series, window=1, exogenous=read_times([1, 2, 5, 6], "v", "aabb"))
    with pytest.raises(ValueError, match=r"need the same steps\.$"):
        make_windows([[1, 2, 3]], window=1, exogenous=[[1, 2]])


def test_advice_to_drop_windows_is_for_those_who_keep_them():
    pandas = pytest.importorskip("pandas")
    missing = pandas.DataFrame({"u": np.full(30, np.nan)})
    with pytest.raises(ValueError, match="missing_targets='drop' leaves none") as error:
        make_windows(missing, window=7, missing_targets="drop")
    assert "or leave out" not in str(error.value)
    with pytest.raises(ValueError, match="or leave out the windows"):
        make_windows(missing, window=7)


@pytest.mark.parametrize("series", [[{"a": 1}, {"a": 2}], [1.0, {"a": 2}]])
def test_dictionaries_are_no_numbers(series):
    with pytest.raises(ValueError, match="Column 0 of series holds a dictionary"):
        make_windows(series, window=1)


def test_columns_that_do_not_fit_together():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"u": np.arange(6.0), "shop": list("aaabbb")})
    with pytest.raises(ValueError, match=r"Column 'shop' of series holds text.*from_long"):
        make_windows(frame, window=2)
    with pytest.raises(ValueError, match="must differ, got \\['u', 'u', 'shop'\\]"):
        make_windows(frame[["u"]], window=2, exogenous=frame)
    with pytest.raises(ValueError, match="pass frames of one library, or arrays"):
        make_windows(np.arange(6.0), window=2, exogenous=frame)
