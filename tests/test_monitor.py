"""Decisions of a monitor for given losses: when a run ends, what it keeps, of what it warns."""

import linecache

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.optimize import OptimizeResult
from sklearn.exceptions import ConvergenceWarning

from skrnn import LBFGS, SGD
from skrnn._training.monitor import Monitor, Scaling
from skrnn._training.options import TrainingOptions

TOL = 0.25  # a power of two, so that differences of losses are exact


def make(solver=None, loss_of_start=False, useful_loss=-np.inf, n_seen=0, **settings):
    """Make a monitor of a single weight, which is 0 at the start."""
    usual = {"max_iter": 50, "tol": TOL, "n_iter_no_change": 2, "learning_rate_init": 1.0}
    options = TrainingOptions(None, solver or SGD(), 0.0, 2, **(usual | settings))
    theta = np.zeros(1)
    return Monitor(options, theta, 10, loss_of_start, n_seen=n_seen, useful_loss=useful_loss)


def report(monitor, *losses, validation=None):
    """Report epochs, the weight after each of which is the number of epochs so far."""
    for i, loss in enumerate(losses):
        theta = np.array([monitor.n_iter + 1.0])
        monitor.report(loss, theta, None if validation is None else validation[i])
    return theta


def finish(monitor, theta):
    monitor.finish(theta)
    return theta.item()


# When a run ends -----------------------------------------------------------------------------


def test_a_run_ends_after_one_more_epoch_without_progress_than_n_iter_no_change():
    monitor = make()
    report(monitor, 1.0, 1.0, 1.0)
    assert (monitor.n_stalled, monitor.finished) == (2, False)
    report(monitor, 1.0)
    assert (monitor.outcome, monitor.finished, monitor.n_iter) == ("converged", True, 4)


@pytest.mark.parametrize(("loss", "n_stalled"), [(1 - TOL, 0), (1 - TOL + 2**-20, 2)])
def test_progress_is_a_decrease_by_at_least_tol(loss, n_stalled):
    monitor = make()
    report(monitor, 1.0, 1.0, loss)
    assert monitor.n_stalled == n_stalled


def test_progress_is_measured_from_the_lowest_loss():
    monitor = make(n_iter_no_change=9)
    report(monitor, 1.0, 3.0, 2.0)
    assert (monitor.n_stalled, monitor.best_loss) == (2, 1.0)


def test_a_run_ends_at_max_iter():
    monitor = make(max_iter=2)
    report(monitor, 3.0)
    assert not monitor.finished
    report(monitor, 2.0)
    assert (monitor.finished, monitor.outcome) == (True, "running")
    monitor.n_iter = 3  # as in a checkpoint of a longer run
    assert monitor.finished


def test_lbfgs_does_not_end_for_stalled_losses():
    monitor = make(LBFGS())
    report(monitor, *[1.0] * 8)
    assert (monitor.outcome, monitor.n_stalled) == ("running", 7)


@pytest.mark.parametrize(
    ("fun", "status", "n_iter", "outcome"),
    [
        (1.0, 0, 1, "converged"),
        (1.0, 2, 1, "converged"),
        (1.0, 1, 1, "max_fun"),
        (1.0, 1, 2, "running"),  # this is max_iter
        (1.0, 3, 1, "running"),
        (np.inf, 0, 1, "diverged"),
        (np.nan, 1, 1, "diverged"),
    ],
)
def test_the_end_of_lbfgs(fun, status, n_iter, outcome):
    monitor = make(LBFGS(), max_iter=2)
    monitor.n_iter = n_iter
    monitor.end(OptimizeResult(fun=fun, status=status))
    assert monitor.outcome == outcome


# Learning rates ------------------------------------------------------------------------------


