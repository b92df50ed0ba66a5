"""Reading input: containers of any library become one array of steps, or an error says why not.

`values` converts and checks the values of one array, `containers` reads lists, arrays and frames,
`sequences` reads X, and `steps` reads targets and weights.
"""

from skrnn._input.sequences import Sequences as Sequences
from skrnn._input.sequences import as_sequences as as_sequences
from skrnn._input.sequences import check_numeric as check_numeric
from skrnn._input.sequences import read_X as read_X
from skrnn._input.sequences import restore_form as restore_form
from skrnn._input.sequences import set_learned as set_learned
from skrnn._input.steps import flatten_steps as flatten_steps
from skrnn._input.steps import flatten_weights as flatten_weights
from skrnn._input.steps import replace_missing as replace_missing
from skrnn._input.values import object_array as object_array
from skrnn._input.values import refuse_masked as refuse_masked
from skrnn._input.values import refuse_overflow as refuse_overflow
from skrnn._input.values import refuse_times as refuse_times
from skrnn._input.values import unflatten as unflatten
