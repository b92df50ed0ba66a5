"""Spans in labels of steps, as the schemes BIO, BIOES and BILOU mark them.

A label is 'O' (outside), or a prefix with the type of the span: 'B-PER' is the first step of a
span of the type 'PER'.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from typing import Any


class Scheme(NamedTuple):
    """The prefixes, and those that the first and the last step of a span may have."""

    prefixes: str
    first: str
    last: str


SCHEMES = {
    "BIO": Scheme("BI", first="B", last="BI"),
    "BIOES": Scheme("BIES", first="BS", last="ES"),
    "BILOU": Scheme("BILU", first="BU", last="LU"),
}
OUTSIDE = ("O", "")
NO_TYPE = "_"  # the type of a label that is a prefix alone, as in seqeval


def parse_label(label: str, scheme: str) -> tuple[str, str] | None:
    """Split a label into prefix and type; return None if it is not of the scheme."""
    if label == "O":
        return OUTSIDE
    prefix, dash, kind = label.partition("-")
    valid = prefix in [*SCHEMES[scheme].prefixes] and bool(dash) == bool(kind)
    return (prefix, kind or NO_TYPE) if valid else None


def continues(before: tuple[str, str], now: tuple[str, str], scheme: str) -> bool:
    """Return whether a label continues the span of the label before it."""
    inside = before[0] in "BI" and now[0] not in SCHEMES[scheme].first
    return inside and before[1] == now[1]


def find_spans(
    labels: list[tuple[str, str]], scheme: str, strict: bool
) -> list[tuple[str, int, int]]:
    """List the spans ``(type, start, stop)`` in the parsed labels of a sequence.

    Each step that is not outside belongs to one span. If `strict`, spans whose first or last step
    has the wrong prefix are left out.
    """
    _, first, last = SCHEMES[scheme]
    found, start = [], 0
    for stop in range(1, len(labels) + 1):
        if stop < len(labels) and continues(labels[stop - 1], labels[stop], scheme):
            continue
        (opening, kind), closing = labels[start], labels[stop - 1][0]
        if opening != "O" and (not strict or (opening in first and closing in last)):
            found.append((kind, start, stop))
        start = stop
    return found


def find_all_spans(
    labels: np.ndarray, places: np.ndarray, name: str, scheme: str, strict: bool
) -> list[tuple[int, str, int, int]]:
    """List the spans of several sequences.

    Parameters
    ----------
    labels : ndarray of shape (n_steps_total,) or (n_steps_total, 1)
        Labels of the steps of all sequences.

    places : ndarray of int of shape (n_steps_total, 2)
        Sequence and step of each label, in order.

    name : str
        Name of the labels in errors.

    scheme, strict
        As in `skrnn.metrics.spans`.

    Returns
    -------
    spans : list of tuple (sequence, type, start, stop)
        In order.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {list(SCHEMES)}, got {scheme!r}.")
    columns = np.atleast_2d(labels.T).T
    if columns.shape[1] != 1:
        raise ValueError(f"{name} has {columns.shape[1]} labels at each step, but spans need one.")
    parsed = _parse(columns[:, 0].tolist(), places, name, scheme)
    bounds = [0, *np.cumsum(np.bincount(places[:, 0])).tolist()]
    return [
        (sequence, *span)
        for sequence, (start, stop) in enumerate(pairwise(bounds))
        for span in find_spans(parsed[start:stop], scheme, strict)
    ]


def _parse(labels: list[Any], places: np.ndarray, name: str, scheme: str) -> list[tuple[str, str]]:
    """Split labels into prefixes and types; raise an error for the first that is not valid."""
    texts = [label if isinstance(label, str) else "" for label in labels]
    parts = {text: parse_label(text, scheme) for text in dict.fromkeys(texts)}
    parsed = [part for text in texts if (part := parts[text]) is not None]
    if len(parsed) < len(texts):
        row = next(i for i, text in enumerate(texts) if parts[text] is None)
        others = [repr(other) for other in SCHEMES if parse_label(texts[row], other)]
        raise ValueError(
            f"{name} has the label {labels[row]!r} at step {places[row, 1]} of sequence "
            f"{places[row, 0]}. Labels of the scheme {scheme!r} are 'O', or a prefix "
            f"({', '.join(SCHEMES[scheme].prefixes)}), a hyphen and a type, such as 'B-PER'."
            + (f" This label is of the scheme {' or '.join(others)}." if others else "")
        )
    return parsed