def test_an_adaptive_rate_is_divided_by_five_until_it_is_tiny():
    monitor = make(learning_rate="adaptive", learning_rate_init=2e-5, n_iter_no_change=1)
    report(monitor, 1.0, 1.0)
    assert monitor.learning_rate() == 2e-5
    report(monitor, 1.0)
    assert (monitor.learning_rate(), monitor.n_stalled) == (2e-5 / 5, 0)
    report(monitor, 1.0, 1.0)
    assert monitor.learning_rate() == 2e-5 / 25  # below 1e-6
    assert not monitor.finished
    report(monitor, 1.0, 1.0)
    assert (monitor.outcome, monitor.rate_divisor) == ("converged", 25)


def test_a_rate_of_1e_6_is_not_divided():
    monitor = make(learning_rate="adaptive", learning_rate_init=1e-6, n_iter_no_change=1)
    report(monitor, 1.0, 1.0, 1.0)
    assert (monitor.outcome, monitor.rate_divisor) == ("converged", 1)


def test_the_schedule_has_the_number_of_epochs_and_samples():
    monitor = make(learning_rate="invscaling", learning_rate_init=3.0, n_seen=5)
    assert monitor.learning_rate() == 3 * 6**-0.5
    report(monitor, 1.0, 0.5)
    assert (monitor.n_seen, monitor.learning_rate()) == (25, 3 * 26**-0.5)
    monitor = make(learning_rate="cosine", max_iter=4)
    report(monitor, 1.0, 0.5)
    assert monitor.learning_rate() == pytest.approx(0.5)


# Overflow ------------------------------------------------------------------------------------


def test_after_an_overflow_training_resumes_before_the_best_epoch():
    monitor = make()
    report(monitor, 4.0, 2.0, 3.0)
    theta = report(monitor, np.inf)
    assert_array_equal(theta, [1])  # the weight at the start of the second epoch
    assert_array_equal(monitor.last_theta, [1])
    assert monitor.last_theta is not theta
    assert (monitor.rate_divisor, monitor.n_rollbacks, monitor.n_stalled) == (2, 1, 0)
    assert (monitor.outcome, monitor.n_iter) == ("running", 4)
    assert_array_equal(monitor.best_theta, [2])  # the third epoch did not overflow


def test_weights_after_which_the_loss_overflows_are_not_the_best():
    monitor = make()
    report(monitor, 4.0, 2.0, np.nan)
    assert_array_equal(monitor.best_theta, [1])


def test_an_overflow_in_the_first_epoch_returns_to_the_first_weights():
    monitor = make()
    assert_array_equal(report(monitor, np.nan), [0])
    assert monitor.loss_curve[1:] == []
    assert monitor.best_loss == monitor.initial_loss == np.inf


def test_the_eleventh_overflow_ends_a_run():
    monitor = make()
    report(monitor, *[np.inf] * 10)
    assert (monitor.outcome, monitor.rate_divisor) == ("running", 2**10)
    report(monitor, np.inf)
    assert (monitor.outcome, monitor.n_rollbacks) == ("diverged", 11)


def test_an_overflow_ends_lbfgs():
    monitor = make(LBFGS())
    assert_array_equal(report(monitor, 1.0, np.inf), [2])
    assert monitor.outcome == "diverged"


# Which weights are kept ----------------------------------------------------------------------


@pytest.mark.parametrize(("loss_of_start", "best"), [(False, 2), (True, 1)])
def test_the_weights_that_a_loss_describes(loss_of_start, best):
    monitor = make(loss_of_start=loss_of_start, keep_best=True, n_iter_no_change=np.inf)
    theta = report(monitor, 4.0, 2.0, 3.0)
    assert_array_equal(monitor.safe_theta, [1])
    assert finish(monitor, theta) == best


def test_the_first_of_equal_losses_is_the_best():
    monitor = make(keep_best=True)
    theta = report(monitor, 2.0, 2.0, 3.0)
    assert finish(monitor, theta) == 1


