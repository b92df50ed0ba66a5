"""The leaderboard: data sets, baselines, records, and tables, on small sets."""

import csv
import gzip
import json

import numpy as np
import pytest

from benchmarks.leaderboard import evaluate, run
from benchmarks.leaderboard.data import (
    CLASSES,
    NUMBERS,
    STEP_CLASSES,
    STEP_NUMBERS,
    DataSet,
    packaged,
    ragged,
    read_ts,
    windows,
)
from benchmarks.leaderboard.entries import ENTRIES
from benchmarks.leaderboard.features import (
    Flat,
    OnWindows,
    as_arrays,
    channels,
    fill_forward,
    summarize,
)
from benchmarks.leaderboard.folder import read_folder
from benchmarks.leaderboard.networks import (
    CANDIDATES,
    candidates_for,
    make_network,
    make_recommended,
)
from benchmarks.leaderboard.prepare import prepare_as_recommended
from benchmarks.leaderboard.record import Record
from benchmarks.leaderboard.report import current, ranks, regrets, settings_tried
from benchmarks.leaderboard.simple import (
    LastValue,
    SeasonalValue,
    WarpingNeighbour,
    warping_distances,
)
from skrnn import Sequences

FEW = {"default": {"max_iter": 3}, "cosine 30": {"max_iter": 2, "learning_rate": "cosine"}}
KEY = {"part": "test", "set": "a", "data": "d", "settings": "s", "package": "p"}


@pytest.fixture
def folder(tmp_path):
    """Make a folder with a set of classes and a set of forecasts."""
    rng = np.random.RandomState(0)
    lengths = rng.randint(10, 14, 30)
    y = np.arange(30) % 2
    values = rng.normal(2 * np.repeat(y, lengths)[:, None], 1, (lengths.sum(), 2))
    path = tmp_path / "sets"
    path.mkdir()
    np.savez(path / "signs.npz", values=values, lengths=lengths, n_train=20, y=y)
    series = np.sin(np.arange(52) / 2)
    lagged = np.concatenate([series[i : i + 12] for i in range(40)])[:, None]
    np.savez(path / "wave.npz", values=lagged, lengths=np.full(40, 12), n_train=30, y=series[12:52])
    return path


def call(folder, tmp_path, *arguments):
    """Run the leaderboard on the folder, and return the rows of its record."""
    record = tmp_path / "record.jsonl"
    run.main(["--data", str(folder), "--record", str(record), *arguments])
    return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]


QUICK = ("skrnn, untouched", "constant", "last value", "ridge on lags", "1-NN DTW")


def test_scores_are_recorded_and_tabulated(folder, tmp_path, capsys):
    page = tmp_path / "page.md"
    arguments = ["--only", "signs", "wave", *QUICK, "--seeds", "2", "--markdown", str(page)]
    rows = call(folder, tmp_path, *arguments)
    found = {(row["set"], row["estimator"], row["seed"]): row for row in rows}
    assert {seed for name, estimator, seed in found if estimator == "skrnn, untouched"} == {0, 1}
    assert {seed for name, estimator, seed in found if estimator == "constant"} == {0}
    assert found["signs", "1-NN DTW", 0]["score"] > found["signs", "constant", 0]["score"] + 0.2
    assert found["wave", "ridge on lags", 0]["score"] < 1e-2
    assert all(row["commit"] and "numpy" in row["machine"] for row in rows)
    text = page.read_text(encoding="utf-8")
    best = next(line for line in text.splitlines() if line.startswith("| ridge on lags"))
    assert "**" in best
    assert "| 1.0 (1) | 1 |" in best
    assert "± " in next(line for line in text.splitlines() if line.startswith("| skrnn, untouched"))
    assert "wave (RMSE)" in capsys.readouterr().out


def test_a_second_run_measures_only_what_is_missing(folder, tmp_path, capsys):
    arguments = ["--only", "signs", "constant", "1-NN DTW", "--seeds", "1"]
    first = call(folder, tmp_path, *arguments)
    record = tmp_path / "record.jsonl"
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    record.write_text("".join(lines[:1]), encoding="utf-8")
    second = call(folder, tmp_path, *arguments)
    assert [row["estimator"] for row in second] == [row["estimator"] for row in first]
    assert second[0] == first[0]
    capsys.readouterr()
    assert call(folder, tmp_path, *arguments) == second
    assert "seed 0:" not in capsys.readouterr().out


