"""Inspect fitted models: losses, hidden states, importance of steps, weights, animated training.

The displays follow the conventions of scikit-learn: ``from_estimator`` computes and stores the
arrays, and ``plot`` draws them, as often as required. Plots need ``pip install "skrnn[plot]"``.
"""

from skrnn.inspection._animation import TrainingAnimation, training_animation
from skrnn.inspection._hidden_states import HiddenStateDisplay
from skrnn.inspection._loss_curves import LossCurveDisplay
from skrnn.inspection._occlusion import occlusion_importance
from skrnn.inspection._weights import state_features, transition_features

__all__ = [
    "HiddenStateDisplay",
    "LossCurveDisplay",
    "TrainingAnimation",
    "occlusion_importance",
    "state_features",
    "training_animation",
    "transition_features",
]
