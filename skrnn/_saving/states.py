"""Check the attributes of an object that was loaded, or is to be saved.

Parameters are checked against the constraints of their class. For the classes of skrnn every
fitted attribute is checked too, so that a changed file cannot cause an obscure error later. For
those of scikit-learn, the arrays that have a value for each feature are checked.
"""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.metadata_routing import MetadataRequest

from skrnn._base import NeuralNetwork
from skrnn._saving.networks import check_network
from skrnn._saving.values import (
    is_array,
    is_bool,
    is_count,
    is_finite,
    is_names,
    is_positive,
    is_shape,
    optional,
)
from skrnn.ensemble import network_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def _has(*methods: str) -> Callable[[Any], bool]:
    """Check that a value is an object with these methods, and no class."""
    return lambda value: (
        hasattr(value, "get_params")
        and not isinstance(value, type)
        and all(hasattr(type(value), method) for method in methods)
    )


_is_transformer = _has("fit", "transform")


def _is_transformer_or_passed(value: Any) -> bool:
    return _is_transformer(value) or (type(value) is str and value == "passthrough")


def _is_members(value: Any) -> bool:
    """Whether it is a list of estimators of one class."""
    is_list = type(value) is list and len(value) > 0 and all(map(_has("predict"), value))
    return is_list and len({type(member) for member in value}) == 1


_READ = {
    "n_features_in_": is_positive,
    "n_step_features_": is_positive,
    "_fitted_on_table": is_bool,
    "_n_columns": optional(is_positive),
}
_OURS: dict[str, dict[str, Any]] = {
    "SequencePadder": {**_READ, "n_steps_": is_positive},
    "PerStep": {**_READ, "transformer_": _is_transformer, "_n_features_out": is_count},
    "PerSequence": {
        **_READ,
        "_n_features_out": is_count,
        "_names_out": optional(lambda value: type(value) is list),
    },
    "ForwardImputer": {**_READ, "statistics_": lambda value: isinstance(value, np.ndarray)},
    "Frames": _READ,
    "Neighbors": {**_READ, "_of_dictionaries": is_bool},
    "TableTransformer": {
        **_READ,
        "n_static_features_": is_count,
        "steps_": _is_transformer_or_passed,
        "static_": _is_transformer_or_passed,
        "_step_transformer": optional(_has("fit", "transform", "inverse_transform")),
    },
    "TransformedStepTargetRegressor": {
        "transformer_": _has("transform", "inverse_transform"),
        "regressor_": _has("predict"),
        "_shape_of_step": is_shape,
        "_shape_for_regressor": is_shape,
    },
    "EnsembleClassifier": {"estimators_": _is_members},
    "EnsembleRegressor": {"estimators_": _is_members},
}
_OPTIONAL: dict[str, Any] = {
    "feature_names_in_": lambda value: is_array(value, np.shape(value), "O"),
    "static_feature_names_in_": lambda value: is_array(value, np.shape(value), "O"),
    "_n_static_features_out": is_count,
}
# Arrays of scikit-learn with a value, or a column, for each feature.
_BY_FEATURE: dict[str, tuple[str, ...]] = {
    "StandardScaler": ("mean_", "var_", "scale_"),
    "MinMaxScaler": ("min_", "scale_", "data_min_", "data_max_", "data_range_"),
    "MaxAbsScaler": ("scale_", "max_abs_"),
    "RobustScaler": ("center_", "scale_"),
    "SimpleImputer": ("statistics_",),
    "VarianceThreshold": ("variances_",),
    "SelectKBest": ("scores_", "pvalues_"),
    "KBinsDiscretizer": ("bin_edges_", "n_bins_"),
    "OneHotEncoder": ("categories_",),
    "OrdinalEncoder": ("categories_",),
    "PCA": ("mean_", "components_"),
    "IncrementalPCA": ("mean_", "components_"),
    "TruncatedSVD": ("components_",),
}
_LISTS = {"Pipeline": "steps", "FeatureUnion": "transformer_list"}
_LISTS["ColumnTransformer"] = "transformers"


