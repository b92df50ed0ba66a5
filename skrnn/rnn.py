"""The recurrent estimators: labels or numbers, for each sequence or for each step of it."""

from __future__ import annotations

from sklearn.base import RegressorMixin

from skrnn._outputs import NeuralClassifier, NeuralRegressor, SampleClassifier, StepOutputs
from skrnn._recurrent import RecurrentNetwork, documented
from skrnn._states import HiddenStates, PooledStates
from skrnn.metrics import flat_accuracy_score, flat_r2_score


@documented
class SequenceRNNClassifier(SampleClassifier, PooledStates, RecurrentNetwork):
    """Recurrent classifier of sequences of any lengths: one label for each sequence.

    Recurrent layers read a sequence step by step; the states of the last layer are pooled over
    time, and a dense layer turns them into class scores. Sequences are never padded for this:
    what one predicts does not depend on what else is in the batch.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; column numbers for multilabel problems.

    {attributes}

    See Also
    --------
    SequenceRNNRegressor : A number or vector for each sequence.
    StepRNNClassifier : A label for each step.
    SequencePadder : Make ragged sequences rectangular.
    PerStep : Apply any transformer to the steps of sequences.

    {references}

    Examples
    --------
    Is there a 1 among these bits?

    >>> from skrnn import SequenceRNNClassifier
    >>> X = [[0, 0, 1], [0], [1], [0, 0], [0, 1, 0, 0], [0, 0, 0]]
    >>> y = ["yes", "no", "yes", "no", "yes", "no"]
    >>> clf = SequenceRNNClassifier(hidden_layer_sizes=8, random_state=0).fit(X, y)
    >>> clf.predict([[0, 0, 0, 1, 0], [0, 0, 0, 0]])
    array(['yes', 'no'], dtype='<U3')
    """


@documented
class SequenceRNNRegressor(RegressorMixin, NeuralRegressor, PooledStates, RecurrentNetwork):
    """Recurrent regressor of sequences of any lengths: a number or vector for each sequence.

    The network is that of `SequenceRNNClassifier`, with outputs that are the predictions. It
    learns best when targets are of the order of one: wrap it in
    `sklearn.compose.TransformedTargetRegressor` with a ``StandardScaler()`` if yours are not.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    SequenceRNNClassifier : A label for each sequence.
    StepRNNRegressor : A number or vector for each step.

    {references}

    Examples
    --------
    How many of these bits are 1?

    >>> from skrnn import SequenceRNNRegressor
    >>> X = [[0, 0, 1], [0], [1, 1], [1, 0, 1, 1], [0, 1, 0, 0], [0, 0, 0]]
    >>> reg = SequenceRNNRegressor(hidden_layer_sizes=8, solver="lbfgs", random_state=0)
    >>> reg.fit(X, [1, 0, 2, 3, 1, 0]).predict([[1, 1], [1, 0, 1, 1]]).round()
    array([2., 3.])
    """


@documented
class StepRNNClassifier(StepOutputs, NeuralClassifier, HiddenStates, RecurrentNetwork):
    """Recurrent classifier of the steps of sequences: a label for each step.

    Recurrent layers read a sequence step by step, and a dense layer turns the state after each
    step into class scores. The loss is the mean over all steps.

    Targets and predictions are 1-D object arrays (or lists) of one array for each sequence. As
    scikit-learn would take these for something else, this estimator does not declare itself a
    classifier; cross-validation then splits without stratifying.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; column numbers for multilabel problems.

    {attributes}

    See Also
    --------
    SequenceRNNClassifier : A label for each sequence.
    StepRNNRegressor : A number or vector for each step.
    skrnn.metrics.flat_f1_score : Metrics of labels of steps.

    {references}

    Examples
    --------
    Was the previous bit a 1?

    >>> from skrnn import StepRNNClassifier
    >>> from skrnn.datasets import make_shift
    >>> X, y = make_shift(100, random_state=0)
    >>> clf = StepRNNClassifier(hidden_layer_sizes=8, random_state=0).fit(X, y)
    >>> clf.predict([[1, 1, 0, 1]])[0]
    array([0, 1, 1, 0])
    """

    def score(self, X, y, sample_weight=None):
        """Accuracy over all steps of all sequences.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` takes.

        y : array-like
            Labels of the steps, as in `fit`.

        sample_weight : array-like, default=None
            Weights as in `fit`.

        Returns
        -------
        score : float
            Share of the steps whose label is right.
        """
        return flat_accuracy_score(y, self.predict(X), sample_weight=sample_weight)


@documented
class StepRNNRegressor(StepOutputs, NeuralRegressor, HiddenStates, RecurrentNetwork):
    """Recurrent regressor of the steps of sequences: a number or vector for each step.

    Recurrent layers read a sequence step by step, and a dense layer makes the prediction from
    the state after each step. The loss is the mean over all steps.

    Targets and predictions are 1-D object arrays (or lists) of one array for each sequence. As
    scikit-learn would take these for something else, this estimator does not declare itself a
    regressor.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    SequenceRNNRegressor : A number or vector for each sequence.
    StepRNNClassifier : A label for each step.
    skrnn.metrics.flat_r2_score : Metric of numbers at steps.

    {references}

    Examples
    --------
    Running sums:

    >>> import numpy as np
    >>> from skrnn import StepRNNRegressor
    >>> rng = np.random.RandomState(0)
    >>> X = [rng.uniform(-0.3, 0.3, n) for n in rng.randint(1, 9, 50)]
    >>> reg = StepRNNRegressor(cell="rnn", activation="identity", solver="lbfgs", random_state=0)
    >>> reg.fit(X, [x.cumsum() for x in X]).predict([[0.1, 0.1, 0.2]])[0].round(1)
    array([0.1, 0.2, 0.4])
    """

    def score(self, X, y, sample_weight=None):
        """Coefficient of determination over all steps of all sequences.

        Parameters
        ----------
        X : array-like
            Sequences in any form that `fit` takes.

        y : array-like
            Targets of the steps, as in `fit`.

        sample_weight : array-like, default=None
            Weights as in `fit`.

        Returns
        -------
        score : float
            R², 1 at best.
        """
        return flat_r2_score(y, self.predict(X), sample_weight=sample_weight)
