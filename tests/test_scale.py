"""Searches on clusters, data that do not fit in memory, and searches by Optuna."""

import importlib.util
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import PerStep, SequenceRNNClassifier, Sequences, StepRNNClassifier, as_sequences
from skrnn.metrics import flat_accuracy_score

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "out_of_core.py"
FOLDS = KFold(2, shuffle=True, random_state=0)
GRID = {"cell": ["rnn", "gru"], "alpha": [0.0, 1.0]}
END = {"max_iter": 4, "learning_rate": "cosine", "batch_size": 8, "random_state": 0}


def sequences(n=40):
    rng = np.random.RandomState(0)
    y = np.arange(n) % 3
    return [rng.normal(c, 1, (rng.randint(2, 7), 2)) for c in y], y


def as_objects(parts):
    array = np.empty(len(parts), dtype=object)
    array[:] = parts
    return array


def labelling(form):
    X, _ = sequences()
    y = [(x[:, 0] > 1).astype(int) for x in X]
    return StepRNNClassifier(4, **END), form(X), form(y)


def classifying(form):
    X, y = sequences()
    return SequenceRNNClassifier(4, dropout=0.2, **END), form(X), y


CASES = {
    "labels of sequences, lists": (classifying, list),
    "labels of sequences, object arrays": (classifying, as_objects),
    "labels of steps, lists": (labelling, list),
    "labels of steps, object arrays": (labelling, as_objects),
}


