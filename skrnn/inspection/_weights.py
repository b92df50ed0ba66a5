"""Weights of features and of transitions, by their names."""

from __future__ import annotations

import numpy as np

from skrnn._transformers import names_of_features
from skrnn.inspection._plotting import split_pipeline


def state_features(estimator, n=None):
    """Get the weights of a linear model of the steps, by the names of features and classes.

    This is `state_features_` of sklearn-crfsuite, for `skrnn.StepRNNClassifier` with
    ``hidden_layer_sizes=()``. A weight is added to the score of the class if the feature is 1.

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
        without a CRF, all weights are those of the second class.

    Raises
    ------
    ValueError
        If the model has hidden layers, or does not predict classes of steps.

    See Also
    --------
    transition_features : Weights of pairs of classes.

    Examples
    --------
    >>> from sklearn.feature_extraction import DictVectorizer
    >>> from sklearn.pipeline import make_pipeline
    >>> from skrnn import Neighbors, PerStep, StepRNNClassifier
    >>> from skrnn.inspection import state_features
    >>> X = [[{"w": "to"}, {"w": "Rome"}], [{"w": "in"}, {"w": "Oslo"}, {"w": "now"}]]
    >>> y = [["O", "place"], ["O", "place", "O"]]
    >>> crf = StepRNNClassifier((), loss="crf", solver="lbfgs", random_state=0)
    >>> model = make_pipeline(Neighbors(), PerStep(DictVectorizer()), crf).fit(X, y)
    >>> list(state_features(model, n=2))
    []
    """
    transformers, network = _linear_model(estimator, "state_features")
    if transformers is None:
        names = names_of_features(network, None)
    else:
        names = transformers.get_feature_names_out()
    weights = network.weights_["output"]["W"][: network.n_step_features_]
    if "embedding" in network.weights_:
        size = network.weights_["embedding"]["W"].shape[1]
        weights = network.weights_["embedding"]["W"] @ network.weights_["output"]["W"][:size]
    classes = network.classes_[-weights.shape[1] :]
    chosen = np.flatnonzero(weights)
    if n is not None:
        chosen = chosen[np.argsort(-np.abs(weights.flat[chosen]), kind="stable")[:n]]
    chosen = chosen[np.argsort(-weights.flat[chosen], kind="stable")]
    rows, columns = np.unravel_index(chosen, weights.shape)
    pairs = zip(names[rows].tolist(), classes[columns].tolist(), strict=True)
    return dict(zip(pairs, weights.flat[chosen].tolist(), strict=True))
