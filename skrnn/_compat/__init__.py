"""What differs between the versions of scikit-learn that are supported.

Other modules import these names from here. scikit-learn 1.9 has all of them. For older versions,
the modules of this package define them.
"""

from skrnn._compat.decorators import Decorator

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback import with_callbacks as _with_callbacks
    from sklearn.metrics import d2_pinball_score
    from sklearn.utils import get_tags
    from sklearn.utils.validation import _check_sample_weight as check_sample_weight
except ModuleNotFoundError:  # before scikit-learn 1.9
    from skrnn._compat.callbacks import CallbackSupportMixin
    from skrnn._compat.callbacks import with_callbacks as _with_callbacks
    from skrnn._compat.checks import check_sample_weight, get_tags
    from skrnn._compat.metrics import d2_pinball_score

with_callbacks: Decorator = _with_callbacks  # scikit-learn has no annotations

__all__ = [
    "CallbackSupportMixin",
    "check_sample_weight",
    "d2_pinball_score",
    "get_tags",
    "with_callbacks",
]
