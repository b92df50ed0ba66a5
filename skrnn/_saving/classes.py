"""The public names that a file may hold: classes, and functions that are values of parameters."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLASSES = {
    "skrnn": (
        *("CRF", "Gaussian", "Huber", "Quantile", "LBFGS", "SGD", "Adam"),
        *("EnsembleClassifier", "EnsembleRegressor", "XORMLPClassifier", "XORMLPRegressor"),
        *("ForwardImputer", "Frames", "Neighbors", "PerSequence", "PerStep", "SequencePadder"),
        *("SequenceRNNClassifier", "SequenceRNNRegressor"),
        *("StepRNNClassifier", "StepRNNRegressor"),
        *("TableTransformer", "TransformedStepTargetRegressor"),
    ),
    "sklearn.compose": ("ColumnTransformer", "TransformedTargetRegressor", "make_column_selector"),
    "sklearn.decomposition": ("PCA", "IncrementalPCA", "TruncatedSVD"),
    "sklearn.feature_extraction": ("DictVectorizer", "FeatureHasher"),
    "sklearn.feature_extraction.text": (
        *("CountVectorizer", "HashingVectorizer", "TfidfTransformer", "TfidfVectorizer"),
    ),
    "sklearn.feature_selection": ("SelectKBest", "VarianceThreshold"),
    "sklearn.impute": ("KNNImputer", "MissingIndicator", "SimpleImputer"),
    "sklearn.pipeline": ("FeatureUnion", "Pipeline"),
    "sklearn.preprocessing": (
        *("Binarizer", "FunctionTransformer", "KBinsDiscretizer", "LabelBinarizer"),
        *("LabelEncoder", "MaxAbsScaler", "MinMaxScaler", "MultiLabelBinarizer", "Normalizer"),
        *("OneHotEncoder", "OrdinalEncoder", "PolynomialFeatures", "PowerTransformer"),
        *("QuantileTransformer", "RobustScaler", "StandardScaler", "TargetEncoder"),
    ),
}
_FUNCTIONS = {
    "sklearn.feature_selection": (
        *("chi2", "f_classif", "f_regression"),
        *("mutual_info_classif", "mutual_info_regression", "r_regression"),
    )
}
_BUILTINS = {"bool": bool, "float": float, "int": int, "object": object, "str": str}


def name_of_class(cls: type) -> str | None:
    """Get the public name of a class that a file may hold; None for all other classes."""
    return _name_of(cls, _CLASSES)


def name_of_function(function: Any) -> str | None:
    """Get the public name of a function that a file may hold; None for all others."""
    return _name_of(function, _FUNCTIONS)


def name_of_type(kind: type) -> str | None:
    """Get the name of a type of numbers or text, such as ``dtype=np.float64``, or None."""
    if _BUILTINS.get(kind.__name__) is kind:
        return kind.__name__
    is_public = issubclass(kind, np.generic) and getattr(np, kind.__name__, None) is kind
    return f"numpy.{kind.__name__}" if is_public else None


def class_of(name: Any) -> type:
    """Import a class by its public name; a name that is not in the table is a ValueError."""
    found: type = _named(name, _CLASSES, "class")
    return found


def function_of(name: Any) -> Any:
    """Import a function by its public name; a name that is not in the table is a ValueError."""
    return _named(name, _FUNCTIONS, "function")


def type_of(name: Any) -> type:
    """Get a type of numbers or text by its name; any other name is a ValueError."""
    if isinstance(name, str):
        kind = _BUILTINS.get(name) or getattr(np, name.removeprefix("numpy."), None)
        if isinstance(kind, type) and name_of_type(kind) == name:
            return kind
    raise ValueError(f"{name!r} is no type of numbers or text.")


def _name_of(value: Any, table: Mapping[str, tuple[str, ...]]) -> str | None:
    name = getattr(value, "__name__", "")
    for module, names in table.items():
        if name in names and getattr(import_module(module), name, None) is value:
            return f"{module}.{name}"
    return None


def _named(name: Any, table: Mapping[str, tuple[str, ...]], what: str) -> Any:
    module, _, last = name.rpartition(".") if isinstance(name, str) else ("", "", "")
    if last not in table.get(module, ()):
        raise ValueError(f"{name!r} is not a {what} that a file may hold.")
    found = getattr(import_module(module), last, None)
    if found is None:
        raise ValueError(f"The installed scikit-learn has no {name}.")
    return found
