"""What skrnn has for scikit-learn before 1.9 does what scikit-learn 1.9 does."""

import pickle
from functools import partial

import numpy as np
import pytest
from sklearn import metrics
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skrnn import SequencePadder, SequenceRNNClassifier
from skrnn._compat import callbacks as fallback
from skrnn._compat.metrics import d2_pinball_score

X, Y, WEIGHT = [[0.0], [1.0]], [0, 1], [1.0, 2.0]


def estimator_of(support):
    """Make a class of estimators whose callbacks a module supports."""

    class Countdown(support.CallbackSupportMixin, BaseEstimator):
        def __init__(self, n=3, fails=False):
            self.n, self.fails = n, fails

        @support.with_callbacks
        def fit(self, X, y):
            context = self._init_callback_context(max_subtasks=self.n)
            task = {"estimator": self, "X": X, "y": y, "metadata": {"sample_weight": WEIGHT}}
            context.call_on_fit_task_begin(**task)
            for left in reversed(range(self.n)):
                self.left_ = left
                epoch = context.subcontext(task_name="epoch")
                epoch.call_on_fit_task_begin(**task)
                if self.fails:
                    raise ValueError("the fit failed")
                learned = {"left_": left, "copied_": True}
                if epoch.call_on_fit_task_end(
                    **task, reconstruction_attributes=partial(dict, learned)
                ):
                    break
            context.call_on_fit_task_end(**task, reconstruction_attributes=learned)
            return self

    return Countdown


@pytest.fixture(params=["fallback", "scikit-learn"])
def Countdown(request):
    if request.param == "fallback":
        return estimator_of(fallback)
    return estimator_of(request.getfixturevalue("sklearn_callback"))


class Log:
    """Record the calls of all hooks with their tasks."""

    def __init__(self, stop_at=None, fail_in=None):
        self.stop_at, self.fail_in, self.calls = stop_at, fail_in, []

    def record(self, hook, estimator, context):
        parent = context.parent and context.parent.task_name
        task = context.task_name, context.task_id, context.max_subtasks, parent
        self.calls.append((hook, type(estimator).__name__, context.estimator_name, *task))
        if hook == self.fail_in:
            raise RuntimeError(f"{hook} failed")

    def setup(self, estimator, context):
        self.record("setup", estimator, context)

    def teardown(self, estimator, context):
        self.record("teardown", estimator, context)

    def on_fit_task_begin(self, estimator, context):
        self.record("begin", estimator, context)

    def on_fit_task_end(self, estimator, context):
        self.record("end", estimator, context)
        return context.task_name == "epoch" and context.task_id == self.stop_at


class Arguments(Log):
    """Record the arguments of the hooks too."""

    def on_fit_task_begin(self, estimator, context, *, X, metadata, fitted_estimator):
        self.calls.append((X, metadata, fitted_estimator))

    def on_fit_task_end(self, estimator, context, *, y, fitted_estimator):
        assert fitted_estimator is not estimator
        self.calls.append((y, fitted_estimator.left_, vars(fitted_estimator).get("copied_")))


def task(name, number, of, parent):
    return "Countdown", "Countdown", name, number, of, parent


FIT, EPOCHS = task("fit", 0, 3, None), [task("epoch", i, 0, "fit") for i in range(3)]


def test_the_hooks_are_called_in_order(Countdown):
    log = Log()
    Countdown().set_callbacks(log).fit(X, Y)
    epochs = [(hook, *epoch) for epoch in EPOCHS for hook in ("begin", "end")]
    first, last = [("setup", *FIT), ("begin", *FIT)], [("end", *FIT), ("teardown", *FIT)]
    assert log.calls == [*first, *epochs, *last]


def test_hooks_get_the_arguments_in_their_signature(Countdown):
    callback = Arguments()
    Countdown(n=1).set_callbacks(callback).fit(X, Y)
    begin, end = (X, {"sample_weight": WEIGHT}, None), (Y, 0, True)
    assert callback.calls[1:-1] == [begin, begin, end, end]


def test_a_callback_stops_the_fit(Countdown):
    stopping, other = Log(stop_at=1), Log()
    assert Countdown().set_callbacks(stopping, other).fit(X, Y).left_ == 1
    assert stopping.calls == other.calls  # every callback is called, whatever the others return