def test_a_skipped_estimator_is_scored_once_its_package_is_there(folder, tmp_path, monkeypatch):
    arguments = ["--only", "signs", "constant", "--seeds", "1"]
    with monkeypatch.context() as patch:
        patch.setattr("benchmarks.leaderboard.entries.find_spec", lambda name: None)
        assert "skipped" in call(folder, tmp_path, *arguments)[-1]
        assert len(call(folder, tmp_path, *arguments)) == 1
    assert "score" in call(folder, tmp_path, *arguments)[-1]
    (row,) = Record(tmp_path / "record.jsonl")
    assert "score" in row


def test_changed_data_are_measured_again(folder, tmp_path):
    arguments = ["--only", "signs", "constant", "--seeds", "1"]
    call(folder, tmp_path, *arguments)
    with np.load(folder / "signs.npz") as file:
        data = dict(file)
    data["values"][0, 0] += 1
    np.savez(folder / "signs.npz", **data)
    assert len(call(folder, tmp_path, *arguments)) == 2


def test_an_unknown_name_is_refused(folder, tmp_path):
    with pytest.raises(ValueError, match=r"--only got \['sings'\]; known are vowels, italy"):
        call(folder, tmp_path, "--only", "sings")


def test_absent_packages_are_reported(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.leaderboard.entries.find_spec", lambda name: None)
    page = tmp_path / "page.md"
    arguments = ["--only", "signs", "MiniRocket", "--seeds", "1", "--markdown", str(page)]
    (row,) = call(folder, tmp_path, *arguments)
    assert row["skipped"] == "aeon is not installed"
    text = page.read_text(encoding="utf-8")
    assert "| MiniRocket | – | – | 0 |" in text
    assert "- MiniRocket (signs): aeon is not installed" in text


def test_absent_sets_are_reported(monkeypatch):
    monkeypatch.setattr("benchmarks.leaderboard.data.find_spec", lambda name: None)
    assert packaged({"gunpoint", "watch"}) == ([], {"gunpoint": "aeon", "watch": "seglearn"})


class Forbidden:
    """Stands for test data; every use except asking for its length is an error."""

    def __len__(self):
        return 10

    def __getattr__(self, name):
        raise AssertionError(f"the test part was used: {name}")

    __iter__ = __getitem__ = __array__ = lambda self, *given: self.used


class Probe:
    """Estimator that keeps all sequences it is given."""

    seen: list = []

    def __init__(self, **parameters):
        self.parameters = parameters

    def __repr__(self, **options):
        return f"Probe({self.parameters})"

    def fit(self, X, y):
        """Keep the training sequences."""
        self.seen.extend(X)
        return self

    def predict(self, X):
        """Keep the sequences and predict 0."""
        self.seen.extend(X)
        return np.zeros(len(X), dtype=int)


def test_tuning_never_uses_the_test_part(folder, tmp_path, monkeypatch):
    (data,) = read_folder(folder, {"signs"})
    training = {x.tobytes() for x in data.X}
    hidden = DataSet("signs", CLASSES, data.X, data.y, Forbidden(), Forbidden())
    monkeypatch.setattr(run, "find_sets", lambda options: ([hidden], {}))
    monkeypatch.setattr(evaluate, "make_network", lambda data, **given: Probe(**given))
    monkeypatch.setattr(Probe, "seen", [])
    rows = call(folder, tmp_path, "--tune", "--seeds", "1")
    assert {row["part"] for row in rows} == {"training"}
    assert {row["estimator"] for row in rows} == set(candidates_for(CLASSES))
    assert {x.tobytes() for x in Probe.seen} == training


def test_tuning_refuses_a_set_with_its_test_part(folder, tmp_path):
    (data,) = read_folder(folder, {"signs"})
    record = Record(tmp_path / "record.jsonl")
    with pytest.raises(ValueError, match="signs has a test part"):
        evaluate.score_candidate(data, "default", 0, 3, record)


def test_tuning_prints_ranks_and_regrets(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.leaderboard.networks.CANDIDATES", FEW)
    arguments = ["--tune", "--seeds", "1", "--at-most", "12", "--only", "signs", "wave"]
    rows = call(folder, tmp_path, *arguments)
    assert [row["sequences"] for row in rows] == [8] * 4
    assert len(call(folder, tmp_path, *arguments)) == 4
    assert "mean regret" in capsys.readouterr().out


def test_candidates_fit_the_kind_of_target():
    assert "no skip connection" not in candidates_for(CLASSES)
    assert "skip_connection" not in candidates_for(CLASSES)["0.1.0"]
    assert "max" not in candidates_for(STEP_NUMBERS)
    assert set(candidates_for(NUMBERS)) == set(CANDIDATES)


def test_every_entry_fits_and_predicts(folder):
    for data in read_folder(folder):
        for entry in ENTRIES:
            if not entry.is_for(data) or entry.why_not(data) or entry.needs in ("aeon", "torch"):
                continue
            row = evaluate.measure([(data, data.X_test, data.y_test)], quick(entry))
            assert np.isfinite(row["score"]), (entry.name, row)


def quick(entry):
    """Return a function that makes an estimator with few iterations."""

    def make(data):
        estimator = entry.make(data, 0)
        few = {name: 3 for name in estimator.get_params() if name.endswith("max_iter")}
        return estimator.set_params(**few)

    return make


def with_static(n_missing):
    """Return short sequences whose class is their static column, some of them with gaps."""
    rng, lengths = np.random.RandomState(0), [3, 4] * 10
    values = rng.normal(size=(70, 2))
    values[:n_missing] = np.nan
    y = np.arange(20) % 4 // 2
    static = np.where(np.arange(20) < 2, np.nan, y)[:, None]
    return DataSet("static", CLASSES, Sequences(values, lengths, static=static), y)


def test_static_columns_are_static_features_of_networks():
    data = with_static(n_missing=0)
    untouched = make_network(data, random_state=0).fit(data.X, data.y)[-1]
    recommended = make_recommended(data, 0).fit(data.X, data.y)[-1].named_estimators_
    for network, n_features in [
        (untouched, 2), (recommended["steps"], 2), (recommended["pairs"][-1], 4),
    ]:  # fmt: skip
        assert (network.n_features_in_, network.n_static_features_) == (n_features, 1)
    assert evaluate.measure([(data, data.X, data.y)], make_network)["score"] > 0.9


def test_static_columns_stand_once_beside_fixed_features():
    data = with_static(n_missing=0)
    assert Flat().fit(data.X).transform(data.X).shape == (20, 4 * 2 + 1)
    assert summarize(data.X).shape == (20, 6 * 2 + 1)
    np.testing.assert_array_equal(summarize(data.X)[:, -1:], data.static)
    assert channels(data.X, 4).shape == (20, 3, 4)


def test_recommended_preparation_of_gaps():
    some, most = with_static(n_missing=10), with_static(n_missing=50)
    assert (some.mostly_missing, most.mostly_missing) == (False, True)
    assert prepare_as_recommended(some).fit_transform(some.X).n_features == 2
    filled = prepare_as_recommended(most).fit_transform(most.X)
    assert (filled.n_features, filled.static.shape) == (6, (20, 1))
    assert not np.isnan(filled.static).any()
    network = make_recommended(most, 0).estimator[-1]
    assert (network.cell, network.dropout) == ("gru_d", 0.5)
    assert make_recommended(some, 0)[-1].estimators[0][1].cell == "gru"
    assert np.isfinite(quick_score(most))


def quick_score(data):
    """Score the recommended estimator with few iterations."""
    (entry,) = (entry for entry in ENTRIES if entry.name == "skrnn, recommended")
    return evaluate.measure([(data, data.X, data.y)], quick(entry))["score"]


@pytest.mark.parametrize("kind", [STEP_CLASSES, STEP_NUMBERS])
def test_the_network_of_steps_in_pytorch(kind):
    pytest.importorskip("torch")
    X = with_static(n_missing=0).X.without_static()
    y = ragged([x[:, 0] > 0 if kind == STEP_CLASSES else 3 + x[:, 0] for x in X])
    data = DataSet("steps", kind, X, y)
    (entry,) = (entry for entry in ENTRIES if entry.name == "PyTorch GRU")
    estimator = entry.make(data, 0)
    names = [name for name in estimator.get_params() if name.endswith("rate")]
    estimator.set_params(**dict.fromkeys(names, 0.01)).fit(X, y)
    score = data.score(estimator, X, y)
    assert score > 0.9 if kind == STEP_CLASSES else score < 0.3


@pytest.mark.parametrize("kind", [CLASSES, NUMBERS])
def test_the_network_in_pytorch(folder, kind):
    pytest.importorskip("torch")
    (data,) = (data for data in read_folder(folder) if data.kind == kind)
    (entry,) = (entry for entry in ENTRIES if entry.needs == "torch")
    name = {CLASSES: "torchgru", NUMBERS: "regressor__torchgru"}[kind]
    few = {f"{name}__n_epochs": 20, f"{name}__rate": 0.01}
    estimator = entry.make(data, 0).set_params(**few)
    score = data.score(estimator.fit(data.X, data.y), data.X_test, data.y_test)
    assert score >= 0.8 if kind == CLASSES else score < 0.5


def test_texts_and_words(tmp_path):
    rows = [["part", "name", "language"]]
    rows += [[part, name, name[0]] for part in ("train", "test") for name in ("ab", "ba")] * 3
    with gzip.open(tmp_path / "names.csv.gz", "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    sentences = [["train", ["a", "dog"], ["D", "N"]]] * 4 + [["test", ["a", "cat"], ["D", "N"]]]
    with gzip.open(tmp_path / "tags.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(map(json.dumps, sentences)))
    names, tags = read_folder(tmp_path)
    assert (names.kind, names.X[0], names.metric) == (CLASSES, ["a", "b"], "accuracy")
    assert (tags.kind, len(tags.X), len(tags.X_test)) == (STEP_CLASSES, 4, 1)
    for data in (names, tags):
        fitting = [entry for entry in ENTRIES if entry.is_for(data)]
        names_of = {entry.name for entry in fitting}
        baselines = {"character n-grams"} if data is names else {"words and neighbours", "CRFsuite"}
        ours = {"skrnn, untouched", "skrnn, recommended"}
        assert names_of == {*ours, "PyTorch GRU", *baselines}
        for entry in fitting:
            if entry.why_not(data):
                continue
            row = evaluate.measure([(data, data.X_test, data.y_test)], quick(entry))
            assert 0 <= row["score"] <= 1, row


def test_targets_of_steps_groups_and_static_columns(tmp_path):
    lengths, rng = np.array([3, 4, 5, 6]), np.random.RandomState(0)
    values = rng.normal(size=(18, 1))
    np.savez(
        tmp_path / "steps.npz", values=values, lengths=lengths, n_train=3, y=values[:, 0],
        static=np.arange(4.0)[:, None], groups=np.array([0, 0, 1, 2]),
    )  # fmt: skip
    (data,) = read_folder(tmp_path)
    assert (data.kind, data.metric) == (STEP_NUMBERS, "RMSE at the last step")
    np.testing.assert_array_equal(data.static, [[0], [1], [2]])
    np.testing.assert_array_equal(as_arrays(data.X)[1], np.insert(data.X[1], 1, 1, axis=1))
    other = DataSet("steps", STEP_NUMBERS, data.X.with_static(data.static + 1), data.y)
    assert other.fingerprint != DataSet("steps", STEP_NUMBERS, data.X, data.y).fingerprint
    assert sorted(len(X) for _, X, _ in data.folds(2)) == [1, 2]
    last = OnWindows(LastValue(), 2).fit(data.X, data.y)
    assert data.score(last, data.X_test, data.y_test) == 0


def test_scores():
    X = ragged([np.zeros((2, 1))] * 8)
    assert DataSet("rare", CLASSES, X, np.array([1] + [0] * 7)).metric == "AUROC"
    assert DataSet("even", CLASSES, X, np.array([1, 0] * 4)).metric == "accuracy"
    data = DataSet("numbers", NUMBERS, X, np.zeros((8, 2)))
    model = LastValue().fit(X, data.y)
    assert data.score(model, X, np.tile([3.0, 1.0], (8, 1))) == pytest.approx(np.sqrt(5))


def test_folds_of_numbers_are_blocks_of_time():
    data = windows(np.arange(12.0), 3, 9, "line")
    assert [list(y) for _, _, y in data.folds(3)] == [[3, 4, 5], [6, 7, 8], [9, 10, 11]]


def test_features_of_sequences():
    X = [np.array([[1.0], [2.0], [3.0]]), np.array([[4.0]])]
    np.testing.assert_array_equal(Flat().fit(X).transform(X), [[1, 2, 3], [0, 0, 4]])
    np.testing.assert_array_equal(Flat(2).fit(X).transform(X), [[2, 3], [0, 4]])
    np.testing.assert_array_equal(channels(X, 2), [[[1, 2]], [[4, 0]]])
    np.testing.assert_allclose(summarize(X)[0], [2, np.sqrt(2 / 3), 1, 3, 1, 3])
    gaps = np.array([[np.nan, np.nan], [1, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(fill_forward([gaps])[0], [[1, 0]] * 3)


def test_last_and_seasonal_values():
    period = np.tile([0.0, 1, 2, 3], 6)
    X = ragged([np.column_stack([np.zeros(8), period[i : i + 8]]) for i in range(10)])
    next_two = np.array([period[i + 8 : i + 10] for i in range(10)])
    seasonal = SeasonalValue().fit(X, next_two)
    assert (seasonal.column_, seasonal.period_) == (1, 4)
    np.testing.assert_array_equal(seasonal.predict(X), next_two)
    np.testing.assert_array_equal(SeasonalValue().fit(X, next_two[:, 0]).predict(X), next_two[:, 0])
    last = np.array([x[-1, 1] for x in X])
    np.testing.assert_array_equal(LastValue().fit(X, last + 0.1).predict(X), last)


def test_warping_distances():
    rng = np.random.RandomState(0)
    A, B = ([rng.normal(size=(n, 2)) for n in lengths] for lengths in ((3, 5), (4, 1, 6)))

    def distance(a, b):
        table = np.full((len(a) + 1, len(b) + 1), np.inf)
        table[0, 0] = 0
        for i, j in np.ndindex(len(a), len(b)):
            before = min(table[i, j], table[i, j + 1], table[i + 1, j])
            table[i + 1, j + 1] = np.sum((a[i] - b[j]) ** 2) + before
        return table[-1, -1]

    expected = [[distance(a, b) for b in B] for a in A]
    np.testing.assert_allclose(warping_distances(A, B), expected)
    assert list(WarpingNeighbour().fit(B, ["x", "y", "z"]).predict(B)) == ["x", "y", "z"]


def test_files_of_aeon_are_read(tmp_path):
    path = tmp_path / "file.ts"
    path.write_text("# note\n@classLabel true\n@data\n1,2,3:4,5,6:up\n7,8:9,10:down\n")
    X, y = read_ts(path, numbers=False)
    np.testing.assert_array_equal(X[1], [[7, 9], [8, 10]])
    assert list(y) == ["up", "down"]


def test_ranks_regrets_and_settings():
    sets = [DataSet("a", NUMBERS, [], []), DataSet("b", STEP_CLASSES, [], [])]
    scores = np.array([[2.0, 0.9], [1.0, 0.7], [np.nan, 0.9]])
    np.testing.assert_array_equal(ranks(scores, sets), [[2, 1.5], [1, 3], [np.nan, 1.5]])
    np.testing.assert_allclose(regrets(scores, sets), [[1, 0], [0, 0.2], [np.nan, 0]], atol=1e-15)
    rows = [KEY | {"estimator": "e", "seed": 0, "score": 1.0}]
    rows += [KEY | {"estimator": "e", "seed": 1, "score": 3.0, "settings": "other"}]
    assert settings_tried(rows, sets)["e"] == 2
    assert current(rows, "test", sets) == {("e", "a"): rows[1:]}


def test_a_network_for_every_kind_of_data():
    X = ragged([np.array([[np.nan], [1.0], [2.0]]), np.array([[3.0], [4.0]])] * 10)
    of_steps = ragged([x[:, 0] > 2 for x in X])
    targets = {
        CLASSES: np.array(["a", "b"] * 10),
        NUMBERS: np.arange(20.0),
        STEP_CLASSES: of_steps,
        STEP_NUMBERS: ragged([y.astype(float) for y in of_steps]),
    }
    for kind, y in targets.items():
        data = DataSet("any", kind, X, y)
        row = evaluate.measure([(data, X, y)], lambda data: make_network(data, max_iter=2))
        assert np.isfinite(row["score"]), row
