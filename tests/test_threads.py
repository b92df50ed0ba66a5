"""Threads: the BLAS limit is removed in the end, and results have the same bits as without."""

import contextlib
import dis
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import pairwise
from threading import Barrier, Event, get_ident
from unittest.mock import patch

import numpy as np
import pytest
from recipes import CONSTANT_RATE, ONE_DIRECTION
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import ThreadpoolController, threadpool_limits

from skrnn import (
    EnsembleClassifier,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    StepRNNClassifier,
    StepRNNRegressor,
    XORMLPClassifier,
)
from skrnn._numeric import training
from skrnn._numeric.losses import squared_error
from skrnn._numeric.networks import MLP, RNN
from skrnn._numeric.pieces import PIECE, Piece
from skrnn._numeric.training import Ragged, Rows, Shared, gather
from skrnn._training import threads
from skrnn._training.threads import map_for, thread_map
from skrnn.inspection import occlusion_importance


def blas_threads():
    controller = ThreadpoolController().select(user_api="blas")
    return {info["num_threads"] for info in controller.info()}


def test_the_limit_lasts_until_the_last_user_leaves():
    with threadpool_limits(2, user_api="blas"):
        first, second = thread_map(), thread_map()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert blas_threads() == {1}
        second.__exit__(None, None, None)
        assert blas_threads() == {2}


def test_the_last_user_may_be_in_another_thread_than_the_first():
    with (
        threadpool_limits(2, user_api="blas"),
        ThreadPoolExecutor(1) as one,
        ThreadPoolExecutor(1) as other,
    ):
        first, second = thread_map(), thread_map()
        one.submit(first.__enter__).result()
        other.submit(second.__enter__).result()
        one.submit(first.__exit__, None, None, None).result()
        assert blas_threads() == {1}
        other.submit(second.__exit__, None, None, None).result()
        assert blas_threads() == {2}


def test_two_threads_where_the_blas_may_use_two():
    with threadpool_limits(2, user_api="blas"), thread_map() as mapped:
        both = Barrier(2, timeout=30)
        assert len(set(mapped(lambda _: both.wait() + get_ident() * 2, range(2)))) == 2


# Interrupts ------------------------------------------------------------------------------


class Interrupt:
    """Raise KeyboardInterrupt at the n-th place where Python handles signals in a block.

    Only functions of skrnn/_training/threads.py and contextlib count. The places are those where
    a function begins and where a call has returned.
    """

    def __init__(self, n):
        self.n, self.places = n, []

    def __enter__(self):
        self.outside = sys.gettrace()
        sys.settrace(self.trace)

    def __exit__(self, *exception):
        sys.settrace(self.outside)

    def trace(self, frame, event, argument):
        if frame.f_code.co_filename not in (threads.__file__, contextlib.__file__):
            return None
        frame.f_trace_opcodes = True
        if event == "call" or (event == "opcode" and frame.f_lasti in after_calls(frame.f_code)):
            self.visit(frame)
        return self.trace

    def visit(self, frame):
        self.places.append(f"{frame.f_code.co_name}:{frame.f_lineno}")
        if len(self.places) == self.n:
            raise KeyboardInterrupt


@cache
def after_calls(code):
    """Get the offsets of instructions that follow a call."""
    instructions = list(dis.get_instructions(code))
    return {
        following.offset
        for one, following in pairwise(instructions)
        if one.opname.startswith("CALL")
    }


def map_once():
    with thread_map() as mapped:
        assert list(mapped(abs, (-1, 2, -3))) == [1, 2, 3]


def test_an_interrupt_at_any_place_removes_the_limit():
    map_once()  # finds the libraries
    where = set()
    with threadpool_limits(2, user_api="blas"):
        for n in range(1, 1000):
            interrupt = Interrupt(n)
            try:
                with interrupt:
                    map_once()
            except KeyboardInterrupt:
                where.add(interrupt.places[-1].split(":")[0])
            else:
                break
            assert blas_threads() == {2}, interrupt.places
            assert not threads._blas_limit._users, interrupt.places
            with ThreadPoolExecutor(1) as pool:  # the lock is free for other threads
                pool.submit(map_once).result(timeout=30)
    assert len(interrupt.places) == n - 1 > 50
    assert where >= {"__enter__", "__exit__", "thread_map", "add", "remove", "_submit"}