@pytest.mark.parametrize(("last", "kept", "value"), [(2 + TOL, 3, -2 - TOL), (2.5, 2, -2.0)])
def test_keep_best_needs_a_difference_above_tol(last, kept, value):
    monitor = make(keep_best=True)
    theta = report(monitor, 4.0, 2.0, last)
    assert monitor.kept_value == value
    assert finish(monitor, theta) == kept


def test_the_last_weights_are_kept_as_a_rule():
    monitor = make()
    theta = report(monitor, 4.0, 2.0, 3.5)
    assert monitor.kept_value == -3.5
    assert finish(monitor, theta) == 3
    assert monitor.outcome == "running"


@pytest.mark.parametrize(("last", "kept"), [(2.0, 2), (3.0, 1)])
def test_an_interruption_keeps_the_lowest_loss(last, kept):
    monitor = make(tol=10.0)
    report(monitor, 2.0, last)
    monitor.outcome = "interrupted"
    assert finish(monitor, np.array([9.0])) == kept  # of an epoch under way
    assert monitor.kept_value == -2


def test_an_interruption_in_the_first_epoch_keeps_the_first_weights():
    monitor = make()
    monitor.outcome = "interrupted"
    assert finish(monitor, np.array([9.0])) == 0
    assert monitor.kept_value == -np.inf


@pytest.mark.parametrize(
    ("first", "last", "tol", "outcome"),
    [
        (10.0, 11.0, 0.5, "running"),
        (10.0, 11.1, 0.5, "diverged"),
        (10.0, 10.9, 0.5, "running"),
        (1.0, 1.25, 0.25, "running"),
        (1.0, 1.3, 0.25, "diverged"),
        (1.0, 1.2, 0.25, "running"),
    ],
)
def test_a_run_diverged_if_its_loss_rose_by_a_tenth_and_by_tol(first, last, tol, outcome):
    monitor = make(tol=tol)
    theta = report(monitor, first, last)
    assert finish(monitor, theta) == (1 if outcome == "diverged" else 2)
    assert monitor.outcome == outcome
    assert monitor.kept_value == -(first if outcome == "diverged" else last)


@pytest.mark.parametrize(
    ("losses", "outcome"), [((4.0, 9.0, 3.0), "running"), ((4.0, 3.0, 9.0), "diverged")]
)
def test_the_last_loss_is_compared_with_the_first(losses, outcome):
    monitor = make(n_iter_no_change=9)
    monitor.finish(report(monitor, *losses))
    assert monitor.outcome == outcome


def test_a_lower_loss_of_the_first_weights_is_the_measure():
    monitor = make()
    monitor.initial_loss = 2.0
    theta = report(monitor, 4.0, 3.0)
    assert_array_equal(monitor.best_theta, [0])
    assert finish(monitor, theta) == 0
    assert (monitor.outcome, monitor.initial_loss, monitor.kept_value) == ("diverged", 2.0, -2.0)


def test_the_first_loss_is_that_of_the_first_epoch():
    monitor = make()
    report(monitor, 4.0, 2.0)
    assert monitor.initial_loss == 4
    monitor.initial_loss = 1.0
    report(monitor, 0.5)
    assert monitor.initial_loss == 1.0


def test_losses_without_dropout_show_whether_a_run_diverged():
    monitor = make()
    theta = report(monitor, 1.0, 9.0)
    monitor.loss_before, monitor.loss_after = 4.0, 4.0
    assert finish(monitor, theta) == 2
    monitor.loss_after = 6.0
    assert finish(monitor, theta) == 1
    with pytest.warns(ConvergenceWarning, match=r"the loss was 6, from 4 at the start\."):
        monitor.warn(1, Scaling())


@pytest.mark.parametrize("before", [True, False])
def test_one_loss_without_dropout_is_not_compared(before):
    monitor = make()
    theta = report(monitor, 4.0, 4.0)
    monitor.loss_before, monitor.loss_after = (1.0, None) if before else (None, 9.0)
    assert finish(monitor, theta) == 2