def imported(name):
    """Import an example from its file."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Searches on workers ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    """Connect to a cluster of two processes on this machine."""
    distributed = pytest.importorskip("distributed")
    # Without a dashboard, no web server is started. The cluster listens on this machine only.
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client


@pytest.fixture(params=["dask", "loky"])
def workers(request):
    """Let joblib use two processes, of Dask or of its default backend."""
    if request.param == "dask":
        request.getfixturevalue("cluster")
    with joblib.parallel_config(backend=request.param, n_jobs=2):
        yield request.param


def all_weights(estimator):
    return [array for layer in estimator.weights_.values() for array in layer.values()]


def assert_same(actual, expected):
    for a, b in zip(all_weights(actual), all_weights(expected), strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("case", CASES)
def test_search_on_workers(case, workers):
    make, form = CASES[case]
    estimator, X, y = make(form)
    with joblib.parallel_config(backend="sequential"):
        expected = GridSearchCV(estimator, GRID, cv=FOLDS).fit(X, y)
    search = GridSearchCV(estimator, GRID, cv=FOLDS).fit(X, y)
    for name, column in expected.cv_results_.items():
        if "time" not in name:
            assert_array_equal(search.cv_results_[name], column)
    assert len(set(expected.cv_results_["mean_test_score"])) > 1  # the grid matters
    assert search.best_params_ == expected.best_params_
    assert_same(search.best_estimator_, expected.best_estimator_)


@pytest.mark.parametrize("case", CASES)
def test_cross_validation_on_workers(case, workers):
    make, form = CASES[case]
    estimator, X, y = make(form)
    score = (
        flat_accuracy_score
        if isinstance(estimator, StepRNNClassifier)
        else lambda true, predicted: float(np.mean(true == predicted))
    )

    def scores(estimator, X, y):
        return {"accuracy": score(y, estimator.predict(X)), "process": os.getpid()}

    folds = KFold(4, shuffle=True, random_state=0)
    pipe = make_pipeline(PerStep(StandardScaler()), estimator)
    kinds = {"cv": folds, "scoring": scores, "return_estimator": True}
    with joblib.parallel_config(backend="sequential"):
        expected = cross_validate(pipe, X, y, **kinds)
    found = cross_validate(pipe, X, y, **kinds)
    assert_array_equal(found["test_accuracy"], expected["test_accuracy"])
    for a, b in zip(found["estimator"], expected["estimator"], strict=True):
        assert_same(a[-1], b[-1])
    processes = set(found["test_process"])
    print(f"{case} by {workers}: 4 fits in {len(processes)} processes, same bits")
    assert os.getpid() not in processes
    assert len(processes) <= 2


def test_the_example_of_the_documentation(cluster):
    example = imported("search_on_dask")
    X, y = sequences(30)
    found = example.search(X, y, cluster.scheduler.address)
    with joblib.parallel_config(backend="sequential"):
        expected = clone(found).fit(X, y)
    assert found.cv_results_["params"] == expected.cv_results_["params"]
    assert_array_equal(
        found.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )


def test_the_cluster_has_two_processes(cluster):
    processes = set(cluster.run(os.getpid).values())
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert all("127.0.0.1" in address for address in cluster.scheduler_info()["workers"])


# Larger than memory ----------------------------------------------------------------------


def run_example(*arguments):
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), env.get("PYTHONPATH", "")])
    command = [sys.executable, str(EXAMPLE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=env)


def check_growth(n_groups, n_sequences, limit, folder, *more):
    """Train with a limit of memory, and compare the growth with the size of the file."""
    size = ("--groups", n_groups, "--sequences", n_sequences, "--folder", folder)
    run = run_example(*size, "--limit", limit, *more)
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    print(result)
    assert result["sequences seen"] == n_groups * n_sequences
    assert result["accuracy"] > 0.9
    assert result["growth, MiB"] < limit < result["data on disk, MiB"] / 2
    return result


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the limit and measure are those of Linux"
)


@needs_proc
@pytest.mark.slow
def test_memory_stays_below_a_limit_far_below_the_data(tmp_path):
    pytest.importorskip("pyarrow")
    check_growth(36, 1000, 64, tmp_path)
    at_once = run_example("--groups", 36, "--sequences", 1000, "--limit", 64, "--whole")
    assert at_once.returncode != 0
    assert "MemoryError" in at_once.stderr


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize(("reader", "limit"), [((), 96), (("--dask",), 128)])
def test_memory_stays_below_a_limit_on_more_data(reader, limit, tmp_path):
    pytest.importorskip("pyarrow")
    if reader:
        pytest.importorskip("dask.dataframe")
    result = check_growth(64, 2000, limit, tmp_path, *reader)
    assert result["data on disk, MiB"] > 400
    assert result["growth, MiB"] < 100


@pytest.fixture
def example(monkeypatch):
    pytest.importorskip("pyarrow")
    pytest.importorskip("resource")
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "system")
    return imported("out_of_core")


# Dask causes this warning with pandas 3.1.
@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame:DeprecationWarning")
def test_row_groups_and_partitions_give_the_same_weights(example, tmp_path):
    pytest.importorskip("dask.dataframe")
    path = tmp_path / "small.parquet"
    example.write(path, n_groups=3, n_sequences=50)
    scaler, clf = example.train(path, n_epochs=2)
    assert clf.t_ == 300
    assert clf.weights_["output"]["W"].dtype == np.float32
    _, by_dask = example.train(path, example.partitions, n_epochs=2)
    assert_same(by_dask, clf)
    # The same with lists in memory.
    by_hand = clone(clf)
    for _ in range(2):
        for X, y in example.row_groups(path):
            scaled = scaler.transform(X.values)
            by_hand.partial_fit(list(Sequences(scaled, X.lengths).to_ragged()), y, classes=[0, 1])
    assert_same(by_hand, clf)


def test_a_row_group_is_not_copied(example, tmp_path):
    import pyarrow.parquet as pq

    example.write(tmp_path / "one.parquet", n_groups=1, n_sequences=50)
    table = pq.read_table(tmp_path / "one.parquet")
    X, y = example.as_Xy(table)
    assert len(y) == len(X.lengths) == 50
    assert np.shares_memory(X.values, table["steps"].chunk(0).flatten().to_numpy())
    assert as_sequences(X).values is X.values
    assert [len(x) for x in X.to_ragged()] == [
        len(row) // example.N_FEATURES for row in table["steps"].to_pylist()
    ]


# Optuna ----------------------------------------------------------------------------------


def objective(trial):
    """Score a pipeline with parameters suggested by Optuna."""
    X, y = sequences()
    clf = SequenceRNNClassifier(
        trial.suggest_int("hidden_layer_sizes", 2, 8),
        cell=trial.suggest_categorical("cell", ["rnn", "gru", "lstm"]),
        learning_rate_init=trial.suggest_float("learning_rate_init", 1e-3, 1e-1, log=True),
        **END,
    )
    pipe = make_pipeline(PerStep(StandardScaler()), clf)
    return cross_val_score(pipe, X, y, cv=3).mean()


class Pruning:
    """Report the validation score of each epoch to a trial, and stop trials that are pruned."""

    def __init__(self, trial):
        self.trial = trial

    def setup(self, estimator, context): ...
    def teardown(self, estimator, context): ...
    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        import optuna

        if context.task_name == "epoch":
            scores = fitted_estimator.validation_scores_
            self.trial.report(scores[-1], step=len(scores))
            if self.trial.should_prune():
                raise optuna.TrialPruned


@pytest.fixture
def optuna():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def test_optuna_finds_the_same_twice(optuna):
    def study():
        study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.TPESampler(seed=0)
        )
        study.optimize(objective, n_trials=8)
        return study

    first, second = study(), study()
    assert [t.params for t in first.trials] == [t.params for t in second.trials]
    assert [t.value for t in first.trials] == [t.value for t in second.trials]
    assert first.best_value == objective(optuna.trial.FixedTrial(first.best_params))
    assert first.best_value > min(t.value for t in first.trials)


def test_optuna_prunes_a_fit(optuna):
    X, y = sequences(60)
    epochs = []

    def objective(trial):
        rate = trial.suggest_categorical("learning_rate_init", [0.03, 1e-6])
        clf = SequenceRNNClassifier(6, **{**END, "learning_rate_init": rate, "max_iter": 15})
        clf.set_callbacks(Pruning(trial))
        try:
            clf.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
        except optuna.TrialPruned:
            assert not hasattr(clf, "weights_")  # unchanged
            raise
        epochs.append(clf.n_iter_)
        return clf.best_validation_score_

    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.GridSampler({"learning_rate_init": [0.03, 1e-6]}, seed=3),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=5),
    )
    study.enqueue_trial({"learning_rate_init": 0.03})
    study.optimize(objective, n_trials=3)
    states = [trial.state.name for trial in study.trials]
    assert states.count("PRUNED") == 1
    assert study.best_params == {"learning_rate_init": 0.03}
    pruned = study.trials[states.index("PRUNED")]
    assert pruned.params == {"learning_rate_init": 1e-6}
    assert max(pruned.intermediate_values) < 15
    assert set(epochs) == {15}


# OptunaSearchCV uses a deprecated module of Optuna.
@pytest.mark.filterwarnings("ignore:`optuna.terminator` module:FutureWarning")
def test_optuna_searches_like_scikit_learn(optuna):
    integration = pytest.importorskip("optuna_integration.sklearn")
    X, y = sequences()
    pipe = make_pipeline(PerStep(StandardScaler()), SequenceRNNClassifier(4, **END))
    space = {
        "sequencernnclassifier__cell": optuna.distributions.CategoricalDistribution(["rnn", "gru"]),
        "sequencernnclassifier__alpha": optuna.distributions.FloatDistribution(1e-4, 1, log=True),
    }
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        search = integration.OptunaSearchCV(pipe, space, cv=3, n_trials=4, study=study)
    search.fit(X, y)
    best = clone(pipe).set_params(**search.best_params_)
    assert search.best_score_ == cross_val_score(best, X, y, cv=3).mean()
    assert_same(search.best_estimator_[-1], best.fit(X, y)[-1])
