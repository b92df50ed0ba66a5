"""Reading input: containers of any library become one array of steps, or an error says why not.

`values` converts and checks the values of one array, `containers` reads lists, arrays and frames,
`sequences` reads X, `steps` reads targets and weights, and `columns` serves `skrnn.convert`.
"""

from skrnn._input.columns import (
    check_column_names,
    feature_names,
    features_of_rows,
    in_time_order,
    index_levels,
    number_sequences,
    read_cell,
    read_column,
    read_items,
)
from skrnn._input.containers import column_names, list_or_array
from skrnn._input.sequences import (
    Sequences,
    as_sequences,
    check_numeric,
    read_X,
    restore_form,
    set_learned,
)
from skrnn._input.steps import flatten_steps, flatten_weights, lengths_of
from skrnn._input.values import (
    as_array,
    is_nested,
    object_array,
    refuse_masked,
    refuse_overflow,
    refuse_times,
    unflatten,
)

__all__ = [
    "Sequences",
    "as_array",
    "as_sequences",
    "check_column_names",
    "check_numeric",
    "column_names",
    "feature_names",
    "features_of_rows",
    "flatten_steps",
    "flatten_weights",
    "in_time_order",
    "index_levels",
    "is_nested",
    "lengths_of",
    "list_or_array",
    "number_sequences",
    "object_array",
    "read_X",
    "read_cell",
    "read_column",
    "read_items",
    "refuse_masked",
    "refuse_overflow",
    "refuse_times",
    "restore_form",
    "set_learned",
    "unflatten",
]