def test_a_loss_that_is_not_finite_at_the_end_has_diverged():
    monitor = make()
    theta = report(monitor, 4.0, 2.0)
    monitor.loss_before, monitor.loss_after = 4.0, np.nan
    assert finish(monitor, theta) == 2
    assert monitor.outcome == "diverged"


@pytest.mark.parametrize("loss_of_lbfgs", [None, np.inf])
def test_a_last_step_that_overflows_has_diverged(loss_of_lbfgs):
    """The weights after the lowest loss lead to it, so those before are kept."""
    monitor = make()
    theta = report(monitor, 4.0, 2.0)
    if loss_of_lbfgs is None:
        theta[:] = np.nan
    else:
        monitor.end(OptimizeResult(fun=loss_of_lbfgs, status=0))
    assert finish(monitor, theta) == 1
    assert monitor.outcome == "diverged"


def test_no_epoch_is_no_divergence():
    monitor = make()
    assert finish(monitor, np.array([7.0])) == 7
    assert monitor.outcome == "running"


# Validation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [True, False])
def test_weights_of_the_lowest_validation_loss_are_kept_with_early_stopping(early_stopping):
    monitor = make(early_stopping=early_stopping, n_iter_no_change=9)
    theta = report(monitor, 4.0, 3.0, 2.0, validation=[(0.5, 3.0), (0.75, 1.0), (0.5, 1.0)])
    assert monitor.validation_scores == [0.5, 0.75, 0.5]
    assert monitor.validation_losses == [3, 1, 1]
    assert (monitor.best_score, monitor.best_validation_loss) == (0.75, 1)
    assert monitor.kept_value == (-1 if early_stopping else -2)
    assert finish(monitor, theta) == (2 if early_stopping else 3)


@pytest.mark.parametrize(
    ("validation", "n_stalled"),
    [
        ((0.5, 4.0), 1),
        ((0.5 + TOL, 4.0), 0),
        ((0.5, 4 - TOL), 0),
        ((0.5 + TOL / 2, 4 - TOL / 2), 1),
        ((np.nan, np.nan), 1),
    ],
)
def test_validation_makes_progress_by_tol_in_score_or_loss(validation, n_stalled):
    monitor = make(early_stopping=True, useful_loss=np.inf)
    report(monitor, 3.0, 1.0, validation=[(0.5, 4.0), validation])
    assert monitor.n_stalled == n_stalled
    assert monitor.best_score == max(0.5, np.nan_to_num(validation[0]))


@pytest.mark.parametrize(("useful_loss", "n_stalled"), [(1.0, 1), (0.99, 0)])
def test_training_loss_counts_while_it_is_no_better_than_a_constant(useful_loss, n_stalled):
    monitor = make(early_stopping=True, useful_loss=useful_loss)
    report(monitor, 3.0, 1.0, validation=[(0.5, 4.0), (0.5, 4.0)])
    assert monitor.n_stalled == n_stalled
    report(monitor, 1.0, validation=[(0.5, 4.0)])
    assert monitor.n_stalled == n_stalled + 1


@pytest.mark.parametrize(("penalty", "n_stalled"), [(0.0, 0), (0.25, 0), (0.5, 1), (2.0, 1)])
def test_the_loss_without_penalty_is_compared_with_a_constant(penalty, n_stalled):
    monitor = make(early_stopping=True, useful_loss=1.0)
    monitor.report(3.0, np.ones(1), (0.5, 4.0))
    monitor.report(1.5, np.ones(1), (0.5, 4.0), penalty)
    assert monitor.n_stalled == n_stalled


def test_validation_alone_does_not_count_without_early_stopping():
    monitor = make()
    report(monitor, 3.0, 3.0, validation=[(0.5, 4.0), (0.9, 1.0)])
    assert monitor.n_stalled == 1


# Output --------------------------------------------------------------------------------------


