"""Reading input: containers of any library become one table of steps, or an error says why not.

`values` converts the values of one array, `frames` is about frames, `places` names places in
sequences, `containers` opens lists, arrays and columns, `sequences` is the container `Sequences`,
`order` checks the order of what belongs to it, `reading` reads X, `validation` reads it for an
estimator, `static` its static features, `integers` refuses large integers, `forms` returns
sequences in the form of X, `steps` reads targets and weights, and `notes` completes the messages
of transformers.
"""

from skrnn._input.forms import in_form_of as in_form_of
from skrnn._input.integers import refuse_rounding as refuse_rounding
from skrnn._input.order import refuse_other_order as refuse_other_order
from skrnn._input.reading import Reading as Reading
from skrnn._input.reading import as_sequences as as_sequences
from skrnn._input.reading import check_numeric as check_numeric
from skrnn._input.reading import missing_steps as missing_steps
from skrnn._input.reading import read as read
from skrnn._input.reading import refuse_missing as refuse_missing
from skrnn._input.sequences import Sequences as Sequences
from skrnn._input.static import read_static as read_static
from skrnn._input.static import read_static_of_streams as read_static_of_streams
from skrnn._input.steps import check_beside as check_beside
from skrnn._input.steps import flatten_steps as flatten_steps
from skrnn._input.steps import flatten_weights as flatten_weights
from skrnn._input.steps import replace_missing as replace_missing
from skrnn._input.validation import read_X as read_X
from skrnn._input.validation import refuse_static as refuse_static
from skrnn._input.validation import set_learned as set_learned
from skrnn._input.values import all_finite as all_finite
from skrnn._input.values import object_array as object_array
from skrnn._input.values import refuse_masked as refuse_masked
from skrnn._input.values import refuse_overflow as refuse_overflow
from skrnn._input.values import refuse_types as refuse_types
from skrnn._input.values import unflatten as unflatten
