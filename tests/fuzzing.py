"""Inputs for the fuzz tests, and checks of the outcome of calls.

A *variant* holds the numbers of a clean input in another form: the output must be equal. *Damage*
makes an input that must be refused. *Junk* is any object at all: it must be refused, or read as
`plain_reading` reads it.
"""

import datetime
import decimal
import fractions
import itertools
import linecache
import numbers
import tempfile
import traceback
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
import sklearn
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import skrnn

OWN = Path(skrnn.__file__).parent
UTILS = Path(sklearn.__file__).parent / "utils"  # scikit-learn checks input there
MAPPED = itertools.count()
SCRATCH = tempfile.TemporaryDirectory(prefix="skrnn-fuzz-")


def fuzz(check, strategy, n_inputs, *, label):
    """Check `n_inputs` inputs, always the same for a label; returns their number."""
    count = 0

    @settings(
        max_examples=n_inputs,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @seed(zlib.crc32(label.encode()))
    @given(strategy)
    def run(given):
        nonlocal count
        count += 1
        check(given)

    run()
    return count


# Outcomes ----------------------------------------------------------------------------------


def outcome(call):
    """Call; returns ``(output, None)`` or ``(None, error)``. Other errors are not caught."""
    try:
        return call(), None
    except (ValueError, TypeError) as error:
        caught = error
    assert is_deliberate(caught), f"not raised on purpose: {caught!r}"
    return None, caught


def is_deliberate(error):
    """Whether skrnn or scikit-learn raised an error on purpose, with a message."""
    *_, (frame, line) = frames = list(traceback.walk_tb(error.__traceback__))
    path = Path(frame.f_code.co_filename)
    raised = linecache.getline(str(path), line).strip().startswith("raise ")
    deliberate = raised and (path.is_relative_to(OWN) or path.is_relative_to(UTILS.parent))
    by_validation = any(Path(frame.f_code.co_filename).parent == UTILS for frame, _ in frames)
    return (deliberate or by_validation) and len(str(error)) > 15


def freeze(value):
    """Convert a value and everything in it to tuples that can be compared."""
    if isinstance(value, np.ma.MaskedArray):
        return "masked", freeze(np.asarray(value)), freeze(np.ma.getmaskarray(value))
    if isinstance(value, np.ndarray):
        items = freeze(value.tolist()) if value.dtype.hasobject else value.tobytes()
        return value.dtype.str, value.shape, items
    if isinstance(value, pd.DataFrame | pd.Series):
        return type(value), freeze(value.to_numpy(object))
    if sp.issparse(value):
        return type(value), freeze(value.toarray())
    if isinstance(value, dict):
        return tuple((key, freeze(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return type(value), tuple(freeze(item) for item in value)
    if hasattr(value, "get_params") or isinstance(value, skrnn.Sequences):
        return type(value), freeze(vars(value))
    if hasattr(value, "to_arrow") or hasattr(value, "to_pylist"):  # polars, pyarrow
        rows = value.to_arrow() if hasattr(value, "to_arrow") else value
        return type(value), repr(rows.to_pylist())
    return type(value), repr(value)


def numbers_of(output):
    """List all arrays in an output."""
    if isinstance(output, np.ndarray) and output.dtype != object:
        return [output]
    if sp.issparse(output):
        return [output.toarray()]
    if isinstance(output, numbers.Number):
        return [np.asarray(output)]
    if isinstance(output, dict):
        output = output.values()
    return [array for item in output for array in numbers_of(item)]


def assert_same_output(actual, expected):
    """Compare shapes and types exactly, and floats up to rounding."""
    actual, expected = numbers_of(actual), numbers_of(expected)
    assert [a.dtype for a in actual] == [e.dtype for e in expected]
    assert [a.shape for a in actual] == [e.shape for e in expected]
    single = any(a.dtype == np.float32 for a in actual)
    for a, e in zip(actual, expected, strict=True):
        # The order of sums in the BLAS depends on the layout of an array in memory.
        if a.dtype.kind == "f":
            rtol = 1e-4 if single else 1e-9
            np.testing.assert_allclose(a, e, rtol=rtol, atol=rtol)
        else:
            np.testing.assert_array_equal(a, e)


def holds_text(X):
    """Whether there is text somewhere inside."""
    if isinstance(X, np.ndarray | pd.Series):
        return X.dtype.kind in "US" or (
            X.dtype == object
            and any(map(holds_text, list(X.flat if isinstance(X, np.ndarray) else X)))
        )
    if isinstance(X, list | tuple):
        return any(map(holds_text, X))
    return isinstance(X, str | bytes)


def assert_finite(output):
    for array in numbers_of(output):
        assert array.dtype.kind != "f" or np.isfinite(array).all()


# Clean inputs ------------------------------------------------------------------------------

ORDINARY = st.floats(-100, 100, width=32)
EXTREME = st.sampled_from([0.0, -0.0, 5e-324, -1e-310, 1e-40, 1e30, 1e38, -1e150, 1.7e308])


@st.composite
def clean_sequences(draw, n_features, extreme=True, min_size=1):
    """Lists of float64 arrays ``(n_steps, n_features)``."""
    lengths = draw(st.lists(st.integers(1, 4), min_size=min_size, max_size=6))
    entries = ORDINARY if not extreme or draw(st.integers(0, 2)) else ORDINARY | EXTREME
    n_values = sum(lengths) * n_features
    values = np.array(draw(st.lists(entries, min_size=n_values, max_size=n_values)))
    return np.split(values.reshape(-1, n_features), np.cumsum(lengths)[:-1])


@st.composite
def clean_tables(draw, n_columns, extreme=True, min_size=1):
    """Float64 arrays ``(n_rows, n_columns)``."""
    n_rows = draw(st.integers(min_size, 6))
    entries = ORDINARY if not extreme or draw(st.integers(0, 2)) else ORDINARY | EXTREME
    n_values = n_rows * n_columns
    values = draw(st.lists(entries, min_size=n_values, max_size=n_values))
    return np.array(values).reshape(n_rows, n_columns)


# Variants ----------------------------------------------------------------------------------

DTYPES = ["f8", "f4", ">f8", ">f4", "f2", "g", "i1", "u1", "i2", "i4", "i8", "u8", ">i4", "?", "O"]


def as_dtype(array, dtype):
    """Convert numbers to another type, rounded and clipped."""
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return np.clip(np.rint(np.clip(array, -1e9, 1e9)), info.min, info.max).astype(dtype)
    if dtype.kind == "f" and dtype.itemsize < 8:
        info = np.finfo(dtype)
        return np.clip(array, info.min, info.max).astype(dtype)
    return (array > 0) if dtype.kind == "b" else array.astype(dtype)


def plain(array):
    """Copy numbers to the type that they are read as."""
    array = np.asarray(array)
    single = array.dtype.kind == "f" and array.dtype.itemsize == 4
    return array.astype(np.float32 if single else np.float64, order="C")


def memory_mapped(array):
    path = Path(SCRATCH.name) / f"mapped-{next(MAPPED)}"
    mapped = np.memmap(path, array.dtype, "w+", shape=array.shape)
    mapped[...] = array
    mapped.flush()
    return np.memmap(path, array.dtype, "r", shape=array.shape)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def strided(array):
    room = np.zeros([2 * n for n in array.shape], array.dtype)
    room[tuple(slice(None, None, 2) for _ in array.shape)] = array
    return room[tuple(slice(None, None, 2) for _ in array.shape)]


def unaligned(array):
    buffer = np.empty(array.nbytes + 1, np.uint8)[1:]
    copy = buffer.view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": strided,
    "reversed": lambda array: array[::-1].copy()[::-1],
    "read-only": read_only,
    "memory-mapped": memory_mapped,
    "unaligned": unaligned,
    "nothing masked": np.ma.masked_array,
    "nested lists": lambda array: array.tolist(),
    "nested tuples": lambda array: tuple(tuple(row) for row in array),
    "DataFrame": lambda array: pd.DataFrame(array),
}
OF_ONE_SEQUENCE = [layout for layout in LAYOUTS if layout != "DataFrame"]
FOR_ANY_DTYPE = ["C", "Fortran", "strided", "reversed", "read-only", "nothing masked"]


def one_by_one(items):
    """Put any objects into a 1-D object array."""
    array = np.empty(len(items), object)
    for i, item in enumerate(items):
        array[i] = item
    return array


CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "object array": one_by_one,
    "Series": lambda arrays: pd.Series(list(arrays), index=range(7, 7 + len(arrays)), dtype=object),
}


def variant_of(draw, array, dtype, layouts=OF_ONE_SEQUENCE):
    """Choose a layout; returns the variant and the numbers in it."""
    array = as_dtype(array, dtype)
    native = array.dtype.isnative and not array.dtype.hasobject and array.dtype.char != "g"
    layout = draw(st.sampled_from([*layouts] if native else FOR_ANY_DTYPE))
    clean = plain(array)
    if layout == "nested lists":  # of Python's numbers
        clean = clean.astype(np.float64)
    return LAYOUTS[layout](array), clean


@st.composite
def variant_sequences(draw, dtype, n_features=2, extreme=True, min_size=1):
    """Sequences in an accepted form, and as a list of plain arrays."""
    sequences = draw(clean_sequences(n_features, extreme, min_size))
    if np.dtype(dtype).kind == "f" and draw(st.booleans()):
        sequences = [as_dtype(x, dtype) for x in sequences]
        n_steps = max(map(len, sequences)) + draw(st.integers(0, 2))
        padded = np.full((len(sequences), n_steps, n_features), np.nan, dtype)
        for row, steps in zip(padded, sequences, strict=True):
            row[: len(steps)] = steps
        layout = draw(st.sampled_from(FOR_ANY_DTYPE))
        return LAYOUTS[layout](padded), [plain(x) for x in sequences]
    in_frames = np.dtype(dtype).isnative and dtype not in ("O", "g", "f2")
    if in_frames and draw(st.integers(0, 4)) == 0:
        arrays = [as_dtype(x, dtype) for x in sequences]  # frames do not mix with arrays
        pairs = [(pd.DataFrame(x), plain(x)) for x in arrays]
    else:
        dtypes = draw(st.sampled_from([[dtype], [dtype], DTYPES]))  # one type for all, or any
        pairs = [variant_of(draw, x, draw(st.sampled_from(dtypes))) for x in sequences]
    container = CONTAINERS[draw(st.sampled_from([*CONTAINERS]))]
    clean = [x for _, x in pairs]
    if any(x.dtype == np.float64 for x in clean):
        clean = [x.astype(np.float64) for x in clean]
    return container([x for x, _ in pairs]), clean


PANDAS_DTYPES = {"Float64": "f8", "Float32": "f4", "Int64": "i8", "UInt8": "u1", "boolean": "?"}
PANDAS_DTYPES.update({"category": "i4", "object": "f8"})
SPARSE = {form.__name__: form for form in (sp.csr_array, sp.csc_array, sp.coo_array, sp.csr_matrix)}
TABLE_FORMS = [*DTYPES, *PANDAS_DTYPES, *SPARSE]


@st.composite
def variant_tables(draw, form, n_columns=3, in_double=False):
    """A table in an accepted form, and as a plain array."""
    table = draw(clean_tables(n_columns))
    if form in PANDAS_DTYPES:
        table = as_dtype(table, PANDAS_DTYPES[form])
        return pd.DataFrame(table).astype(form), plain(table).astype(np.float64)
    if form in SPARSE:
        table = as_dtype(table, draw(st.sampled_from(["f8", "f4", "i4"])))
        return SPARSE[form](table), plain(table)
    variant, clean = variant_of(draw, table, form, LAYOUTS)
    return variant, clean.astype(np.float64) if in_double else clean


# Damage ------------------------------------------------------------------------------------


DAMAGE = {  # what replaces one sequence
    "NaN inside": lambda x: np.vstack([x * np.nan, x]),
    "NaN in one feature": lambda x: np.vstack([x, [np.nan, *x[0, 1:]]]),
    "only NaN": lambda x: x * np.nan,
    "infinity": lambda x: np.vstack([x, x[:1] * 0 + np.inf]),
    "-infinity": lambda x: np.vstack([x, x[:1] * 0 - np.inf]),
    "too large for float64": lambda x: (
        np.vstack([x, x[:1] * 0 + 1]).astype("g") * np.longdouble("1e4000")
    ),
    "no features": lambda x: x[:, :0],
    "wider": lambda x: np.hstack([x, x]),
    "3-D": lambda x: x[None],
    "0-D": lambda x: np.array(1.0),
    "number": lambda x: 3.5,
    "None": lambda x: None,
    "text": lambda x: x.astype(str),
    "text of objects": lambda x: x.astype(str).astype(object),
    "bytes": lambda x: x.astype("S"),
    "a word": lambda x: "word",
    "None inside": lambda x: np.vstack([x.astype(object), [None] * x.shape[1]]),
    "pd.NA inside": lambda x: np.vstack([[pd.NA] * x.shape[1], x.astype(object)]),
    "complex": lambda x: x + 1j,
    "complex objects": lambda x: (x + 1j).astype(object),
    "times": lambda x: x.astype("i8").astype("M8[s]"),
    "spans of time": lambda x: x.astype("i8").astype("m8[s]"),
    "ragged steps": lambda x: [[1.0] * x.shape[1], [1.0] * (x.shape[1] + 1)],
    "sparse": sp.csr_array,
    "masked": lambda x: np.ma.masked_array(
        np.vstack([x, x]), np.arange(2 * len(x))[:, None] < 1 + 0 * x[0]
    ),
    "huge integer": lambda x: [[10**400] * x.shape[1]],
    "dict": lambda x: {0: x},
    "set": lambda x: set(x.ravel().tolist()),
    "generator": lambda x: (row for row in x),
    "type": lambda x: float,
    "records": lambda x: np.zeros(2, [("a", "f8"), ("b", "i4")]),
}


TEXTS = ("text", "text of objects", "bytes")
MISSING = ("NaN inside", "NaN in one feature", "only NaN", "None inside", "pd.NA inside", "masked")


@st.composite
def damaged_sequences(draw, damage, n_features=2):
    """Sequences of which one is damaged."""
    sequences = draw(clean_sequences(n_features, extreme=False, min_size=2))
    i = draw(st.integers(0, len(sequences) - 1))
    damaged = list(sequences)
    damaged[i] = DAMAGE[damage](sequences[i])
    container = CONTAINERS[draw(st.sampled_from([*CONTAINERS]))]
    return container(damaged)


def put(array, where, value):
    """Copy an array with one value replaced."""
    array = array.copy()
    array[where] = value
    return array


LAST = (0, -1)


BAD_TABLES = {
    "NaN": lambda X: put(X, LAST, np.nan),
    "infinity": lambda X: put(X, LAST, np.inf),
    "-infinity": lambda X: put(X.astype("f4"), LAST, -np.inf),
    "too large": lambda X: put(X.astype("g"), LAST, np.longdouble("1e4000")),
    "huge integer": lambda X: put(X.astype(object), LAST, 10**400),
    "None": lambda X: put(X.astype(object), LAST, None),
    "pd.NA": lambda X: put(X.astype(object), LAST, pd.NA),
    "a word": lambda X: put(X.astype(object), LAST, "word"),
    "text": lambda X: np.full(X.shape, "a"),
    "complex": lambda X: X + 1j,
    "times": lambda X: X.astype("i8").astype("M8[s]"),
    "spans of time": lambda X: X.astype("i8").astype("m8[s]"),
    "frame of times": lambda X: pd.DataFrame(X.astype("i8").astype("M8[s]")),
    "frame of missing values": lambda X: pd.DataFrame(put(X, LAST, np.nan)).astype("Float64"),
    "frame of complex numbers": lambda X: pd.DataFrame(X + 1j),
    "frame of words": lambda X: pd.DataFrame(np.full(X.shape, "word")),
    "sparse NaN": lambda X: sp.csr_array(put(X, LAST, np.nan)),
    "masked": lambda X: np.ma.masked_array(X, put(0 * X, LAST, 1)),
    "masked integers": lambda X: np.ma.masked_array(X.astype(int), put(0 * X, LAST, 1)),
    "records": lambda X: np.zeros(X.shape, [("a", "f8"), ("b", "i4")]),
    "no rows": lambda X: X[:0],
    "no columns": lambda X: X[:, :0],
    "more columns": lambda X: np.hstack([X, X, X]),
    "fewer columns": lambda X: X[:, :3],
    "one row": lambda X: X[0],
    "3-D": lambda X: np.stack([X[:, :3], X[:, :3]]),
    "number": lambda X: 3.0,
    "nothing": lambda X: None,
    "dict": lambda X: dict(enumerate(X)),
    "set": lambda X: {1.0, 2.0},
    "generator": lambda X: (row for row in X),
    "a word alone": lambda X: "word",
}

BAD_BLOCKS = {  # 3-D arrays of two sequences, of two features
    "NaN inside": lambda X: put(X, (0, 0), np.nan),
    "NaN in one feature of the last step": lambda X: put(X, (1, -1, 0), np.nan),
    "infinity": lambda X: put(X, (1, -1), np.inf),
    "too large": lambda X: put(X.astype("g"), (0, 0), np.longdouble("1e4000")),
    "huge integer": lambda X: put(X.astype(object), (0, 0), 10**400),
    "None": lambda X: put(X.astype(object), (0, 0), None),
    "text": lambda X: np.full(X.shape, "a"),
    "a word": lambda X: put(X.astype(object), (0, 0, 0), "word"),
    "complex": lambda X: X + 1j,
    "times": lambda X: X.astype("i8").astype("M8[s]"),
    "spans of time": lambda X: X.astype("i8").astype("m8[s]"),
    "masked": lambda X: np.ma.masked_array(X, put(np.zeros(X.shape), (0, 0), 1)),
    "masked integers": lambda X: np.ma.masked_array(X.astype(int), put(0 * X, (0, 0), 1)),
    "records": lambda X: np.zeros(X.shape, [("a", "f8"), ("b", "i4")]),
    "no sequences": lambda X: X[:0],
    "no steps": lambda X: X[:, :0],
    "no features": lambda X: X[:, :, :0],
    "4-D": lambda X: X[None],
    "wider": lambda X: np.concatenate([X, X], axis=2),
}


# Junk --------------------------------------------------------------------------------------

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=4),
    st.sampled_from(["1", "2.5", "nan", b"1", b""]),
    st.decimals(allow_nan=False) | st.just(decimal.Decimal("NaN")),
    st.fractions(),
    st.dates(),
    st.timedeltas(),
    st.sampled_from(
        [pd.NA, pd.NaT, np.datetime64("2020-01-01"), np.timedelta64(3, "s"), np.float16(2), float]
    ),
)
ARRAYS = hnp.arrays(
    st.one_of(
        hnp.scalar_dtypes(),
        hnp.array_dtypes(max_size=2),
        hnp.floating_dtypes(),
        hnp.integer_dtypes(endianness="?"),
    ),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
)


