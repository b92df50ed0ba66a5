"""Real sequences of different lengths: the Japanese vowels."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions

from skrnn.datasets._decorators import validate_params

_DATA = files(__package__) / "data"


@validate_params(
    {"subset": [StrOptions({"train", "test", "all"})], "return_X_y": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def load_japanese_vowels(
    *, subset: str = "train", return_X_y: bool = False
) -> Bunch | tuple[NDArray[np.object_], NDArray[np.int_]]:
    """Load the Japanese vowels data set (sequence classification).

    Nine men spoke the two vowels /ae/ many times. Each utterance is a sequence of 12
    linear prediction (LPC) cepstrum coefficients. The task is to identify the speaker.

    =====================   =====================================
    Classes                 9
    Sequences               270 for training (30 of each speaker),
                            370 for testing (24 to 88 of each)
    Steps per sequence      7 to 29
    Features                12, real
    =====================   =====================================

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        The part of the data to load, as split by its authors. "all" is "train"
        followed by "test". Each part is ordered by speaker.

    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes

        data : ndarray of shape (n_samples,), dtype=object
            The sequences, each a float64 array of shape (n_steps, 12).
        target : ndarray of shape (n_samples,), dtype=int
            The speakers, numbered 1 to 9 as in the original.
        target_names : list of 9 str
            The names of speakers 1 to 9, in this order.
        feature_names : list of 12 str
            The names of the features.
        DESCR : str
            The full description of the data set, its source and its licence.

    (data, target) : tuple, if `return_X_y` is True
        The two arrays described above.

    Raises
    ------
    ValueError
        If `subset` is unknown.

    Notes
    -----
    The data are from the UCI Machine Learning Repository [1]_, licensed CC BY 4.0.

    References
    ----------
    .. [1] M. Kudo, J. Toyama and M. Shimbo. "Japanese Vowels". UCI Machine Learning
       Repository. https://doi.org/10.24432/C5NS47
    .. [2] M. Kudo, J. Toyama and M. Shimbo (1999). "Multidimensional Curve
       Classification Using Passing-Through Regions". Pattern Recognition Letters
       20(11-13), 1103-1111.

    Examples
    --------
    >>> from skrnn.datasets import load_japanese_vowels
    >>> X, y = load_japanese_vowels(return_X_y=True)
    >>> X.shape, y.shape
    ((270,), (270,))
    >>> X[0].shape, X[1].shape
    ((20, 12), (26, 12))
    """
    sequences, speakers, n_train = _read_vowels()
    part = {"train": slice(n_train), "test": slice(n_train, None), "all": slice(None)}
    data = np.fromiter(sequences[part[subset]], dtype=object)
    target = speakers[part[subset]]
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        target_names=[f"speaker {i}" for i in range(1, 10)],
        feature_names=[f"lpc_{i}" for i in range(1, 13)],
        DESCR=(_DATA / "README.md").read_text(encoding="utf-8"),
    )


def _read_vowels() -> tuple[list[NDArray[np.float64]], NDArray[np.int_], int]:
    """Read all sequences, their speakers and the number of training sequences.

    The file holds the values in millionths, as 4 bytes each. Bytes of the same significance are
    together, feature by feature: they compress to three quarters of the size of whole integers.
    """
    with (_DATA / "japanese_vowels.npz").open("rb") as file, np.load(file) as stored:
        planes = stored["millionths"]  # (4, 12, n_steps)
        values = np.ascontiguousarray(planes.T).view("<i4")[..., 0] / 1e6
        ends = np.cumsum(stored["lengths"], dtype=int)
        return np.split(values, ends[:-1]), stored["speakers"].astype(int), int(stored["n_train"])
