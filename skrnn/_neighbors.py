"""Neighbors: the features of the steps before and after, beside those of each step."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Number
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack, issparse
from sklearn.utils._param_validation import Interval

from skrnn._compat.decorators import fit_context
from skrnn._input import Sequences, check_numeric, object_array
from skrnn._input.frames import is_frame, read_frame
from skrnn._input.reading import place_of
from skrnn._input.values import types_in
from skrnn._numeric.packing import starts_of
from skrnn._transformers import SequenceTransformer, fits, names_of_features

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Self

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags


class Neighbors(SequenceTransformer, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Add the features of neighbouring steps to the features of each step.

    This is the context window of taggers: the tag of a word depends on the words around it. A
    linear model needs such features; a recurrent network can learn the context itself. Nothing
    passes from one sequence to another.

    The features of a neighbour are named by its distance, as in the tutorials of sklearn-crfsuite:
    ``-1:word`` is the feature ``word`` of the step before, and ``+1:word`` that of the step after.
    Two features mark the ends of a sequence: ``BOS`` is 1 at its first step, and ``EOS`` at its
    last step. At the other steps they are 0.

    Steps may be numbers or dictionaries. In arrays, sparse matrices and frames, the features of
    neighbours are further columns. They are 0 where there is no such neighbour. In dictionaries,
    they are further keys, which are absent where there is no such neighbour, and the features
    BOS and EOS have the value True or are absent.

    Parameters
    ----------
    before : int, default=1
        Number of steps before a step whose features are added. With 0, there is no feature BOS
        either.

    after : int, default=1
        Number of steps after a step whose features are added. With 0, there is no feature EOS
        either, so the output at a step depends only on the steps up to it.

    step_features : int, default=None
        Number of features of a step where a sequence is given flat. None means 1.

    Attributes
    ----------
    n_step_features_ : int
        Number of features of a step in `fit`; 1 for dictionaries.

    n_features_in_ : int
        Number of columns of a 2-D `X` in `fit`, else the same as `n_step_features_`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of a 2-D `X`, or of the features of a step, if there are names.

    See Also
    --------
    Frames : Make one step of several consecutive steps.
    PerStep : Apply a transformer to the steps of all sequences, such as ``DictVectorizer()``.

    Notes
    -----
    Scale numbers before this transformer, so that 0 is the mean of each feature.

    Of dictionaries, the output is about ``1 + before + after`` times as large as X, and a
    ``DictVectorizer`` after it reads all of it. It is faster to put `Neighbors` after the
    vectorizer: ``make_pipeline(PerStep(DictVectorizer()), Neighbors())`` has the same features.
    Then each feature has a column at each distance, also where it does not occur in training.

    Examples
    --------
    >>> from skrnn import Neighbors
    >>> neighbors = Neighbors().fit([[1.0, 2.0, 3.0]])
    >>> neighbors.transform([[1.0, 2.0, 3.0]])[0]
    array([[1., 0., 2., 1., 0.],
           [2., 1., 3., 0., 0.],
           [3., 2., 0., 0., 1.]])
    >>> neighbors.get_feature_names_out().tolist()
    ['x0', '-1:x0', '+1:x0', 'BOS', 'EOS']

    With dictionaries:

    >>> sentence = [{"word": "the"}, {"word": "dog", "noun": True}]
    >>> for step in Neighbors().fit_transform([sentence])[0]:
    ...     print(step)
    {'word': 'the', '+1:word': 'dog', '+1:noun': True, 'BOS': True}
    {'word': 'dog', 'noun': True, '-1:word': 'the', 'EOS': True}
    """

    _parameter_constraints: dict[str, Any] = {
        "before": [Interval(Integral, 0, None, closed="left")],
        "after": [Interval(Integral, 0, None, closed="left")],
        "step_features": [None, Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self, before: int = 1, after: int = 1, *, step_features: int | None = None
    ) -> None:
        self._store(locals())

    @fit_context(prefer_skip_nested_validation=True)
    @fits
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the names and the number of features of a step.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that `skrnn.as_sequences` reads, of numbers or of one dictionary
            for each step. Values may be missing. Encode text first, for instance with
            ``PerStep(OneHotEncoder())``.

        y : Ignored
            Not used, present for consistency.

        Returns
        -------
        self : Neighbors
            The fitted transformer.

        Raises
        ------
        ValueError, TypeError
            If X holds no valid sequences (see `skrnn.as_sequences`), something else than numbers
            or dictionaries, or a feature with the name of one that is added.
        """
        with self._fitting(X, y):
            sequences = self._read(X, reset=True).sequences
            steps = _dictionaries_of(sequences)
            self._of_dictionaries = steps is not None
            if steps is None:
                check_numeric(sequences, allow_missing=True)
                names = names_of_features(self, None).tolist()
            else:
                names = set().union(*steps)
            self._refuse_names(names)
        return self

    def transform(self, X: Any) -> Any:
        """Add the features of neighbours to each step.

        Parameters
        ----------
        X : list, tuple, object array, Series, Sequences, 2-D or 3-D array, or DataFrame
            Sequences in any form that `skrnn.as_sequences` reads.

        Returns
        -------
        sequences : list, Sequences, Series, DataFrame or ndarray
            The sequences in the form of X, as `PerStep.transform` returns them. Lists of lists of
            dictionaries stay such. The features of a step are its own, then those of the steps
            before it, those of the steps after it, BOS and EOS. `Sequences` keep their static
            table, ids and rows. Sparse steps stay sparse.

        Raises
        ------
        ValueError, TypeError
            As in `fit`, or if X has other features than in `fit`.
        """
        reading = self._read(X, reset=False)
        sequences = reading.sequences
        steps = _dictionaries_of(sequences)
        if sequences.lengths.any() and (steps is not None) != self._of_dictionaries:
            kinds = ("dictionaries", "numbers")[:: 1 if self._of_dictionaries else -1]
            raise TypeError(f"Neighbors was fitted on {kinds[0]}, but X holds {kinds[1]}.")
        if self._of_dictionaries:
            sequences = sequences.with_values(self._extend(steps or [], sequences.lengths))
            if isinstance(X, (list, tuple)):
                return [of_sequence[:, 0].tolist() for of_sequence in sequences]
            return self._in_form_of(X, reading, sequences)
        values = self._join(check_numeric(sequences, allow_missing=True))
        values = self._in_frame_like(sequences.values, values)
        return self._in_form_of(X, reading, sequences.with_values(values))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the features of a transformed step.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features of a step. None means those seen in `fit`, or ``x0``, ``x1``
            and so on.

        Returns
        -------
        names : ndarray of str of shape (n_features_out,)
            The names of the features, those with ``-1:`` and so on before them, BOS and EOS. Of
            dictionaries, the one name of the feature that holds them.
        """
        names = names_of_features(self, input_features)
        if self._of_dictionaries:
            return names
        return np.array([*names, *self._names_of_added(names)], dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _offsets(self) -> list[int]:
        return [*range(-self.before, 0), *range(1, self.after + 1)]

    def _names_of_added(self, names: Iterable[Any]) -> list[str]:
        ends = [*["BOS"] * bool(self.before), *["EOS"] * bool(self.after)]
        return [*(f"{k:+d}:{name}" for k in self._offsets() for name in names), *ends]

    def _refuse_names(self, names: Iterable[Any]) -> None:
        """Refuse features that have the names of added ones."""
        if taken := set(self._names_of_added(names)).intersection(names):
            raise ValueError(
                f"X has features with the names {sorted(taken)[:5]}, which Neighbors adds. Leave "
                "them out or rename them."
            )

    def _join(self, sequences: Sequences) -> Any:
        """Return the features of steps and of their neighbours, (n_steps_total, n_features_out)."""
        table, lengths = sequences.values, sequences.lengths
        step = np.arange(table.shape[0])
        first = np.repeat(starts_of(lengths), lengths)
        last = np.repeat(np.cumsum(lengths), lengths) - 1
        blocks = [table]
        for offset in self._offsets():
            neighbor = step + offset
            exists = (first <= neighbor) & (neighbor <= last)
            blocks.append(_choose_rows(neighbor, exists, table) @ table)
        ends = [step == first] * bool(self.before) + [step == last] * bool(self.after)
        ends = [end[:, None].astype(table.dtype) for end in ends]
        if issparse(table):
            return hstack([*blocks, *map(csr_array, ends)], format="csr")
        return np.hstack([*blocks, *ends])

    def _extend(self, steps: Any, lengths: np.ndarray) -> np.ndarray:
        """Return the dictionaries of steps with those of their neighbours, (n_steps_total, 1)."""
        self._refuse_names(set().union(*steps))
        extended = []
        start = 0
        for length in lengths.tolist():
            for t in range(length):
                features = dict(steps[start + t])
                for offset in self._offsets():
                    if 0 <= t + offset < length:
                        prefix = f"{offset:+d}:"
                        for name, value in steps[start + t + offset].items():
                            features[f"{prefix}{name}"] = value
                if self.before and t == 0:
                    features["BOS"] = True
                if self.after and t == length - 1:
                    features["EOS"] = True
                extended.append(features)
            start += length
        return object_array(extended)[:, None]


def _choose_rows(rows: np.ndarray, exists: np.ndarray, table: Any) -> csr_array:
    """Return a matrix whose product with the table has these rows of it, and zeros elsewhere."""
    index_type = table.indices.dtype if issparse(table) else np.intp
    starts = np.append(0, np.cumsum(exists)).astype(index_type)
    parts = np.ones(starts[-1], table.dtype), rows[exists].astype(index_type), starts
    return csr_array(parts, shape=(len(rows), len(rows)))


def _dictionaries_of(sequences: Sequences) -> list[Any] | None:
    """Return the steps if they are dictionaries, else None."""
    values = sequences.values
    if values.shape[1] != 1 or issparse(values):
        return None
    values = read_frame(values) if is_frame(values) else values
    if not types_in(values, (Mapping,)):
        return None
    steps: list[Any] = values[:, 0].tolist()
    if any(isinstance(step, Number) for step in steps):
        return None  # the check of numbers says where the first dictionary is
    others = np.array([not isinstance(step, Mapping) for step in steps])
    if others.any():
        found = type(steps[int(np.argmax(others))]).__name__
        raise TypeError(
            f"X holds dictionaries, but {found} at {place_of(others, sequences)}. Each step needs "
            "one dictionary, which may be empty."
        )
    return steps