@pytest.fixture
def cancelled(monkeypatch):
    """Event that is set as soon as a pool has cancelled the calls that have not begun."""
    event = Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait=True, *, cancel_futures=False):
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            event.set()
            super().shutdown(wait=wait)

    monkeypatch.setattr(threads, "ThreadPoolExecutor", Pool)
    return event


def test_an_interrupt_cancels_the_calls_that_have_not_begun(cancelled):
    begun = []

    def work(i):
        begun.append(i)
        if i == 0:
            raise KeyboardInterrupt
        assert cancelled.wait(timeout=30)

    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(KeyboardInterrupt), thread_map() as mapped:
            list(mapped(work, range(100)))
        assert blas_threads() == {2}
    assert set(begun) <= {0, 1, 2}


@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_interrupt_ends_predict_within_a_piece(n_threads, cancelled, monkeypatch):
    reg = SequenceRNNRegressor(2, max_iter=1, init="zeros", random_state=0, **CONSTANT_RATE)
    with pytest.warns(match="iterations"):
        reg.fit([[0.0], [1.0]], [0.0, 1.0])
    begun, make_run = [], RNN.predict.func

    def interrupted(network, *args):
        begun.append(args)
        if args[1].any():  # the first piece
            raise KeyboardInterrupt
        assert cancelled.wait(timeout=30)
        return make_run(network)(*args)

    monkeypatch.setattr(RNN, "predict", interrupted)
    with threadpool_limits(n_threads, user_api="blas"):
        with pytest.raises(KeyboardInterrupt):
            reg.predict(np.eye(20 * PIECE, 1)[:, None])
        assert blas_threads() == {n_threads}
    assert len(begun) <= 3


SEQUENCE_METHODS = [
    *("predict", "predict_proba", "predict_log_proba", "decision_function", "transform"),
    *("hidden_states", "input_gradients", "score", "occlusion_importance"),
]
INTERRUPTED = [
    *((SequenceRNNClassifier(2, max_iter=1), method) for method in SEQUENCE_METHODS),
    (StepRNNRegressor(2, max_iter=1), "predict"),
    (StepRNNClassifier(2, max_iter=1, loss="crf"), "predict"),
    (EnsembleClassifier(SequenceRNNClassifier(2, max_iter=1), 2), "predict_proba"),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("n_threads", "error"), [(1, KeyboardInterrupt), (2, KeyboardInterrupt), (2, MemoryError)]
)
@pytest.mark.parametrize(
    ("estimator", "method"), INTERRUPTED, ids=lambda part: getattr(part, "__name__", str(part)[:20])
)
def test_an_error_ends_every_method_within_a_piece(estimator, method, n_threads, error, cancelled):
    """Not only when all pieces are done, which a pool of threads waits for by default."""
    y = [[0], [1]] if isinstance(estimator, (StepRNNClassifier, StepRNNRegressor)) else [0, 1]
    estimator = clone(estimator).fit([[0.0], [1.0]], y)
    X, begun, pack = np.zeros((5 * PIECE, 1, 1)), [], Piece.pack

    def interrupted(piece, x):
        begun.append(piece)
        if not piece.first:
            raise error
        assert n_threads == 1 or cancelled.wait(timeout=30)
        return pack(piece, x)

    given = [X, np.zeros(len(X))] if method == "score" else [X]
    if method == "occlusion_importance":
        call = partial(occlusion_importance, estimator, *given)
    else:
        call = partial(getattr(estimator, method), *given)
    with threadpool_limits(n_threads, user_api="blas"), patch.object(Piece, "pack", interrupted):
        with pytest.raises(error):
            call()
        assert blas_threads() == {n_threads}
    assert 1 <= len(begun) <= 3


# Threads of the user ---------------------------------------------------------------------


