"""Look inside fitted models: losses, hidden states, evidence, training as a film.

The displays follow the conventions of scikit-learn's: ``from_estimator`` computes, the arrays are
kept, and ``plot`` draws them as often as you like. They need ``pip install skrnn[plot]``.
"""

from skrnn.inspection._animation import TrainingAnimation, training_animation
from skrnn.inspection._hidden_states import HiddenStateDisplay
from skrnn.inspection._loss_curves import LossCurveDisplay
from skrnn.inspection._occlusion import occlusion_importance

__all__ = [
    "HiddenStateDisplay",
    "LossCurveDisplay",
    "TrainingAnimation",
    "occlusion_importance",
    "training_animation",
]