def containers(inner):
    items = st.lists(inner, max_size=4)
    return st.one_of(
        items,
        items,
        items.map(tuple),
        items.map(one_by_one),
        items.map(lambda x: pd.Series(x, dtype=object)),
        st.dictionaries(st.integers(0, 3), inner, max_size=2),
        items.map(iter),
        items.map(lambda x: np.ma.masked_array(one_by_one(x))),
    )


JUNK = st.recursive(SCALARS | ARRAYS, containers, max_leaves=12)


class NotPlain(Exception):
    """The input does not hold sequences of numbers."""


def number(value):
    """Convert to float; text, times and complex numbers are not accepted."""
    odd = (str, bytes, complex, np.complexfloating, np.datetime64, np.timedelta64)
    numeric = (numbers.Real, decimal.Decimal, np.bool_, fractions.Fraction)
    if isinstance(value, (*odd, datetime.date, datetime.timedelta)) or not isinstance(
        value, numeric
    ):
        raise NotPlain(value)
    return float(value)


def plain_reading(X):
    """Read junk as sequences if possible; raises NotPlain otherwise.

    Only in an array of two or three axes, missing values at the end of a sequence are padding.
    """
    try:
        members, is_padded = _members(X), isinstance(X, np.ndarray) and X.ndim > 1
        sequences = [_steps(sequence, is_padded) for sequence in members]
    except (ValueError, TypeError, OverflowError) as error:
        raise NotPlain(X) from error
    widths = [steps.shape[1] for steps in sequences if len(steps)]
    return [steps if len(steps) else np.empty((0, max(widths, default=1))) for steps in sequences]


def _members(X):
    if not isinstance(X, list | tuple | np.ndarray | pd.Series):
        raise NotPlain(X)
    if isinstance(X, np.ndarray) and (X.dtype.names or 0 in X.shape[1:] or X.ndim > 3):
        raise NotPlain(X)
    return list(X)


def _steps(sequence, is_padded):
    rows = [np.atleast_1d(np.asarray(row, object)) for row in _members(sequence)]
    steps = np.array([[number(value) for value in row.flat] for row in rows])
    while is_padded and len(steps) and np.isnan(steps[-1]).all():
        steps = steps[:-1]
    if not len(rows) or not len(steps):
        return np.empty((0, 1))
    if steps.ndim != 2 or 0 in steps.shape or not np.isfinite(steps).all():
        raise NotPlain(sequence)
    return steps
