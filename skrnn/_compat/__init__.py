"""What differs between the versions of scikit-learn that are supported.

Other modules import these names from here. A part goes when the oldest supported version has it.
"""

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ModuleNotFoundError:  # before scikit-learn 1.9
    from skrnn._compat.callbacks import CallbackSupportMixin, with_callbacks

__all__ = ["CallbackSupportMixin", "with_callbacks"]
