"""Displays of losses and hidden states, and animations of training."""

import re
import sys
import warnings

import matplotlib
import matplotlib.figure
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_extraction import DictVectorizer
from sklearn.impute import SimpleImputer
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skrnn import (
    EnsembleClassifier,
    PerStep,
    SequencePadder,
    SequenceRNNClassifier,
    SequenceRNNRegressor,
    Sequences,
    StepRNNClassifier,
    StepRNNRegressor,
    TableTransformer,
    XORMLPClassifier,
    as_sequences,
)
from skrnn.datasets import make_parity, make_shift, make_xor
from skrnn.inspection import (
    HiddenStateDisplay,
    LossCurveDisplay,
    occlusion_importance,
    training_animation,
)

Image = pytest.importorskip("PIL.Image")

X_XOR, Y_XOR = make_xor()
X, Y = make_parity(60, max_length=6, random_state=0)
RNG = np.random.RandomState(0)
WIDE = [RNG.randn(n, 5) for n in RNG.randint(3, 9, 30)]
WIDE_Y = RNG.randint(4, size=30)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def rnn():
    return SequenceRNNClassifier(6, early_stopping=True, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def wide():
    model = SequenceRNNClassifier(7, learning_rate="cosine", max_iter=5, random_state=0)
    return make_pipeline(PerStep(StandardScaler()), model).fit(WIDE, WIDE_Y)


# Losses ----------------------------------------------------------------------------------


def test_losses_of_one_estimator(rnn):
    display = LossCurveDisplay.from_estimator(rnn)
    (training,), (validation,) = display.training_losses, display.validation_losses
    assert_array_equal(training, rnn.loss_curve_)
    assert_array_equal(validation, rnn.validation_loss_curve_)
    (line,), (broken,) = display.lines_, display.validation_lines_
    assert_array_equal(line.get_xdata(), np.arange(1, rnn.n_iter_ + 1))
    assert_array_equal(line.get_ydata(), rnn.loss_curve_)
    assert_array_equal(broken.get_ydata(), rnn.validation_loss_curve_)
    assert broken.get_color() == line.get_color()
    assert broken.get_linestyle() == "--"
    assert display.ax_.get_xlabel() == "epoch"
    assert display.ax_.get_ylabel() == "loss"
    assert display.figure_ is display.ax_.figure
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["training", "validation"]


def test_losses_of_several_estimators(rnn):
    other = clone(rnn).set_params(early_stopping=False, cell="rnn", learning_rate="cosine")
    other.set_params(max_iter=7).fit(X, Y)
    display = LossCurveDisplay.from_estimator({"GRU": rnn, "Elman": other})
    assert display.names == ["GRU", "Elman"]
    assert display.validation_losses[1] is None
    assert display.validation_lines_[1] is None
    assert len({line.get_color() for line in display.lines_}) == 2
    labels = [line.get_label() for line in display.ax_.get_lines()]
    assert labels == ["GRU, training", "GRU, validation", "Elman, training"]

    listed = LossCurveDisplay.from_estimator([rnn, other], name=["a", "b"], ax=display.ax_)
    assert listed.ax_ is display.ax_
    assert len(display.ax_.get_lines()) == 6
    unnamed = LossCurveDisplay.from_estimator([rnn, other, XORMLPClassifier().fit(X_XOR, Y_XOR)])
    assert unnamed.names == [
        "SequenceRNNClassifier 1", "SequenceRNNClassifier 2", "XORMLPClassifier",
    ]  # fmt: skip


def test_losses_are_plotted_again_without_the_estimator(rnn):
    display = LossCurveDisplay.from_estimator(rnn)
    again = LossCurveDisplay(
        training_losses=display.training_losses, validation_losses=[None], names=["alone"]
    )
    figure, ax = plt.subplots()
    assert again.plot(ax=ax, curve_kwargs={"color": "red", "linestyle": ":"}) is again
    assert again.ax_ is ax
    assert again.figure_ is figure
    assert again.lines_[0].get_color() == "red"
    assert again.lines_[0].get_label() == "alone"


def test_losses_of_pipelines_searches_and_other_perceptrons(rnn):
    model = SequenceRNNClassifier(4, learning_rate="cosine", max_iter=3, random_state=0)
    pipeline = make_pipeline(PerStep(StandardScaler()), model)
    search = GridSearchCV(pipeline, {"sequencernnclassifier__cell": ["rnn"]}, cv=2).fit(X, Y)
    display = LossCurveDisplay.from_estimator(search)
    assert_array_equal(display.training_losses[0], search.best_estimator_[-1].loss_curve_)
    theirs = MLPClassifier(max_iter=200, tol=1, random_state=0).fit(X_XOR, Y_XOR)
    display = LossCurveDisplay.from_estimator(theirs, name="theirs")
    assert display.lines_[0].get_label() == "theirs"
    assert_array_equal(display.training_losses[0], theirs.loss_curve_)


def test_loss_curves_errors(rnn):
    draw = LossCurveDisplay.from_estimator
    with pytest.raises(NotFittedError, match="This SequenceRNNClassifier instance is not fitted"):
        draw([rnn, SequenceRNNClassifier()])
    with pytest.raises(
        TypeError, match=r"LogisticRegression has no loss_curve_\. Pass a neural network"
    ):
        draw(LogisticRegression().fit(X_XOR, Y_XOR))
    with pytest.raises(ValueError, match="There is no estimator to plot the losses of"):
        draw([])
    with pytest.raises(ValueError, match=r"name=\['a'\] was passed for 2 estimators"):
        draw([rnn, rnn], name=["a"])
    with pytest.raises(ValueError, match="name='b' was passed with a dict, whose keys are"):
        draw({"a": rnn}, name="b")
    with pytest.raises(ValueError, match="curve_kwargs holds 1 dicts for 2 estimators"):
        draw([rnn, rnn], curve_kwargs=[{}])


# Hidden states ---------------------------------------------------------------------------


def test_states_of_a_step_classifier():
    X, y = make_shift(50, random_state=0)
    clf = StepRNNClassifier(5, learning_rate="cosine", max_iter=20, random_state=0).fit(X, y)
    bits = [0, 1, 1, 0]
    display = HiddenStateDisplay.from_estimator(clf, bits)
    assert_array_equal(display.inputs[:, 0], bits)
    assert_array_equal(display.states, clf.hidden_states([bits])[0])
    assert_array_equal(display.predictions[:, 0], clf.predict_proba([bits])[0][:, 1])
    assert display.output_names == ["1"]

    top, middle, bottom = display.axes_
    assert display.ax_ is middle
    assert display.figure_ is middle.figure
    assert display.bounding_ax_ is None
    assert_array_equal(display.image_.get_array(), display.states.T)
    assert_array_equal(top.get_lines()[0].get_ydata(), bits)
    assert_array_equal(bottom.get_lines()[0].get_ydata(), display.predictions[:, 0])
    assert top.get_ylabel() == "input"
    assert middle.get_ylabel() == "hidden unit"
    assert bottom.get_ylabel() == "probability\nof 1"
    assert bottom.get_xlabel() == "step"
    assert {ax.get_xlim() for ax in display.axes_} == {(-0.5, 3.5)}
    top.set_xlim(0, 2)
    assert bottom.get_xlim() == (0, 2)  # one time axis


def test_states_of_a_sequence_classifier_in_a_pipeline(wide):
    display = HiddenStateDisplay.from_estimator(wide, WIDE[0], feature_names=list("abcde"))
    scaled = wide[0].transform(WIDE[:1])[0]
    assert_allclose(display.inputs, scaled)
    assert_array_equal(display.states, wide[-1].hidden_states([scaled])[0])
    so_far = [wide.predict_proba([WIDE[0][: n + 1]])[0] for n in range(len(WIDE[0]))]
    assert_allclose(display.predictions, so_far, atol=1e-12)
    assert display.output_names == ["0", "1", "2", "3"]
    top, middle, bottom = display.axes_
    assert [text.get_text() for text in top.get_yticklabels()] == list("abcde")
    assert_array_equal(bottom.images[0].get_array(), display.predictions.T)
    assert bottom.images[0].get_clim() == (0, 1)
    low, high = middle.images[0].get_clim()
    assert low == -high == -np.abs(display.states).max()


def test_states_of_a_pipeline_with_encoding_and_padding():
    words = [list("abca"), list("bc"), list("cabb"), list("aa")]
    encoder = PerStep(OneHotEncoder(sparse_output=False))
    model = SequenceRNNRegressor(4, bidirectional=False, max_iter=3, random_state=0)
    pipeline = make_pipeline(encoder, SequencePadder(n_steps=6), model).fit(words, [1, 2, 3, 4])
    display = HiddenStateDisplay.from_estimator(pipeline, list("cab"))
    assert_array_equal(display.inputs, [[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    assert display.states.shape == (3, 4)
    assert_allclose(display.predictions[-1, 0], pipeline.predict([list("cab")])[0])
    assert display.axes_[-1].get_ylabel() == "prediction"


def test_states_of_flat_rows_and_of_regressors():
    flat = np.array([x[:3].ravel() for x in WIDE])
    clf = SequenceRNNClassifier(
        4, step_features=5, bidirectional=True, learning_rate="cosine", max_iter=2, random_state=0
    ).fit(flat, WIDE_Y)
    display = HiddenStateDisplay.from_estimator(clf, flat[0])
    assert_array_equal(display.inputs, WIDE[0][:3])
    assert display.states.shape == (3, 8)
    assert_allclose(display.predictions[-1], clf.predict_proba(flat[:1])[0])

    reg = StepRNNRegressor(4, learning_rate="cosine", max_iter=2, random_state=0)
    reg.fit(WIDE, [x[:, :2] for x in WIDE])
    display = HiddenStateDisplay.from_estimator(reg, WIDE[0])
    assert_array_equal(display.predictions, reg.predict(WIDE[:1])[0])
    assert display.output_names == ["0", "1"]
    assert len(display.axes_[-1].get_lines()) == 2


def test_states_that_are_never_negative_start_at_white():
    X, y = make_shift(20, random_state=0)
    clf = StepRNNClassifier(3, cell="rnn", activation="logistic", learning_rate="cosine")
    clf.set_params(max_iter=2, random_state=0).fit(X, y)
    display = HiddenStateDisplay.from_estimator(clf, [0, 1, 1])
    assert display.image_.get_clim() == (0, display.states.max())


def test_states_on_given_axes(wide):
    _, axes = plt.subplots(1, 2)
    display = HiddenStateDisplay.from_estimator(wide, WIDE[0], ax=axes[1])
    assert display.bounding_ax_ is axes[1]
    assert not axes[1].axison
    left, right = axes[1].get_position().x0, axes[1].get_position().x1
    for ax in display.axes_:
        assert ax.figure is axes[1].figure
        assert left - 0.01 < ax.get_position().x0 < ax.get_position().x1 < right + 0.01
    _, three = plt.subplots(3, 1)
    assert_array_equal(display.plot(ax=three).axes_, three)
    with pytest.raises(ValueError, match=r"ax holds 2 axes\. Pass 3 axes, or a single one"):
        display.plot(ax=axes)


def test_hidden_states_errors(wide):
    draw = HiddenStateDisplay.from_estimator
    with pytest.raises(NotFittedError, match="This Pipeline instance is not fitted"):
        draw(clone(wide), WIDE[0])
    with pytest.raises(TypeError, match=r"MLPClassifier has no hidden states over time\. Pass"):
        draw(MLPClassifier(tol=1, random_state=0).fit(X_XOR, Y_XOR), [0, 1])
    with pytest.raises(ValueError, match="X has 4 features per step, but PerStep is expecting 5"):
        draw(wide, WIDE[0][:, :4])
    with pytest.raises(
        ValueError, match="X has 4 features per step, but SequenceRNNClassifier is expecting 5"
    ):
        draw(wide[-1], WIDE[0][:, :4])
    with pytest.raises(ValueError, match="feature_names holds 2 names for 5 features"):
        draw(wide, WIDE[0], feature_names=["a", "b"])


# Decision boundaries by scikit-learn --------------------------------------------


def test_decision_boundary_of_scikit_learn():
    clf = XORMLPClassifier(random_state=0).fit(X_XOR, Y_XOR)
    display = DecisionBoundaryDisplay.from_estimator(
        clf, X_XOR, eps=0.5, grid_resolution=41, response_method="predict_proba",
        class_of_interest=1,
    )  # fmt: skip
    plane = np.stack([display.xx0.ravel(), display.xx1.ravel()], axis=1)
    assert_allclose(display.response.ravel(), clf.predict_proba(plane)[:, 1], atol=1e-12)
    at = {(x, y): p for (x, y), p in zip(plane.round(6), display.response.ravel(), strict=True)}
    assert [round(at[tuple(corner)]) for corner in X_XOR] == Y_XOR.tolist()
    for method in ("predict", "decision_function", "auto"):
        DecisionBoundaryDisplay.from_estimator(clf, X_XOR, response_method=method)


# Animations -----------------------------------------------------------------------------------


def animate(classifier, path, X=X_XOR, y=Y_XOR, **parameters):
    """Make a small animation, and check the file."""
    before = classifier.get_params()
    made = training_animation(
        classifier, X, y, path, **{"max_frames": 6, "grid_resolution": 10, **parameters}
    )
    assert repr(classifier.get_params()) == repr(before)
    assert not hasattr(classifier, "n_features_in_")  # a copy was trained
    assert len(made.iterations) == len(made.losses) <= 6
    with Image.open(path) as gif:
        assert gif.format == "GIF"
        assert 1 <= gif.n_frames <= len(made.iterations)  # equal frames may be merged
        assert gif.info["loop"] == 0
    return made


def test_animation_of_one_fit(tmp_path):
    clf = XORMLPClassifier(4, solver="sgd", learning_rate="cosine", max_iter=50, random_state=0)
    clf.set_params(solver="adam", learning_rate_init=0.1, n_iter_no_change=50)
    made = animate(clf, tmp_path / "animation.gif")
    assert_array_equal(made.iterations, [1, 16, 32, 48, 50])
    fitted = clone(clf).fit(X_XOR, Y_XOR)
    for ours, theirs in zip(made.estimator.coefs_, fitted.coefs_, strict=True):
        assert_array_equal(ours, theirs)  # recording does not change the fit
    assert_allclose(made.losses[-1], log_loss(Y_XOR, fitted.predict_proba(X_XOR)))
    assert made.losses[-1] < made.losses[0]
    assert made._repr_html_().startswith('<img src="data:image/gif;base64,R0lG')


def test_animation_ends_after_n_iter(tmp_path):
    clf = XORMLPClassifier(4, solver="lbfgs", max_iter=50, n_init=1, random_state=0)
    made = animate(clf, tmp_path / "animation.gif", n_iter=5)
    assert_array_equal(made.iterations, [1, 2, 3, 4, 5])
    assert made.estimator.n_iter_ == 5


def test_animation_keeps_other_callbacks(tmp_path):
    class Count:
        epochs = 0

        def setup(self, estimator, context): ...
        def teardown(self, estimator, context): ...
        def on_fit_task_begin(self, estimator, context): ...
        def on_fit_task_end(self, estimator, context):
            Count.epochs += context.task_name == "epoch"

    clf = XORMLPClassifier(4, random_state=0).set_callbacks(Count())
    made = animate(clf, tmp_path / "animation.gif", n_iter=4)
    assert Count.epochs == made.iterations[-1] == 4


@pytest.mark.parametrize(
    ("classifier", "n_iterations"),
    [
        (MLPClassifier(5, max_iter=12, random_state=0), 12),  # partial_fit
        (LogisticRegression(max_iter=7), 7),  # warm start, max_iter of 1
        (GradientBoostingClassifier(n_estimators=6), 6),  # warm start, one more tree
        (HistGradientBoostingClassifier(max_iter=6, min_samples_leaf=1), 6),
    ],
    ids=lambda value: type(value).__name__,
)
def test_animation_of_classifiers_of_scikit_learn(classifier, n_iterations, tmp_path):
    X = np.repeat(X_XOR, 10, axis=0) + RNG.normal(0, 0.1, (40, 2))
    y = np.repeat([0, 0, 1, 1], 10)
    made = animate(classifier, tmp_path / "animation.gif", X, y)
    assert made.iterations[-1] == n_iterations
    assert made.losses[-1] < made.losses[0]


def test_animation_of_partial_fit_has_the_result_of_partial_fit(tmp_path):
    made = animate(MLPClassifier(5, random_state=0), tmp_path / "animation.gif", n_iter=8)
    by_hand = MLPClassifier(5, random_state=0)
    for _ in range(8):
        by_hand.partial_fit(X_XOR, Y_XOR, classes=[0, 1])
    assert_array_equal(made.estimator.predict_proba(X_XOR), by_hand.predict_proba(X_XOR))


def test_animation_without_probabilities_shows_the_share_of_errors(tmp_path, monkeypatch):
    titles = []
    real = matplotlib.axes.Axes.set_title
    monkeypatch.setattr(
        matplotlib.axes.Axes, "set_title",
        lambda ax, title, **kwargs: titles.append(title) or real(ax, title, **kwargs),
    )  # fmt: skip
    y = np.array(["no", "yes", "yes", "yes"])
    made = animate(Perceptron(random_state=0), tmp_path / "animation.gif", y=y, n_iter=3)
    assert titles[-1] == f"Iteration 3, share of errors {made.losses[-1]:.3f}"
    titles.clear()
    made = animate(XORMLPClassifier(4, random_state=0), tmp_path / "animation.gif", n_iter=3)
    assert titles[-1] == f"Iteration 3, loss {made.losses[-1]:.3f}"


def test_animation_of_pipelines_of_three_classes_and_of_sequences(tmp_path):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(RNG.randn(30, 2), columns=["height", "width"])
    y = np.array(["a", "b", "c"])[X["height"].argsort() % 3]
    pipeline = make_pipeline(StandardScaler(), XORMLPClassifier(4, solver="adam", random_state=0))
    made = animate(pipeline, tmp_path / "animation.gif", X, y, n_iter=3)
    assert isinstance(made.estimator, Pipeline)
    assert_allclose(made.losses[-1], log_loss(y, made.estimator.predict_proba(X)))
    rnn = SequenceRNNClassifier(4, random_state=0)  # two steps of one feature
    assert animate(rnn, tmp_path / "animation.gif", n_iter=3).iterations[-1] == 3


def test_animation_errors(tmp_path):
    path = tmp_path / "animation.gif"
    clf = XORMLPClassifier(4, random_state=0)
    with pytest.raises(ValueError, match="X has 3 features, but a plane needs exactly 2"):
        training_animation(clf, np.ones((4, 3)), Y_XOR, path)
    with pytest.raises(TypeError, match="needs a classifier, got KMeans"):
        training_animation(KMeans(2), X_XOR, Y_XOR, path)
    with pytest.raises(TypeError, match="KNeighborsClassifier cannot be trained iteration by"):
        training_animation(KNeighborsClassifier(1), X_XOR, Y_XOR, path)
    wrong = {
        "n_iter": (0, "an int in the range [1, inf) or None"),
        "max_frames": (1, "an int in the range [2, inf)"),
        "grid_resolution": (1.5, "an int in the range [2, inf)"),
        "frames_per_second": (0, "a float in the range (0.0, inf)"),
        "eps": (-1, "a float in the range [0.0, inf)"),
    }
    for name, (value, expected) in wrong.items():
        message = f"The '{name}' parameter of training_animation must be {expected}. Got {value}"
        with pytest.raises(ValueError, match=re.escape(message)):
            training_animation(clf, X_XOR, Y_XOR, path, **{name: value})
    assert not path.exists()


# Without Matplotlib -------------------------------------------------------------------


def test_missing_matplotlib_is_named(monkeypatch, tmp_path, rnn, wide):
    losses = LossCurveDisplay.from_estimator(rnn)
    states = HiddenStateDisplay.from_estimator(wide, WIDE[0])
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    calls = {
        "LossCurveDisplay.from_estimator": lambda: LossCurveDisplay.from_estimator(rnn),
        "LossCurveDisplay.plot": losses.plot,
        "HiddenStateDisplay.from_estimator": lambda: HiddenStateDisplay.from_estimator(wide, WIDE),
        "HiddenStateDisplay.plot": states.plot,
        "training_animation": lambda: training_animation(rnn, X_XOR, Y_XOR, tmp_path / "a.gif"),
    }
    for name, call in calls.items():
        with pytest.raises(ImportError, match=f"{name} requires matplotlib. You can install"):
            call()


def test_hidden_states_of_sparse_steps_and_of_frames():
    words = make_pipeline(PerStep(OneHotEncoder()), SequenceRNNClassifier(2, max_iter=2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        words.fit([list("ab"), list("b")], [0, 1])
        frames = [pd.DataFrame({"u": [1.0, 2.0]}), pd.DataFrame({"u": [3.0]})]
        named = SequenceRNNClassifier(2, max_iter=2).fit(frames, [0, 1])
    display = HiddenStateDisplay.from_estimator(words, list("aba"))
    assert_array_equal(display.inputs, [[1, 0], [0, 1], [1, 0]])
    # Without a warning that there are no names:
    display = HiddenStateDisplay.from_estimator(named, frames[0])
    assert_array_equal(display.states, named.hidden_states(frames[:1])[0])


# Static features ----------------------------------------------------------------

STATIC = RNG.normal(size=(len(WIDE), 2))
SEQUENCES = Sequences(np.vstack(WIDE), [len(x) for x in WIDE], static=STATIC)
FRAME = pd.DataFrame({"u": [x[:, 0] for x in WIDE], "age": STATIC[:, 0], "dose": STATIC[:, 1]})
KINDS = [SequenceRNNClassifier, SequenceRNNRegressor, StepRNNClassifier, StepRNNRegressor]


def fitted(kind, X):
    y = [np.arange(len(x)) % 3 for x in WIDE] if kind._per_step else WIDE_Y
    clf = kind(3, max_iter=2, batch_size=32, learning_rate="cosine", random_state=0).fit(X, y)
    for name in [name for name in clf.weights_ if name.startswith("initial")]:
        clf.weights_[name]["W"] += 1  # they are 0 before training
    return clf


@pytest.mark.parametrize("X", [SEQUENCES, FRAME], ids=["Sequences", "frame"])
@pytest.mark.parametrize("kind", KINDS)
def test_hidden_states_of_networks_with_static_features(kind, X):
    network = fitted(kind, X)
    display = HiddenStateDisplay.from_estimator(network, X[2:3])
    assert_array_equal(display.states, network.hidden_states(X)[2])
    predict = network.predict_proba if hasattr(network, "classes_") else network.predict
    expected = predict(X)[2] if kind._per_step else np.atleast_1d(predict(X)[2])
    last = expected[-1] if kind._per_step else expected
    assert_allclose(display.predictions[-1], last)
    with pytest.raises(ValueError, match=r"`sequence` holds 2 sequences\. Pass one, such as X"):
        HiddenStateDisplay.from_estimator(network, X[2:4])
    without = X[["u"]] if hasattr(X, "columns") else X.without_static()
    with pytest.raises(ValueError, match=r"X has no static features, but .*static=..."):
        HiddenStateDisplay.from_estimator(network, without[2:3])


def test_hidden_states_after_a_transformer_of_static_features():
    table = TableTransformer(StandardScaler(), static=StandardScaler()).fit(FRAME)
    network = fitted(SequenceRNNClassifier, table.transform(FRAME))
    pipeline = Pipeline([("table", table), ("network", network)])
    display = HiddenStateDisplay.from_estimator(pipeline, FRAME[2:3])
    assert_allclose(display.predictions[-1], pipeline.predict_proba(FRAME)[2])
    assert_allclose(display.inputs, table.transform(FRAME)[2])


def test_hidden_states_of_no_step():
    network = fitted(SequenceRNNClassifier, WIDE)
    with pytest.raises(ValueError, match="`sequence` has no step"):
        HiddenStateDisplay.from_estimator(network, np.empty((0, 5)))


def test_an_animation_of_sequences_is_refused(tmp_path):
    for X in (SEQUENCES, FRAME[["u", "age"]]):
        with pytest.raises(ValueError, match="needs a table of two features, but X holds sequence"):
            training_animation(SequenceRNNClassifier(), X, WIDE_Y, tmp_path / "x.gif")


@pytest.mark.parametrize("kind", KINDS[:2])
@pytest.mark.parametrize("X", [SEQUENCES, FRAME], ids=["Sequences", "frame"])
def test_occlusion_keeps_static_features(kind, X):
    network = fitted(kind, X)
    importance = occlusion_importance(network, X[:3], baseline=0.5)
    predict = network.predict_proba if kind is KINDS[0] else network.predict
    x = as_sequences(X[2:3])
    for t, of_step in enumerate(importance[2]):
        occluded = x.values.copy()
        occluded[t] = 0.5
        if hasattr(X, "columns"):
            after = predict(pd.DataFrame({"u": [occluded[:, 0]], **X.iloc[2][1:].to_dict()}))[0]
        else:
            after = predict(x.with_values(occluded))[0]
        before = predict(X[2:3])[0]
        change = np.abs(before - after) if kind is KINDS[1] else (before - after)[before.argmax()]
        assert_allclose(of_step, change, atol=1e-12)


@pytest.mark.parametrize("baseline", [None, "mean"])
def test_the_baseline_of_sparse_steps_is_their_mean(baseline):
    dense = np.round(np.random.RandomState(0).rand(10, 3)) * 2
    sparse = Sequences(csr_matrix(dense), [4, 6])
    network = SequenceRNNClassifier(2, max_iter=2, random_state=0).fit(sparse, [0, 1])
    given = sparse.values.mean(axis=0) if baseline else None  # a np.matrix
    found = occlusion_importance(network, sparse, baseline=given)
    expected = occlusion_importance(network, sparse, baseline=dense.mean(axis=0))
    for of_sequence, of_same in zip(found, expected, strict=True):
        assert_allclose(of_sequence, of_same, atol=1e-12)


NOT_YET_NUMBERS = [
    ([list("ab"), list("aba")], OneHotEncoder(), "X contains text, which is not a number"),
    ([[1.0, np.nan], [2.0, 3.0]], SimpleImputer(), "X contains NaN"),
    ([[{"a": 1}], [{"a": 2}, {"b": 1}]], DictVectorizer(), "X contains a dictionary"),
]


@pytest.mark.parametrize(("X", "transformer", "fault"), NOT_YET_NUMBERS)
@pytest.mark.parametrize("searched", [False, True])
def test_occlusion_says_to_transform_first(X, transformer, fault, searched):
    model = make_pipeline(PerStep(transformer), SequenceRNNClassifier(2, max_iter=2))
    if searched:
        search = GridSearchCV(model, {}, cv=[([0, 1], [0, 1])]).fit(X, [0, 1])
        model = search.best_estimator_
    else:
        search = model.fit(X, [0, 1])
    advice = "occlusion_importance(model[-1], model[:-1].transform(X))"
    with pytest.raises((TypeError, ValueError), match=fault) as error:
        occlusion_importance(search, X)
    assert advice in str(error.value)
    assert "PerStep(" not in str(error.value)  # which is there already
    importance = occlusion_importance(model[-1], model[:-1].transform(X))
    assert [len(of_steps) for of_steps in importance] == [len(steps) for steps in X]


def test_occlusion_advises_how_to_pass_an_ensemble_of_pipelines():
    X, transformer, fault = NOT_YET_NUMBERS[0]
    model = make_pipeline(PerStep(transformer), SequenceRNNClassifier(2, max_iter=2))
    ensemble = EnsembleClassifier(model, 1, random_state=0).fit(X, [0, 1])
    with pytest.raises(ValueError, match=rf"{fault}.* fit EnsembleClassifier without a pipeline"):
        occlusion_importance(ensemble, X)
    with pytest.raises(ValueError, match="OneHotEncoder"):  # the network alone needs an encoder
        occlusion_importance(ensemble.estimators_[0][-1], X)