FIRST_USERS = """
import threading, warnings
import numpy as np
from threadpoolctl import ThreadpoolController
from skrnn import SequenceRNNClassifier

warnings.simplefilter("ignore")
X, y = np.random.default_rng(0).normal(size=(128, 4, 2)), np.arange(128) % 2
together = threading.Barrier(4)

def fit(n):
    together.wait()
    SequenceRNNClassifier(
        128, batch_size=128, max_iter=n, bidirectional=False, random_state=0
    ).fit(X, y)

threads = [threading.Thread(target=fit, args=(n,)) for n in (1, 2, 3, 4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
blas = ThreadpoolController().select(user_api="blas")
print({info["num_threads"] for info in blas.info()})
together = threading.Barrier(1)
threading.Thread(target=lambda: print("fitted" if fit(2) is None else "")).start()
"""


def test_first_users_at_once_and_a_thread_that_outlives_the_main_one():
    two = {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_USERS],
        capture_output=True,
        text=True,
        env=os.environ | two,
        check=True,
    )
    assert done.stdout.split() == ["{2}", "fitted"], done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_no_limit():
    with threadpool_limits(2, user_api="blas"), thread_map():
        child = os.fork()
        if not child:
            os._exit(0 if blas_threads() == {2} else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert blas_threads() == {1}


def test_one_thread_where_the_blas_may_use_one():
    with threadpool_limits(1, user_api="blas"), thread_map() as mapped:
        assert set(mapped(lambda _: get_ident(), range(4))) == {get_ident()}


# The largest numbers of rows, of inputs, and of units of a prediction without a limit.
LARGEST_SMALL = [(127, 32, 32), (1023, 8, 8), (16, 90, 91), (42, 192, 15), (8191, 1, 1)]


@pytest.mark.parametrize(("n_rows", "n_inputs", "n_units"), LARGEST_SMALL)
def test_a_small_prediction_sets_no_limit(n_rows, n_inputs, n_units):
    with threadpool_limits(2, user_api="blas"):
        with map_for(1, n_rows, n_inputs, n_inputs * n_units):
            assert blas_threads() == {2}
        with map_for(1, n_rows + 1, n_inputs + 1, (n_inputs + 1) * n_units):
            assert blas_threads() == {1}


def test_a_prediction_for_one_sequence_by_the_default_network_sets_no_limit():
    network = RNN(8, (32,), 9, "gru", "tanh", True, ("last", "mean", "max"))
    assert network.largest == (192, 192 * 9)
    with threadpool_limits(2, user_api="blas"), map_for(1, 40, *network.largest):
        assert blas_threads() == {2}


@pytest.mark.parametrize("width", [1, 14, 15, 90])
@pytest.mark.parametrize(("n_rows", "n_inputs", "n_units"), LARGEST_SMALL)
def test_small_products_have_the_same_bits_with_two_threads(n_rows, n_inputs, n_units, width):
    rng, results = np.random.default_rng(0), []
    width = min(width, n_units)
    x, W = rng.standard_normal((n_rows, n_inputs)), rng.standard_normal((n_inputs, width))
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            results.append([x.dot(W), W.T.dot(x.T), np.matmul(x, W), x.dot(W[:, 0])])
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


def test_calls_have_the_numpy_error_settings_of_the_caller():
    with threadpool_limits(2, user_api="blas"), thread_map() as mapped:
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            list(mapped(np.exp, [np.array([1e4])] * 2))
        with np.errstate(over="ignore"):
            assert list(mapped(np.exp, [np.array([1e4])] * 2)) == [np.inf] * 2


def samples_of(X):
    weight, lengths = np.ones(len(X)), np.array([len(x) for x in X])
    return Ragged(np.concatenate(X), weight, weight, lengths)


def sequences(n, rng):
    return [rng.standard_normal((length, 3)) for length in rng.integers(1, 9, n)]


@pytest.mark.parametrize(
    ("dropout", "bidirectional"),
    [
        (0.0, False),
        (0.4, True),
        pytest.param(0.0, True, marks=pytest.mark.slow),
        pytest.param(0.4, False, marks=pytest.mark.slow),
    ],
)
def test_the_same_bits_with_one_thread_and_two(dropout, bidirectional):
    X = sequences(300, np.random.default_rng(0))
    y = np.arange(300) % 3
    clf = SequenceRNNClassifier(
        128,
        batch_size=300,
        max_iter=2,
        n_iter_no_change=np.inf,
        bidirectional=bidirectional,
        dropout=dropout,
        random_state=0,
        **CONSTANT_RATE,
    )
    network = RNN(3, (128,), 3, bidirectional=bidirectional)
    assert len(gather(samples_of(X), slice(None), network).parts) == 2
    fits = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"), pytest.warns(match="iterations"):
            fits.append(clf.fit(X, y))
        fits[-1] = fits[-1].weights_, fits[-1].predict_proba(X)
    assert np.array_equal(fits[0][1], fits[1][1])
    for layer, p in fits[0][0].items():
        for name, weights in p.items():
            assert np.array_equal(weights, fits[1][0][layer][name])


@pytest.mark.parametrize("n_units", [900, 1700])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_bits_of_a_perceptron(dtype, n_units):
    X = np.random.default_rng(0).standard_normal((500, 100)).astype(dtype)
    clf = XORMLPClassifier(n_units, max_iter=3, n_iter_no_change=np.inf, random_state=0)
    rows = Rows(X, X[:, 0] > 0, np.ones(len(X), dtype))
    in_parts = n_units == 1700 or dtype == np.float64  # 34 and 36 million multiplications
    assert isinstance(gather(rows, slice(0, 200), MLP((100, n_units, 1))), Shared) == in_parts
    fits = []
    for n_threads in (1, 2, 4):
        with threadpool_limits(n_threads, user_api="blas"), pytest.warns(match="iterations"):
            fits.append([*clf.fit(X, X[:, 0] > 0).coefs_, clf.predict_proba(X)])
    for others in fits[1:]:
        assert all(np.array_equal(one, other) for one, other in zip(fits[0], others, strict=True))


@pytest.fixture
def many_parts(monkeypatch):
    """Divide even small batches into up to 16 parts."""
    for name in ("_PART_FROM", "_ROWS_FROM"):
        monkeypatch.setattr(training, name, 1)
    for samples in (Rows, Ragged):
        monkeypatch.setattr(samples, "two_parts_from", 1)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("kind", ["sequences", "table", "sparse table"])
def test_the_same_bits_of_many_parts_in_four_threads(kind, solver, many_parts):
    rng = np.random.default_rng(0)
    table = rng.standard_normal((40, 3))
    y, options = np.arange(40) % 3, {"max_iter": 4, "n_iter_no_change": 100, "random_state": 0}
    if solver == "adam":
        options |= {"batch_size": 16, "dropout": 0.3}
    if kind == "sequences":
        clf = SequenceRNNClassifier(5, solver=solver, **options, **CONSTANT_RATE)
        X = sequences(40, rng)
    else:
        clf = XORMLPClassifier(5, solver=solver, n_init=1, **options)
        X = csr_array(table * (table > 0)) if "sparse" in kind else table
    fits = []
    for n_threads in (1, 4):
        with threadpool_limits(n_threads, user_api="blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fits.append((clf.fit(X, y).loss_curve_, clf.predict_proba(X)))
    assert fits[0][0] == fits[1][0]
    assert np.array_equal(fits[0][1], fits[1][1])


def test_a_perceptron_in_parts_trains_as_in_scikit_learn(many_parts):
    X = np.random.default_rng(0).standard_normal((40, 3))
    params = {"batch_size": 16, "max_iter": 5, "solver": "adam", "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours = XORMLPClassifier(5, **params).fit(X, np.arange(40) % 3)
        theirs = MLPClassifier(5, **params).fit(X, np.arange(40) % 3)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)
    for found, expected in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_four_parts_run_in_four_threads(many_parts):
    X, together, threads_used = np.eye(4), Barrier(4, timeout=30), set()

    class Network(MLP):
        @property
        def run(self):
            def run(*args):
                together.wait()
                threads_used.add(get_ident())
                return MLP.run.func(self)(*args)

            return run

    network = Network((4, 2, 1))
    samples, params = Rows(X, X[:, :1], np.ones(4)), training.Params(network.shapes)
    with threadpool_limits(4, user_api="blas"), thread_map(4) as mapped:
        objective = training.make_objective(network, params, squared_error, mapped=mapped)
        objective(params.flat, gather(samples, slice(None), network))
    assert len(threads_used) == 4


@pytest.mark.parametrize(
    ("n_rows", "work", "n_parts"),
    [
        (300, 2**21 - 1, 1),
        (1, 2**30, 1),
        (2, 2**21, 2),
        (300, 3 * 128**2 * 300, 2),
        (255, 2**30, 2),
        (256, 2**25 - 1, 2),
        (256, 2**25, 4),
        (2000, 2**27, 16),
        (2**20, 2**40, 16),
    ],
)
def test_number_of_parts(n_rows, work, n_parts):
    assert training.n_parts(n_rows, work, Ragged.two_parts_from) == n_parts


@pytest.mark.parametrize(("n_sequences", "is_divided"), [(42, False), (43, True)])
def test_the_smallest_batch_of_sequences_in_parts(n_sequences, is_divided):
    X = np.zeros((n_sequences, 1), np.float32)
    samples = Ragged(X, X, X[:, 0] + 1, np.ones(n_sequences, int))
    network = RNN(1, (128,), 1)  # 3 * 128**2 multiplications for each sequence, of 2**21
    assert isinstance(gather(samples, slice(None), network), Shared) == is_divided


@pytest.mark.parametrize(
    ("dtype", "n_units", "is_divided"),
    [
        (np.float32, 213, False),
        (np.float32, 214, True),
        (np.float64, 106, False),
        (np.float64, 107, True),
    ],
)
def test_the_smallest_batch_of_rows_in_parts(dtype, n_units, is_divided):
    X = np.zeros((200, 784), dtype)  # 200 * 784 multiplications for each unit, of 2**25
    samples = Rows(X, X[:, 0], X[:, 0] + 1)
    assert isinstance(gather(samples, slice(None), MLP((784, n_units, 1))), Shared) == is_divided


def test_work_counts_the_stored_values_of_sparse_rows():
    X = np.zeros((200, 1000))
    X[:, :10] = 1
    network = MLP((1000, 100, 20, 3))
    y, weight = np.zeros(200, int), np.ones(200)
    assert Rows(X, y, weight).work(slice(0, 50), network) == (50, 2 * 50 * 1000 * 100)
    assert Rows(csr_array(X), y, weight).work(slice(None), network) == (200, 2 * 200 * 100 * 20)


def test_a_batch_of_one_has_no_halves():
    clf = SequenceRNNClassifier(
        2**11,
        cell="rnn",
        init="zeros",
        solver="sgd",
        batch_size=2,
        max_iter=1,
        random_state=0,
        **CONSTANT_RATE,
        **ONE_DIRECTION,
    )
    with pytest.warns(match="iterations"):
        assert clf.fit([[0.0], [1.0], [2.0]], [0, 1, 0]).n_iter_ == 1


def test_predictions_in_pieces_come_in_order():
    rng = np.random.default_rng(0)
    X = [rng.standard_normal((length, 1)) for length in rng.integers(1, 4000, 40)]
    y = [x[:, 0] for x in X]
    net = StepRNNRegressor(4, bptt_steps=50, max_iter=1, random_state=0, **CONSTANT_RATE)
    with pytest.warns(match="iterations"):
        net.fit(X[:3], y[:3])
    with threadpool_limits(2, user_api="blas"):
        together = net.predict(X)
    for x, prediction in zip(X, together, strict=True):
        np.testing.assert_allclose(prediction, net.predict([x])[0], atol=1e-12)


def test_fits_in_threads_do_not_disturb_each_other():
    X = sequences(40, np.random.default_rng(1))
    y = np.arange(40) % 2

    def fit(seed):
        clf = SequenceRNNClassifier(8, max_iter=3, random_state=seed, solver="lbfgs", tol=10)
        return clf.fit(X, y).predict_proba(X)

    alone = [fit(seed) for seed in range(6)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit, range(6)))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