@pytest.mark.parametrize("verbose", [True, False])
def test_verbose(verbose, capsys):
    monitor = make(verbose=verbose)
    report(monitor, 1.5, 1.25, validation=[(0.5, 3.0), (0.25, 2.0)])
    expected = [
        "Iteration 1, loss = 1.50000000",
        "Validation score: 0.500000",
        "Iteration 2, loss = 1.25000000",
        "Validation score: 0.250000",
    ]
    assert capsys.readouterr().out.splitlines() == (expected if verbose else [])


def warning_of(monitor, scaling=None):
    with pytest.warns(ConvergenceWarning) as caught:
        monitor.warn(1, scaling or Scaling("y", " The values reach 9."))
    assert "monitor.warn(" in linecache.getline(caught[0].filename, caught[0].lineno)
    return str(caught[0].message)


RATE = "Scale y, or lower learning_rate_init=0.5."


@pytest.mark.parametrize(
    ("solver", "losses", "outcome", "message"),
    [
        (
            SGD(),
            [1.0, 4.0],
            "diverged",
            "Training diverged: after 2 iterations the loss was 4, from 1 at the start. "
            f"The best weights seen are kept. {RATE}",
        ),
        (
            SGD(),
            [4.0, 1.0],
            "diverged",
            "Training diverged: after 2 iterations the last step led to outputs that overflow. "
            f"The best weights seen are kept. {RATE}",
        ),
        (
            LBFGS(),
            [],
            "diverged",
            "Training diverged: after 0 iterations the loss overflows. "
            "The best weights seen are kept. Scale y.",
        ),
        (
            SGD(),
            [4.0],
            "interrupted",
            "Training was interrupted after 1 iterations. The best weights are kept.",
        ),
        (
            SGD(),
            [4.0, np.inf, 3.0],
            "converged",
            "The loss overflowed 1 times. Each time training resumed from the weights before the "
            f"best epoch, at half the learning rate. {RATE}",
        ),
        (
            LBFGS(max_fun=7),
            [4.0],
            "max_fun",
            "L-BFGS evaluated the loss max_fun=7 times and has not converged yet. "
            "Increase max_fun, or scale y.",
        ),
        (
            SGD(),
            [4.0],
            "running",
            "Maximum iterations (50) reached and the optimization hasn't converged yet. "
            "Increase max_iter, or scale y.",
        ),
    ],
)
def test_warnings(solver, losses, outcome, message):
    monitor = make(solver, learning_rate_init=0.5)
    if losses:
        report(monitor, *losses)
    monitor.outcome = outcome
    assert warning_of(monitor) == f"{message} The values reach 9."
    assert warning_of(monitor, Scaling("y", "", True)) == (
        f"The predictions are no better than a constant. {message}"
    )


@pytest.mark.parametrize(
    ("outcome", "learning_rate"), [("converged", "constant"), ("running", "cosine")]
)
def test_a_run_that_ended_as_planned_warns_only_of_scales(outcome, learning_rate):
    monitor = make(learning_rate=learning_rate)
    report(monitor, 4.0)
    monitor.outcome = outcome
    monitor.warn(1, Scaling("X", " Ignored."))  # a warning would be an error
    expected = "The predictions are no better than a constant. Scale X. The values reach 9."
    assert warning_of(monitor, Scaling("X", " The values reach 9.", True)) == expected


def test_lbfgs_has_no_schedule():
    monitor = make(LBFGS(), learning_rate="cosine")
    report(monitor, 4.0)
    assert warning_of(monitor).startswith("Maximum iterations (50) reached")


def test_a_state_is_a_copy_of_all_but_the_options():
    monitor = make()
    report(monitor, 4.0, 2.0)
    state = monitor.state_dict()
    assert "options" not in state
    report(monitor, 1.0)
    assert state["loss_curve"] == [4, 2]
    other = make()
    other.load_state_dict(state)
    assert (other.loss_curve, other.n_iter, other.best_loss) == ([4, 2], 2, 2)
    report(other, 1.0)
    assert state["loss_curve"] == [4, 2]
    assert_array_equal(other.best_theta, monitor.best_theta)