def check_object(value: Any, place: str) -> None:
    """Check the parameters and the fitted attributes of an object of a public class.

    Parameters
    ----------
    value : object
        The object. Its state may come from anywhere.

    place : str
        Its name, for messages.

    Raises
    ------
    ValueError
        If an attribute is unknown, missing, or not what the class would have set.
    """
    if not hasattr(value, "get_params"):  # a selector of columns, which has parameters only
        if vars(value).keys() != signature(type(value)).parameters.keys():
            raise ValueError(f"{place} has other attributes than its parameters.")
        return
    if hasattr(value, "_parameter_constraints"):
        try:
            value._validate_params()
        except (TypeError, ValueError) as error:
            raise ValueError(f"{place}: {error}") from error
    found = vars(value)
    names = found.keys() - signature(type(value)).parameters.keys()
    names -= {"_metadata_request", "_sklearn_output_config", "_training_run"}
    is_ours = type(value).__module__.partition(".")[0] == "skrnn"
    fault = _fault_in_settings(found)
    if not fault:
        fault = _fault_of_ours(value, names) if is_ours else _fault_of_sklearn(value, found)
    if fault:
        raise ValueError(
            f"{place}: the attribute {fault!r} is not one that its class sets, is missing, or does "
            "not fit the others."
        )


def _fault_in_settings(found: dict[str, Any]) -> str:
    """Check what `set_output` and the requests of metadata have set."""
    output = found.get("_sklearn_output_config", {})
    if type(output) is not dict or output.keys() - {"transform"}:
        return "_sklearn_output_config"
    if output.get("transform", "default") not in ("default", "pandas", "polars"):
        return "_sklearn_output_config"
    is_request = isinstance(found.get("_metadata_request", MetadataRequest(None)), MetadataRequest)
    return "" if is_request else "_metadata_request"


def _fault_of_ours(value: Any, names: Iterable[str]) -> str:
    """Check an object of skrnn, fitted or not; returns the name of an attribute, or none."""
    if not names:
        return ""
    if isinstance(value, NeuralNetwork):
        return check_network(value, set(names))
    expected = _OURS.get(type(value).__name__, {})
    unknown, missing = names - expected.keys() - _OPTIONAL.keys(), expected.keys() - names
    for name in (*sorted(unknown), *sorted(missing)):
        return name
    for name in names:
        if not (expected.get(name) or _OPTIONAL[name])(vars(value)[name]):
            return name
    return _fault_in_shapes(value)


def _fault_in_shapes(value: Any) -> str:
    """Check the attributes whose size follows from another one."""
    found = vars(value)
    counts = {"feature_names_in_": "n_features_in_"}
    counts["static_feature_names_in_"] = "n_static_features_"
    for name, count in counts.items():
        if name in found and not is_names(found[name], found.get(count)):
            return name
    statistics = found.get("statistics_")
    if statistics is not None and not is_finite(statistics, (found["n_step_features_"],)):
        return "statistics_"
    if "estimators_" in found and not _members_agree(value):
        return "estimators_"
    return ""


def _members_agree(ensemble: Any) -> bool:
    """Whether the members of an ensemble are fitted networks with the same outputs."""
    networks = [network_of(member) for member in ensemble.estimators_]
    if not all(isinstance(n, ensemble._kind) and n.__sklearn_is_fitted__() for n in networks):
        return False
    first = networks[0]
    same = ("n_outputs_", "out_activation_", "classes_", "quantiles_", "_vectors")
    return all(
        type(n) is type(first)
        and all(np.array_equal(vars(n).get(name), vars(first).get(name)) for name in same)
        for n in networks
    )


def _fault_of_sklearn(value: Any, found: dict[str, Any]) -> str:
    """Check an object of scikit-learn; returns the name of an attribute, or none."""
    kind = type(value).__name__
    if kind in _LISTS and not _is_named(found[_LISTS[kind]], 2 + (kind == "ColumnTransformer")):
        return _LISTS[kind]
    if "n_features_in_" not in found:
        return ""
    n_features = found["n_features_in_"]
    if not is_positive(n_features):
        return "n_features_in_"
    if "feature_names_in_" in found and not is_names(found["feature_names_in_"], n_features):
        return "feature_names_in_"
    for name in _BY_FEATURE.get(kind, ()):
        if not _is_by_feature(found.get(name, ""), n_features):
            return name
    return ""


def _is_named(items: Any, n: int) -> bool:
    """Whether it is a list of tuples of a name, an estimator or the word for none, and so on."""
    return type(items) is list and all(
        type(item) is tuple
        and len(item) == n
        and isinstance(item[0], str)
        and (_has("fit")(item[1]) or item[1] in (None, "passthrough", "drop"))
        for item in items
    )


def _is_by_feature(values: Any, n_features: int) -> bool:
    """Whether there is a value for each feature, or a column; scalers set None for no scaling."""
    if type(values) is list:
        return len(values) == n_features and all(is_array(v, (len(v),), "biufOSU") for v in values)
    is_values = isinstance(values, np.ndarray) and values.ndim in (1, 2)
    return values is None or (is_values and values.shape[-1] == n_features)
