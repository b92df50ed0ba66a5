"""The features of sklearn-crfsuite as dictionaries of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from skrnn._input.values import is_nested

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def from_crfsuite(X: Any) -> list[list[dict[str, float]]]:
    """Convert features in any format of sklearn-crfsuite to dictionaries of numbers.

    Dictionaries of strings, numbers and booleans need no conversion:
    ``PerStep(DictVectorizer(separator=":"))`` makes the same features of them, with the same
    names. This function also converts nested dictionaries, and lists of strings in place of
    dictionaries.

    Parameters
    ----------
    X : list of n_sequences lists
        The items of each sequence. An item is a dictionary, or a list, tuple or set of strings.
        The values of a dictionary are numbers, booleans, strings, dictionaries, or lists, tuples
        or sets of strings.

    Returns
    -------
    sequences : list of n_sequences lists of dict
        A dictionary from names to numbers for each item, as CRFsuite makes it: ``{"w": "a"}`` and
        ``{"w": ["a"]}`` become ``{"w:a": 1.0}``, ``["a"]`` becomes ``{"a": 1.0}``, and
        ``{"w": {"n": 2}}`` becomes ``{"w:n": 2.0}``. The numbers of a name that occurs repeatedly
        are added.

    Raises
    ------
    TypeError
        If an item or a value has another type. The message names the sequence, step and feature.

    See Also
    --------
    skrnn.Neighbors : Add the features of neighbouring steps.

    Examples
    --------
    >>> from skrnn.convert import from_crfsuite
    >>> from_crfsuite([[{"word": {"lower": "the", "title": True}}, ["bias", "noun"]]])
    [[{'word:lower:the': 1.0, 'word:title': 1.0}, {'bias': 1.0, 'noun': 1.0}]]
    """
    return [
        [_flatten(item, f"step {t} of sequence {i} of X") for t, item in enumerate(sequence)]
        for i, sequence in enumerate(X)
    ]


def _flatten(item: Any, place: str) -> dict[str, float]:
    if not isinstance(item, Mapping) and not is_nested(item):
        raise TypeError(
            f"A dictionary or a list of strings is required at {place}, got {type(item).__name__}."
        )
    attributes: dict[str, float] = {}
    for name, number in _attributes(item, "", place):
        attributes[name] = attributes.get(name, 0.0) + number
    return attributes


def _attributes(item: Any, prefix: str, place: str) -> Iterator[tuple[str, float]]:
    """Yield the name and number of each attribute of an item, or of a value within it."""
    pairs = item.items() if isinstance(item, Mapping) else ((name, 1.0) for name in item)
    for name, value in pairs:
        if not isinstance(name, str):
            found = f"{name!r} in {prefix.rstrip(':')!r}" if prefix else repr(name)
            raise TypeError(f"Names of features must be strings, got {found} at {place}.")
        if isinstance(value, str):
            yield f"{prefix}{name}:{value}", 1.0
        elif isinstance(value, Mapping) or is_nested(value):
            yield from _attributes(value, f"{prefix}{name}:", place)
        elif isinstance(value, (Real, np.bool_)):
            yield prefix + name, float(value)
        else:
            raise TypeError(
                f"Feature {prefix + name!r} at {place} is {value!r}, but a number, string, "
                "dictionary or list of strings is required. Leave out features without a value."
            )
