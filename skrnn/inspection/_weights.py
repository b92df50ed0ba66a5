"""Weights of features and of transitions, by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skrnn._transformers import names_of_features
from skrnn.inspection._plotting import split_pipeline

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike


def state_features(estimator: Any, n: int | None = None) -> dict[tuple[Any, Any], float]:
    """Get the weights of a linear model of the steps, by the names of features and classes.

    This is ``state_features_`` of sklearn-crfsuite, for `skrnn.StepRNNClassifier` with
    ``hidden_layer_sizes=()``. The score of a class at a step is the sum of the features times
    these weights, plus an intercept.

    Parameters
    ----------
    estimator : estimator
        Fitted `skrnn.StepRNNClassifier`, a pipeline that ends with one, or a search over such
        pipelines. The transformers of a pipeline must have `get_feature_names_out`.

    n : int, default=None
        Number of weights: those of the largest absolute values. None means all that are not 0.

    Returns
    -------
    weights : dict
        Weights by ``(feature, class)``, from the largest to the smallest. With two classes and
        without a conditional random field, all weights are those of the second class.

    Raises
    ------
    ValueError
        If the model has hidden layers, or does not predict a class of each step.

    See Also
    --------
    transition_features : Weights of pairs of classes.

    Examples
    --------
    >>> from sklearn.feature_extraction import DictVectorizer
    >>> from sklearn.pipeline import make_pipeline
    >>> from skrnn import PerStep, StepRNNClassifier
    >>> from skrnn.inspection import state_features
    >>> X = [[{"word": "to"}, {"word": "Rome", "title": True}, {"word": "and"}],
    ...      [{"word": "Oslo", "title": True}, {"word": "and"}, {"word": "back"}]]
    >>> y = [["O", "place", "O"], ["place", "O", "O"]]
    >>> crf = StepRNNClassifier((), loss="crf", solver="lbfgs", alpha=0.1, random_state=0)
    >>> model = make_pipeline(PerStep(DictVectorizer()), crf).fit(X, y)
    >>> list(state_features(model))[0]
    ('title', 'place')
    """
    transformers, network = _step_classifier(estimator, "state_features")
    hidden = network._fitted_network().hidden_layer_sizes
    if hidden:
        raise ValueError(
            "state_features takes a linear model of the steps, hidden_layer_sizes=(), but "
            f"the fitted network has the layers {hidden}. There, a feature has no single "
            "weight for each class. occlusion_importance and input_gradients of the networks "
            "measure the effect of features."
        )
    weights = network.weights_["output"]["W"]
    if "embedding" in network.weights_:
        embedding = network.weights_["embedding"]["W"]
        weights = embedding @ weights[: embedding.shape[1]]
    weights = weights[: network.n_step_features_]  # without those of static features
    if transformers is None:
        names = names_of_features(network, None)
    else:
        names = transformers.get_feature_names_out()
    return _by_name(weights, names, network.classes_[-weights.shape[1] :], n)


def transition_features(estimator: Any) -> dict[tuple[Any, Any], float]:
    """Get the weights of transitions of a conditional random field, by the names of classes.

    This is ``transition_features_`` of sklearn-crfsuite. The weights of the first and of the last
    class of a sequence are in ``weights_["transitions"]`` of the network.

    Parameters
    ----------
    estimator : estimator
        Fitted `skrnn.StepRNNClassifier` with ``loss="crf"``, a pipeline that ends with one, or a
        search over such pipelines.

    Returns
    -------
    weights : dict
        Weights by ``(class, next class)``, from the largest to the smallest. Transitions that are
        not allowed are left out.

    Raises
    ------
    ValueError
        If the estimator has no conditional random field.

    See Also
    --------
    state_features : Weights of features.

    Examples
    --------
    >>> from skrnn import StepRNNClassifier
    >>> from skrnn.inspection import transition_features
    >>> y = [list("abab"), list("aba"), list("ab")]
    >>> X = [[0.0] * len(labels) for labels in y]
    >>> crf = StepRNNClassifier((), loss="crf", solver="lbfgs", alpha=0.1, random_state=0)
    >>> list(transition_features(crf.fit(X, y)))[:2]
    [('a', 'b'), ('b', 'a')]
    """
    _, network = _step_classifier(estimator, "transition_features")
    if "transitions" not in network.weights_:
        raise ValueError(
            "transition_features takes a model that was fitted with a conditional random field, "
            "loss='crf' or loss=CRF(...), but this model was fitted without one."
        )
    classes = network.classes_
    return _by_name(network.weights_["transitions"]["W"], classes, classes, None)


def _step_classifier(estimator: Any, name: str) -> tuple[Any, Any]:
    """Return the transformers of a pipeline, or None, and its fitted classifier of steps."""
    transformers, network = split_pipeline(estimator)
    if not hasattr(network, "weights_") or not hasattr(network, "classes_"):
        raise ValueError(
            f"{name} takes a fitted StepRNNClassifier, or a pipeline that ends with one, but got "
            f"{type(network).__name__}."
        )
    return transformers, network


def _by_name(
    weights: np.ndarray, rows: ArrayLike, columns: np.ndarray, n: int | None
) -> dict[tuple[Any, Any], float]:
    """Return the weights that are not 0 by the names of rows and columns, the largest first."""
    flat = weights.ravel()
    order = np.argsort(-flat, kind="stable")
    order = order[flat[order] != 0]
    if n is not None:
        largest = np.argsort(-np.abs(flat[order]), kind="stable")[:n]
        order = order[np.sort(largest)]
    row, column = np.unravel_index(order, weights.shape)
    names = zip(np.asarray(rows)[row].tolist(), columns[column].tolist(), strict=True)
    return dict(zip(names, flat[order].tolist(), strict=True))
