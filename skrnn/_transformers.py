"""What the transformers of sequences share, and what transformers of tables take and return."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import TYPE_CHECKING, cast

import narwhals.stable.v2 as nw
import numpy as np
from scipy.sparse import issparse
from sklearn import config_context, get_config
from sklearn.base import TransformerMixin, clone
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import _check_feature_names_in, _num_samples, check_is_fitted

from skrnn._compat import CallbackSupportMixin, get_tags, with_callbacks
from skrnn._estimator import Persistent, unchanged_on_error
from skrnn._input import (
    Reading,
    Sequences,
    all_finite,
    check_numeric,
    flatten_steps,
    in_form_of,
    missing_steps,
    read,
    read_X,
    refuse_missing,
    refuse_other_order,
    refuse_rounding,
    set_learned,
)
from skrnn._input.frames import column_names, is_frame, read_column
from skrnn._input.values import instances_in, is_nested

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Literal, Self

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

    from skrnn._compat.decorators import F


def fits(method: F) -> F:
    """Decorate a method that fits: set callbacks up and tear them down, and undo an error.

    An error of a callback restores the attributes too, even if it is raised in the teardown.
    """
    method = with_callbacks(method)

    @wraps(method)
    def fit(self: Any, *args: Any, **params: Any) -> Any:
        with unchanged_on_error(self):
            return method(self, *args, **params)

    return cast("F", fit)


class SequenceTransformer(CallbackSupportMixin, TransformerMixin, Persistent):
    """Tags, callbacks and `set_output` of the transformers."""

    @contextmanager
    def _fitting(self, X: Any, y: Any, **params: Any) -> Iterator[None]:
        """Call callbacks for a fit, which is one task; check the order of what belongs to X."""
        refuse_other_order(X, y=y, **params)
        context = self._init_callback_context()
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        yield
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})

    def set_output(
        self, *, transform: Literal["default", "pandas", "polars"] | None = None
    ) -> Self:
        """Choose the container of output that is a table.

        This concerns the flat output of `SequencePadder`. The other transformers return frames
        of sequences for a frame of sequences, and a list of frames for a list of frames.
        All other output does not change. So a pipeline can be configured to return DataFrames,
        whatever its steps are.

        Parameters
        ----------
        transform : {'default', 'pandas', 'polars'}, default=None
            Container of the output. None leaves the configuration unchanged.

        Returns
        -------
        self : estimator
            The transformer itself.
        """
        # scikit-learn only has the method for output that it wraps, but a pipeline calls it.
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    def _read(self, X: Any, reset: bool) -> Reading:
        """Read X, with missing values if the tags accept them; in fit, learn its form."""
        if not reset and not hasattr(self, "n_step_features_"):
            check_is_fitted(self)  # raises
        reading, learned = read_X(self, X, reset=reset)
        if reset:
            refuse_nothing(reading.sequences)
        refuse_rounding(X, reading.sequences)
        if not reset and are_finite(reading.sequences.values):
            return reading  # without a look at the tags, which takes several microseconds
        sequences = check_steps(reading.sequences, self.__sklearn_tags__().input_tags.allow_nan)
        set_learned(self, learned)
        return reading._replace(sequences=sequences)

    def _container(self) -> Any:
        """Return the library of frames that is configured for output, or 'default'."""
        return _get_output_config("transform", self)["dense"]

    def _in_form_of(self, X: Any, reading: Reading, sequences: Sequences) -> Any:
        names = getattr(self, "get_feature_names_out", None)
        return in_form_of(X, reading, sequences, self._container(), names)

    def _in_frame_like(self, before: Any, values: Any, rows: Any = slice(None)) -> Any:
        """Make a frame of new features of steps, if the steps were one and frames are configured.

        Its index is that of these rows before.
        """
        container = self._container()
        if not is_frame(before) or container == "default":
            return values
        names = self.get_feature_names_out()
        columns = dict(zip(names, values.T, strict=True))
        frame = nw.from_dict(columns, backend=container).to_native()
        if hasattr(before, "iloc") and container == "pandas":
            frame.index = before.index[rows]
        return frame

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def are_finite(values: Any) -> bool:
    """Return whether values are an array of finite floats, which need no check or conversion."""
    is_array = isinstance(values, np.ndarray) and values.dtype in (np.float32, np.float64)
    return is_array and all_finite(values)


def check_steps(sequences: Sequences, allow_missing: bool) -> Sequences:
    """Convert numbers to floats; refuse infinity, and missing values if they are not allowed."""
    values = sequences.values
    if issparse(values) or (isinstance(values, np.ndarray) and values.dtype.kind in "biuf"):
        return check_numeric(sequences, allow_missing)
    if not allow_missing:  # text, dictionaries and frames are left to the transformer
        refuse_missing(missing_steps(sequences), sequences)
    return sequences


def refuse_nothing(sequences: Sequences) -> None:
    """Raise an error if there is no step to fit a transformer on."""
    if not sequences.lengths.any():
        raise ValueError("All sequences of X are empty, but fit needs at least one step.")


def accepts_missing(transformer: Any) -> bool:
    """Return whether missing values may pass to a transformer."""
    from sklearn.compose import ColumnTransformer  # imports linear models, which takes 25 ms

    first = first_step(transformer)
    if isinstance(first, (ColumnTransformer, FeatureUnion)):
        return True  # each of its transformers checks its own columns
    if getattr(first, "missing_values", np.nan) is None:  # the tags concern NaN only
        return True
    tags = _tags(first)
    return tags is not None and (tags.input_tags.allow_nan or tags.no_validation)


def first_step(transformer: Any) -> Any:
    """Return the first step of a pipeline, which may be a pipeline too; None if there is none."""
    if not isinstance(transformer, Pipeline):
        return None if transformer == "passthrough" else transformer
    steps = (first_step(step) for _, step in transformer.steps)
    return next((step for step in steps if step is not None), None)


def _tags(transformer: Any) -> Tags | None:
    return get_tags(transformer) if hasattr(transformer, "__sklearn_tags__") else None


def as_input(transformer: Any, values: Any, unit: str = "step") -> Any:
    """Return a table of steps; its only column for a transformer of texts or dictionaries."""
    first = first_step(transformer)
    if isinstance(first, FeatureUnion):
        parts = [part for _, part in first.transformer_list if not isinstance(part, str)]
        return as_input(parts[0], values, unit) if parts else values
    tags = _tags(first)
    if tags is None or tags.input_tags.two_d_array:
        return values
    if values.shape[1] != 1:
        raise ValueError(
            f"{type(first).__name__} takes one text or dictionary for each {unit}, but there are "
            f"{values.shape[1]} features of a {unit}. A ColumnTransformer can apply it to one "
            "column of a frame."
        )
    return (
        read_column(values[(column_names(values) or [])[0]]) if is_frame(values) else values[:, 0]
    )


def refuse_sequence_transformers(owner: Any, transformer: Any) -> None:
    """Refuse a transformer of tables that is, or contains, an estimator of sequences of skrnn.

    It would read each row of the table as a flat sequence.
    """
    transformer = clone(transformer)  # refuses a class
    for part in (transformer, *transformer.get_params().values()):
        if isinstance(part, Persistent) and get_tags(part).input_tags.three_d_array:
            name, of_tables = type(part).__name__, type(owner).__name__
            is_transformer = isinstance(part, SequenceTransformer)
            raise ValueError(
                f"{of_tables} takes transformers of tables, but {name} is "
                f"{'a transformer' if is_transformer else 'an estimator'} of sequences. Put {name} "
                f"{'before or after' if is_transformer else 'after'} {of_tables} in a pipeline."
            )


def refuse_requests(owner: Any, transformer: Any) -> None:
    """Refuse a transformer that requests metadata, which the owner does not pass on."""
    if not get_config()["enable_metadata_routing"]:
        return
    routing = get_routing_for_object(transformer)
    known = routing._get_param_names(method="fit", return_alias=True, ignore_self_request=None)
    if names := routing.consumes("fit", known):
        raise ValueError(
            f"{type(owner).__name__} passes no metadata to its transformer, but "
            f"{type(transformer).__name__} requests {sorted(names)}. Do not request it."
        )


def call_on_table(
    transformer: Any,
    method: str,
    values: Any,
    container: str,
    describe: Callable[[str], str],
    unit: str,
    /,
    *args: Any,
    **params: Any,
) -> Any:
    """Call a method of a transformer with a table that has a row for each `unit`.

    `describe` returns what completes an error message: where the values are that it is about.
    Returns the output as an array, CSR matrix or frame; None for the method 'fit'.
    """
    table = as_input(transformer, values, unit)
    container = container if is_frame(values) else "default"
    configured = get_config()["transform_output"] == container  # else it takes 10 µs more
    try:
        with nullcontext() if configured else config_context(transform_output=container):
            result = getattr(transformer, method)(table, *args, **params)
    except (AttributeError, TypeError, ValueError) as error:
        of_types = _describe_types(table, unit) if len(table.shape) == 1 else ""
        hint = " ".join(filter(None, (of_types, describe(str(error)))))
        if not hint:
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{error}\n{hint}") from error
    if method == "fit":
        return None
    _refuse_overflow(transformer, table, result, "X" if unit == "step" else "X.static")
    return _check_rows(result, values.shape[0], container, unit)


def _refuse_overflow(transformer: Any, table: Any, result: Any, name: str) -> None:
    """Refuse NaN or infinity that a transformer computes of numbers with huge squares."""
    result = np.asarray(result) if is_frame(result) else result
    if not isinstance(result, np.ndarray) or result.dtype.kind != "f" or all_finite(result):
        return
    values = np.asarray(table)
    if values.dtype.kind != "f" or not values.size or not all_finite(values):
        return
    largest = float(np.abs(values).max())
    if largest > np.sqrt(np.finfo(values.dtype).max):
        raise ValueError(
            f"{transformer!r} returned NaN or infinity. All values of {name} are finite, but reach "
            f"{largest:.3g}, so their squares overflow. Correct these values, or divide {name} by "
            "a constant before this transformer."
        )


def _describe_types(values: np.ndarray, unit: str) -> str:
    """Say that a column for a transformer of texts or dictionaries holds others; else ''."""
    of_text = instances_in(values, (str, bytes, Mapping))
    if of_text.all():
        return ""
    which = "Some" if of_text.any() else "The"
    what = "steps of X" if unit == "step" else "static values"
    return f"{which} {what} are neither texts nor dictionaries."


def _check_rows(result: Any, n_rows: int, container: str, unit: str) -> Any:
    if issparse(result):
        result = result.tocsr()
    elif container == "default" or not is_frame(result):
        result = np.ascontiguousarray(result)  # of a frame, the columns would be contiguous
    if len(result.shape) != 2 or result.shape[0] != n_rows:
        raise ValueError(
            f"The transformer returned shape {result.shape} for {n_rows} {unit}s, but a row for "
            f"each {unit} is required. PerSequence takes functions that change the number of steps."
        )
    return result


def repeat_for_steps(values: Any, lengths: np.ndarray, name: str) -> Any:
    """Repeat what has an entry for each sequence for its steps; join what has one for each step.

    All else is returned as it is.
    """
    if not is_nested(values) or len(lengths) != _num_samples(values):
        return values
    items = values if isinstance(values, (list, tuple)) else np.asarray(values)
    if np.ndim(items[0]):
        given = [len(item) for item in items]
        if given == lengths.tolist() or len(set(given)) > 1:
            return flatten_steps(values, lengths, name)
    return np.repeat(np.asarray(items), lengths, axis=0)


def names_of_features(estimator: Any, input_features: ArrayLike | None) -> np.ndarray:
    """Get the names of the features of a step, as get_feature_names_out does."""
    check_is_fitted(estimator)
    if estimator._fitted_on_table:  # its columns are features of several steps
        return np.array([f"x{k}" for k in range(estimator.n_step_features_)], dtype=object)
    names: np.ndarray = _check_feature_names_in(estimator, input_features)
    return names


def read_again(X: Any, n_features: int) -> Reading:
    """Read sequences that `transform` returned, with `n_features` features per step."""
    reading = read(X, n_features)
    found = reading.sequences.n_features
    if found != n_features:
        raise ValueError(f"X has {found} features per step, but transform returns {n_features}.")
    return reading