@pytest.mark.parametrize("hook", ["setup", "begin", "end"])
def test_callbacks_that_were_set_up_are_torn_down_after_an_error(Countdown, hook):
    first, failing, last = Log(), Log(fail_in=hook), Log()
    est = Countdown().set_callbacks(first, failing, last)
    before = dict(vars(est))
    with pytest.raises(RuntimeError, match=f"{hook} failed"):
        est.fit(X, Y)
    torn_down = [log.calls[-1:] == [("teardown", *FIT)] for log in (first, failing, last)]
    assert torn_down == [True, True, hook != "setup"]
    assert set(vars(est)) - {"left_"} == set(before)


def test_callbacks_are_torn_down_if_the_fit_fails(Countdown):
    log = Log()
    with pytest.raises(ValueError, match="the fit failed"):
        Countdown(fails=True).set_callbacks(log).fit(X, Y)
    assert log.calls[-1] == ("teardown", *FIT)


def test_an_error_of_one_teardown_does_not_keep_others_from_theirs(Countdown):
    failing, last = Log(fail_in="teardown"), Log()
    with pytest.raises(RuntimeError, match="teardown failed"):
        Countdown().set_callbacks(failing, last).fit(X, Y)
    assert last.calls[-1] == ("teardown", *FIT)


def test_clones_share_the_callbacks(Countdown):
    log = Log()
    cloned = clone(Countdown().set_callbacks(log))
    cloned.fit(X, Y)
    assert log.calls
    assert not hasattr(clone(cloned.set_callbacks()), "_skl_callbacks")


@pytest.mark.parametrize("bad", [Log, "a string", None])
def test_what_is_no_callback_is_refused(Countdown, bad):
    with pytest.raises(TypeError, match="must be instances following the FitCallback protocol"):
        Countdown().set_callbacks(Log(), bad)


def test_a_parameter_that_no_hook_has_is_refused(Countdown):
    class Odd(Log):
        def on_fit_task_begin(self, estimator, context, *, loss): ...

    with pytest.raises(TypeError, match=r"on_fit_task_begin of .*Odd has .*parameters.*loss"):
        Countdown().set_callbacks(Odd()).fit(X, Y)


# With the version that is installed


class Epochs(Log):
    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if context.task_name == "epoch":
            self.calls.append(np.ravel(fitted_estimator.predict_proba([[0.0, 1.0], [1.0]])))


def test_callbacks_of_a_network_in_a_search():
    callback = Epochs()
    net = SequenceRNNClassifier(2, max_iter=3, tol=0, random_state=0).set_callbacks(callback)
    grid = {"net__alpha": [0.1, 1.0]}
    search = GridSearchCV(Pipeline([("net", net)]), grid, cv=2)
    search.fit([[0.0, 1.0], [1.0], [0.0], [0.0, 0.0]], [1, 1, 0, 0])
    probabilities = [call for call in callback.calls if isinstance(call, np.ndarray)]
    assert len(probabilities) == 3 * 5  # two candidates on two folds, and the refit
    assert pickle.loads(pickle.dumps(search)).best_estimator_[-1].n_iter_ == 3


def test_callbacks_of_a_transformer():
    log = Log()
    SequencePadder().set_callbacks(log).fit([[1, 2], [3]])
    assert [call[0] for call in log.calls] == ["setup", "begin", "end", "teardown"]


# Metrics ---------------------------------------------------------------------------------

NUMBERS, GUESSES = np.array([1.0, 2.0, 4.0, 9.0]), np.array([2.0, 2.0, 3.0, 5.0])


@pytest.mark.parametrize("weight", [None, [3, 3, 3, 3], np.full(4, 0.1), (1.0, 1.0, 1.0, 1.0)])
def test_equal_weights_score_quantiles_as_none_do(weight):
    for alpha in (0.3, 0.5, 0.9):
        expected = metrics.d2_pinball_score(NUMBERS, GUESSES, alpha=alpha)
        found = d2_pinball_score(NUMBERS, GUESSES, sample_weight=weight, alpha=alpha)
        assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weight", [[1, 2, 3, 4], [1, 1, 1, 2], [0, 0, 0, 1]])
def test_other_weights_score_quantiles_as_in_scikit_learn(weight):
    expected = metrics.d2_pinball_score(NUMBERS, GUESSES, sample_weight=weight, alpha=0.3)
    assert d2_pinball_score(NUMBERS, GUESSES, sample_weight=weight, alpha=0.3) == expected


@pytest.mark.parametrize("weight", [[1, 1, 1], [np.nan] * 4])
def test_invalid_weights_of_quantiles_are_refused(weight):
    with pytest.raises(ValueError, match=r"inconsistent numbers|NaN"):
        d2_pinball_score(NUMBERS, GUESSES, sample_weight=weight, alpha=0.3)
