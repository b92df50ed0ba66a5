"""Spans in labels of steps and their scores, compared with seqeval and with formulas by hand."""

import warnings
from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, cross_validate

from skrnn import StepRNNClassifier
from skrnn.metrics import (
    flat_accuracy_scorer,
    span_classification_report,
    span_f1_score,
    span_f1_scorer,
    span_precision_recall_fscore_support,
    span_precision_score,
    span_recall_score,
    spans,
)

SCHEMES = {"BIO": "BI", "BIOES": "BIES", "BILOU": "BILU"}
LABELS = {
    scheme: ["O", *(f"{prefix}-{kind}" for prefix in prefixes for kind in ("X", "Y"))]
    for scheme, prefixes in SCHEMES.items()
}
SINGLE = {"BIO": "B-X", "BIOES": "S-X", "BILOU": "U-X"}
RNG = np.random.RandomState(0)


def sequences(scheme, n=30):
    """Draw labels of sequences of 0 to 7 steps, and predictions of which some are right."""
    truth = [RNG.choice(LABELS[scheme], length) for length in RNG.randint(8, size=n)]
    wrong = [RNG.choice(LABELS[scheme], len(labels)) for labels in truth]
    kept = [RNG.uniform(size=len(labels)) < 0.7 for labels in truth]
    return truth, [np.where(*args) for args in zip(kept, truth, wrong, strict=True)]


# Spans


READ = {  # labels of one sequence, in one word each, and the spans that seqeval's tests expect
    ("BIO", True): {
        "B": "0-1", "I": "", "O": "", "O I": "", "O B": "1-2", "I O": "", "I I": "",
        "I B": "1-2", "B O": "0-1", "B I": "0-2", "B B": "0-1 1-2",
    },
    ("BIOES", True): {
        "I": "", "B": "", "E": "", "S": "0-1", "O S": "1-2", "I E": "", "I S": "1-2",
        "B I": "", "B B": "", "B E": "0-2", "B S": "1-2", "E S": "1-2", "S O": "0-1",
        "S I": "0-1", "S E": "0-1", "S S": "0-1 1-2", "B I E": "0-3",
    },
    ("BILOU", True): {
        "I": "", "B": "", "L": "", "U": "0-1", "O U": "1-2", "I L": "", "I U": "1-2",
        "B I": "", "B B": "", "B L": "0-2", "B U": "1-2", "L U": "1-2", "U O": "0-1",
        "U I": "0-1", "U L": "0-1", "U U": "0-1 1-2", "B I L": "0-3",
    },
    ("BIO", False): {
        "O O": "", "I": "0-1", "O I I": "1-3", "I B I": "0-1 1-3", "B B": "0-1 1-2",
        "O O O B I I O B I": "3-6 7-9",
    },
    ("BIOES", False): {
        "E": "0-1", "I I E": "0-3", "E E": "0-1 1-2", "E I": "0-1 1-2", "S I": "0-1 1-2",
        "S E": "0-1 1-2", "B S": "0-1 1-2", "B I": "0-2", "I E I": "0-2 2-3",
    },
    ("BILOU", False): {
        "L": "0-1", "I I L": "0-3", "L L": "0-1 1-2", "U I": "0-1 1-2", "B U": "0-1 1-2",
    },
}  # fmt: skip


@pytest.mark.parametrize(("scheme", "strict"), READ)
@pytest.mark.parametrize("kind", ["PER", "LOC-CITY", "組織", "_"])
def test_spans_of_one_type(scheme, strict, kind):
    for prefixes, expected in READ[scheme, strict].items():
        expected = [(kind, *map(int, span.split("-"))) for span in expected.split()]
        labels = [prefix if prefix == "O" else f"{prefix}-{kind}" for prefix in prefixes.split()]
        found = spans(labels, scheme=scheme, strict=strict)
        assert found == expected, labels
        if kind == "_":
            assert spans(prefixes.split(), scheme=scheme, strict=strict) == expected
        assert all(type(number) is int for _, *numbers in found for number in numbers)


@pytest.mark.parametrize(
    ("labels", "strict", "expected"),
    [
        ("B-X I-Y", False, [("X", 0, 1), ("Y", 1, 2)]),
        ("B-X I-Y", True, [("X", 0, 1)]),
        ("I-X I-Y", False, [("X", 0, 1), ("Y", 1, 2)]),
        ("I-X I-Y", True, []),
        ("B-X I-X I-Y B-Y", True, [("X", 0, 2), ("Y", 3, 4)]),
        ("I-X I-X B-X O I-Y", False, [("X", 0, 2), ("X", 2, 3), ("Y", 4, 5)]),  # IOB1
    ],
)
def test_spans_of_two_types(labels, strict, expected):
    assert spans(labels.split(), strict=strict) == expected


def is_span(labels, start, stop, scheme):
    """Return whether the labels from start to stop are a span with all the right prefixes."""
    prefixes = "".join(label[0] for label in labels[start:stop])
    if "O" in prefixes or len({label[2:] for label in labels[start:stop]}) > 1:
        return False
    if scheme == "BIO":
        kind = labels[start][2:]
        ends = stop == len(labels) or labels[stop] != f"I-{kind}"
        return ends and prefixes == "B" + "I" * (stop - start - 1)
    last, single = scheme[-2:] if scheme == "BIOES" else "LU"
    return prefixes in (single, "B" + "I" * (stop - start - 2) + last)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_strict_spans_of_all_short_sequences(scheme):
    for length in range(4):
        for labels in product(LABELS[scheme], repeat=length):
            expected = [
                (labels[start][2:], start, stop)
                for start in range(length)
                for stop in range(start + 1, length + 1)
                if is_span(labels, start, stop, scheme)
            ]
            assert spans(labels, scheme=scheme, strict=True) == expected


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_step_inside_belongs_to_one_span(scheme):
    for labels in product(LABELS[scheme], repeat=3):
        found = spans(labels, scheme=scheme)
        steps = [step for _, start, stop in found for step in range(start, stop)]
        assert steps == [step for step, label in enumerate(labels) if label != "O"]
        assert all(labels[step][2:] == kind for kind, *ends in found for step in range(*ends))
        assert set(spans(labels, scheme=scheme, strict=True)) <= set(found)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_spans_equal_those_of_seqeval(scheme):
    seqeval = pytest.importorskip("seqeval.metrics.sequence_labeling")
    schemes = pytest.importorskip("seqeval.scheme")
    strict = {"BIO": schemes.IOB2, "BIOES": schemes.IOBES, "BILOU": schemes.BILOU}[scheme]
    for labels in product(LABELS[scheme], repeat=3):
        expected = [entity.to_tuple() for entity in schemes.Tokens([*labels], strict).entities]
        found = spans(labels, scheme=scheme, strict=True)
        assert found == [(kind, start, stop) for _, kind, start, stop in expected]
        if scheme != "BILOU":  # seqeval lacks it without strict mode
            expected = seqeval.get_entities([*labels])
            found = spans(labels, scheme=scheme)
            assert found == [(kind, start, last + 1) for kind, start, last in expected]


FORMS = [list, tuple, np.array, pd.Series, lambda x: np.array(x, object), lambda x: np.c_[x]]


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_labels(form):
    assert spans(form(["B-X", "I-X", "O"])) == [("X", 0, 2)]


def test_no_steps():
    assert spans([]) == []


# Scores


TRUTH, ANSWER = [["B-A", "B-B", "O", "B-A"]], [["O", "B-B", "B-C", "B-A"]]
EXPECTED = {  # precision, recall and F1 score of seqeval's tests
    None: ([1, 1, 0], [1 / 2, 1, 0], [2 / 3, 1, 0]),
    "micro": (2 / 3, 2 / 3, 2 / 3),
    "macro": (2 / 3, 1 / 2, 5 / 9),
    "weighted": (1, 2 / 3, 7 / 9),
}
SCORES = [span_precision_score, span_recall_score, span_f1_score]
REPORT = """\
              precision    recall  f1-score   support

           A       1.00      0.50      0.67         2
           B       1.00      1.00      1.00         1
           C       0.00      0.00      0.00         0

   micro avg       0.67      0.67      0.67         3
   macro avg       0.67      0.50      0.56         3
weighted avg       1.00      0.67      0.78         3
"""


@pytest.mark.parametrize("average", EXPECTED)
@pytest.mark.parametrize("strict", [False, True])
def test_scores(average, strict):
    options = {"average": average, "strict": strict, "zero_division": 0.0}
    for score, expected in zip(SCORES, EXPECTED[average], strict=True):
        assert_allclose(score(TRUTH, ANSWER, **options), expected)
    *found, support = span_precision_recall_fscore_support(TRUTH, ANSWER, **options)
    for values, expected in zip(found, EXPECTED[average], strict=True):
        assert_allclose(values, expected)
    assert support is None if average else support.tolist() == [2, 1, 0]


def test_micro_average_is_the_default_of_scores():
    assert [score(TRUTH, ANSWER) for score in SCORES] == pytest.approx([*EXPECTED["micro"]])
    assert span_precision_recall_fscore_support(TRUTH, ANSWER, zero_division=0)[0].shape == (3,)


def test_report():
    assert span_classification_report(TRUTH, ANSWER, zero_division=0) == REPORT
    report = span_classification_report(TRUTH, ANSWER, output_dict=True, zero_division=0)
    assert list(report) == ["A", "B", "C", "micro avg", "macro avg", "weighted avg"]
    assert report["A"] == pytest.approx(
        {"precision": 1, "recall": 0.5, "f1-score": 2 / 3, "support": 2}
    )
    for average in ("micro", "macro", "weighted"):
        scores = report[f"{average} avg"]
        assert [scores[name] for name in ("precision", "recall", "f1-score")] == pytest.approx(
            [*EXPECTED[average]]
        )
        assert scores["support"] == 3
    assert "0.667" in span_classification_report(TRUTH, ANSWER, digits=3, zero_division=0)
    only_b = span_classification_report(TRUTH, ANSWER, labels=["B"], output_dict=True)
    assert (list(only_b)[:2], only_b["micro avg"]["support"]) == (["B", "micro avg"], 1)


def test_report_of_perfect_predictions_has_a_micro_average():
    report = span_classification_report(TRUTH, TRUTH, output_dict=True)
    assert report["micro avg"]["f1-score"] == 1
    assert "accuracy" not in report


def test_strict_scores():
    truth, answer = [["B-ORG", "I-ORG"]], [["I-ORG", "I-ORG"]]
    for average in ("micro", "macro", "weighted"):
        assert span_f1_score(truth, answer, average=average) == 1
        assert span_f1_score(truth, answer, average=average, strict=True) == 0


@pytest.mark.parametrize("average", EXPECTED)
@pytest.mark.parametrize("zero_division", [0, 1])
@pytest.mark.parametrize("mode", ["BIO", "BIOES", "BIO strict", "BIOES strict", "BILOU strict"])
def test_scores_equal_those_of_seqeval(average, zero_division, mode):
    reference = pytest.importorskip("seqeval.metrics")
    schemes = pytest.importorskip("seqeval.scheme")
    scheme, *strict = mode.split()
    theirs = {"BIO": schemes.IOB2, "BIOES": schemes.IOBES, "BILOU": schemes.BILOU}[scheme]
    options = {"average": average, "zero_division": zero_division}
    cases = [sequences(scheme), sequences(scheme), ([["O"]], [[SINGLE[scheme]]])]
    if average is None or average == "micro":
        cases.append(([["O"], []], [["O"], []]))  # their mean over no types is NaN
    for truth, answer in cases:
        lists = [[list(map(str, labels)) for labels in one] for one in (truth, answer)]
        for ours, its in zip(SCORES, ("precision_score", "recall_score", "f1_score"), strict=True):
            expected = getattr(reference, its)(
                *lists, mode="strict" if strict else None, scheme=theirs, **options
            )
            found = ours(truth, answer, scheme=scheme, strict=bool(strict), **options)
            assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("strict", [False, True])
def test_report_equals_that_of_seqeval(strict):
    reference = pytest.importorskip("seqeval.metrics")
    schemes = pytest.importorskip("seqeval.scheme")
    truth, answer = sequences("BIO")
    lists = [[list(map(str, labels)) for labels in one] for one in (truth, answer)]
    for options in ({"digits": 4}, {"output_dict": True}):
        expected = reference.classification_report(
            *lists, mode="strict" if strict else None, scheme=schemes.IOB2, **options
        )
        found = span_classification_report(truth, answer, strict=strict, **options)
        if "output_dict" in options:
            expected = {name: pytest.approx(row) for name, row in expected.items()}
        assert found == expected


def test_beta():
    options = {"average": "micro", "zero_division": 0}
    truth, answer = [["B-X", "B-X", "B-X", "O"]], [["B-X", "O", "O", "B-X"]]
    precision, recall, fscore, _ = span_precision_recall_fscore_support(
        truth, answer, beta=2, **options
    )
    assert (precision, recall) == (1 / 2, 1 / 3)
    assert fscore == pytest.approx(5 * precision * recall / (4 * precision + recall))


def test_labels_are_types_and_their_order():
    options = {"average": None, "zero_division": 0}
    assert span_recall_score(TRUTH, ANSWER, labels=["B", "A"], **options).tolist() == [1, 0.5]
    absent = span_recall_score(TRUTH, ANSWER, labels=np.array(["D", "A"]), **options)
    assert absent.tolist() == [0, 0.5]
    assert span_f1_score(TRUTH, ANSWER, labels=["A", "B"]) == pytest.approx(2 * 2 / (2 + 3))
    assert span_f1_score(TRUTH, ANSWER, labels=["A", "D"], average="macro", zero_division=1) == (
        pytest.approx((2 / 3 + 1) / 2)
    )


@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
def test_no_span_at_all(average):
    for truth in ([["O", "O"], ["O"]], [[], []]):
        for value in (0, 1, np.nan):
            assert_array_equal(
                span_f1_score(truth, truth, average=average, zero_division=value), value
            )
        with pytest.warns(UndefinedMetricWarning, match="F-score is ill-defined"):
            assert span_f1_score(truth, truth, average=average) == 0
    assert span_f1_score([["O"]], [["O"]], average=None).shape == (0,)


def test_warning_of_types_that_are_never_predicted():
    with pytest.warns(UndefinedMetricWarning, match="Precision is ill-defined"):
        span_precision_score([["B-X", "B-Y"]], [["B-X", "O"]], average="macro")


# Weights


def test_a_weight_of_two_is_the_sequence_twice():
    truth, answer = sequences("BIOES")
    weight = RNG.randint(4, size=len(truth))
    repeated = [[one[i] for i in np.repeat(range(len(one)), weight)] for one in (truth, answer)]
    for average in EXPECTED:
        options = {"average": average, "scheme": "BIOES"}
        expected = span_precision_recall_fscore_support(*repeated, **options)
        steps = [np.full(len(labels), w) for labels, w in zip(truth, weight, strict=True)]
        for given in (weight, weight.tolist(), steps):
            found = span_precision_recall_fscore_support(
                truth, answer, sample_weight=given, **options
            )
            for actual, value in zip(found[:3], expected[:3], strict=True):
                assert_allclose(actual, value, rtol=1e-12)
    report = span_classification_report(
        truth, answer, scheme="BIOES", sample_weight=weight, output_dict=True
    )
    repeated = span_classification_report(*repeated, scheme="BIOES", output_dict=True)
    assert {name: pytest.approx(row) for name, row in repeated.items()} == report


def test_sequences_of_weight_0_need_no_labels():
    truth, answer = [["B-X", "O"], None, [None]], [["B-X", "B-X"], ["B-X"], ["I-Y"]]
    expected = span_f1_score([["B-X", "O"]], [["B-X", "B-X"]])
    assert span_f1_score(truth, answer, sample_weight=[2, 0, 0]) == expected == 2 / 3


@pytest.mark.parametrize("label", [None, "O"])
def test_steps_of_weight_0_are_left_out(label):
    truth = [["B-X", label, "I-X", "O"], ["B-X"]]  # the second step is a later piece of a word
    answer = [["B-X", "B-X", "I-X", "B-X"], ["O"]]
    weight = [[1, 0, 1, 1], [1]]
    expected = span_f1_score(
        [["B-X", "I-X", "O"], ["B-X"]], [["B-X", "I-X", "B-X"], ["O"]], sample_weight=[1, 1]
    )
    assert span_f1_score(truth, answer, sample_weight=weight) == expected == 0.5
    means = [[1, 0, 3, 2], [1]]  # the mean of 1, 3 and 2 is 2
    assert span_f1_score(truth, answer, sample_weight=means) == pytest.approx(
        2 * 2 / (2 * 2 + 2 + 1)
    )


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, -1], "Negative values"),
        ([0, 0], "at least one non-zero number"),
        ([1e308, 1e308], "sum of sample_weight must be positive and finite"),
        ([1, np.nan], "sample_weight contains NaN"),
        ([1], "inconsistent numbers"),
    ],
)
def test_weights_are_checked(weight, message):
    with pytest.raises(ValueError, match=message):
        span_f1_score([["B-X"], ["O"]], [["B-X"], ["O"]], sample_weight=weight)


# Forms and errors


def in_object_array(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def in_polars(items):
    return pytest.importorskip("polars").Series([list(map(str, labels)) for labels in items])


@pytest.mark.parametrize(
    "form",
    [
        lambda y: [labels.tolist() for labels in y],
        lambda y: tuple(y),
        in_object_array,
        lambda y: pd.Series(y, index=range(len(y))[::-1]),
        lambda y: [pd.Series(labels, dtype="object").astype("category") for labels in y],
        lambda y: [labels.astype(object) for labels in y],
        lambda y: [labels[:, None] for labels in y],
        in_polars,
    ],
)
def test_forms(form):
    truth, answer = sequences("BIO")
    truth[0] = answer[0] = np.array(["B-X"])  # some forms take their type from the first
    expected = span_f1_score(truth, answer, average=None)
    assert_array_equal(span_f1_score(form(truth), form(answer), average=None), expected)
    padded = np.array([[*labels, *["?"] * (9 - len(labels))] for labels in truth])
    assert_array_equal(span_f1_score(padded, form(answer), average=None), expected)


def test_spans_do_not_cross_sequences():
    assert span_f1_score([["B-X", "I-X"], ["I-X"]], [["B-X", "I-X"], ["O"]]) == 2 / 3


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("X-PER", r"the label 'X-PER' at step 1 of sequence 2\. Labels of the scheme 'BIO' are"),
        (
            "E-PER",
            r"'E-PER' at step 1 .* a prefix \(B, I\), .* This label is of the scheme 'BIOES'",
        ),
        ("U-PER", "This label is of the scheme 'BILOU'"),
        ("PER", "the label 'PER' at step 1 of sequence 2"),
        ("BI-PER", "the label 'BI-PER' at step 1 of sequence 2"),
        ("B-", "the label 'B-' at step 1 of sequence 2"),
        ("-PER", "the label '-PER' at step 1 of sequence 2"),
        ("O-PER", "the label 'O-PER' at step 1 of sequence 2"),
        ("B_PER", "a hyphen and a type, such as 'B-PER'"),
        ("", "the label '' at step 1 of sequence 2"),
    ],
)
def test_labels_of_no_scheme_are_refused(label, message):
    good, bad = [["O"], [], ["B-X", "O"]], [["O"], [], ["B-X", label]]
    for score in (*SCORES, span_precision_recall_fscore_support, span_classification_report):
        for name, arguments in (("y_true", (bad, good)), ("y_pred", (good, bad))):
            with pytest.raises(ValueError, match=f"{name} has .*{message}"):
                score(*arguments)
    with pytest.raises(ValueError, match=f"labels has the label {label!r} at step 1"):
        spans(["B-X", label])


def test_step_of_a_label_in_an_error_counts_steps_that_are_left_out():
    with pytest.raises(ValueError, match="y_true has the label 'PER' at step 2 of sequence 1"):
        span_f1_score(
            [["O"], [None, "O", "PER"]], [["O"], ["O", "O", "O"]], sample_weight=[[1], [0, 1, 1]]
        )


def test_no_label_of_bioes_is_read_as_one_of_bilou():
    for label, scheme in (("E-X", "BILOU"), ("S", "BILOU"), ("L-X", "BIOES"), ("U", "BIOES")):
        with pytest.raises(ValueError, match=f"labels has the label '{label}' at step 0"):
            spans([label], scheme=scheme)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([["O"]], [["O"]]), {"scheme": "IOB"}, "scheme must be one of .*'BIO'.*, got 'IOB'"),
        (([["O"]], [["O"]]), {"average": "binary"}, "average must be .* None, got 'binary'"),
        (([["O"]], [["O"]]), {"average": "samples"}, "average must be .* None, got 'samples'"),
        (([["O"]], [["O"]]), {"labels": "PER"}, "labels must be a list of types .* got 'PER'"),
        (([["O"]], [["O"]]), {"labels": ["PER", "I-PER"]}, "not labels of steps; got 'I-PER'"),
        (([["O"]], [["O"]]), {"labels": [1]}, "types of spans, such as 'PER', .* got 1"),
        (([["O"]], [["O"]]), {"zero_division": 2}, "zero_division"),
        (([[0]], [["O"]]), {}, "y_true has the label 0 at step 0 of sequence 0"),
        (([["O"]], [[1.5]]), {}, "y_pred has the label 1.5 at step 0 of sequence 0"),
        (([["O"]], [[["O", "O"]]]), {}, "y_pred has 2 labels at each step, but spans need one"),
        (([[None]], [["O"]]), {}, "y_true has no value at step 0 of sequence 0"),
        (([["O"]], [[None]]), {}, "y_pred has no value at step 0 of sequence 0"),
        (([["O"], ["O"]], [["O"]]), {}, "inconsistent numbers"),
        (([["O"]], [["O", "O"]]), {}, "Sequence 0 of y_true has shape"),
        ((["O"], [["O"]]), {}, "A text is one value"),
        (([], []), {}, "y_pred is empty"),
    ],
)
def test_errors(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        span_f1_score(*arguments, **options)


def test_a_type_may_look_like_a_label():
    truth = [["B-B-X", "B-I", "B-O"]]
    assert spans(truth[0]) == [("B-X", 0, 1), ("I", 1, 2), ("O", 2, 3)]
    found = span_recall_score(truth, [["B-B-X", "O", "B-O"]], labels=["O", "B-X"], average=None)
    assert found.tolist() == [1, 1]


def test_report_without_spans_is_refused():
    with pytest.raises(ValueError, match="nothing to report: y_true and y_pred have no span"):
        span_classification_report([["O"]], [["O"]])
    report = span_classification_report(
        [["O"]], [["O"]], labels=["X"], output_dict=True, zero_division=0
    )
    assert report["X"]["support"] == 0


# Estimators


def words():
    """Make 12 sequences in which runs of the numbers 1 and 2 are spans, and their labels."""
    rng = np.random.RandomState(0)
    X = [np.repeat(rng.randint(3, size=n), 2) for n in rng.randint(1, 4, size=12)]
    y = []
    for x in X:
        prefixes = np.where(x == [0, *x[:-1]], "I-", "B-")
        y.append(np.where(x, np.char.add(prefixes, np.array(["", "X", "Y"])[x]), "O"))
    return [np.eye(3)[x] for x in X], y


TAGGER = StepRNNClassifier(6, learning_rate_init=0.1, max_iter=20, random_state=0)
SCORERS = {
    "micro": (span_f1_scorer, span_f1_score, {}),
    "macro": (
        make_scorer(span_f1_score, average="macro", labels=["X", "Y"], zero_division=0.0),
        span_f1_score,
        {"average": "macro", "labels": ["X", "Y"], "zero_division": 0.0},
    ),
    "strict recall": (
        make_scorer(span_recall_score, strict=True),
        span_recall_score,
        {"strict": True},
    ),
}


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize("form", [list, in_object_array])
def test_scorers_in_searches(name, form):
    scorer, score, options = SCORERS[name]
    X, y = words()
    search = GridSearchCV(
        TAGGER,
        {"max_iter": [1, 20]},
        scoring=scorer,
        cv=2,
        error_score="raise",
    )
    with warnings.catch_warnings(action="ignore", category=UndefinedMetricWarning):
        search.fit(form(X), form(y))
        scores = [
            score(y[6 * i : 6 * i + 6], one.predict(X[6 * i : 6 * i + 6]), **options)
            for i, one in enumerate(
                clone(TAGGER).fit(*fold) for fold in ((X[6:], y[6:]), (X[:6], y[:6]))
            )
        ]
    results = search.cv_results_
    assert [results[f"split{i}_test_score"][1] for i in range(2)] == scores
    assert search.best_params_["max_iter"] == 20
    assert search.score(X, y) == score(y, search.predict(X), **options)


def test_several_scorers():
    X, y = words()
    scoring = {"spans": span_f1_scorer, "steps": flat_accuracy_scorer}
    found = cross_validate(TAGGER, X, y, cv=2, scoring=scoring)
    assert found["test_spans"].min() > 0.5


def test_padded_labels_in_a_search():
    X, y = words()
    width = max(map(len, X))
    padded_X = np.full((len(X), width, 3), np.nan)
    padded_y = np.full((len(X), width), "pad")
    for i, (x, labels) in enumerate(zip(X, y, strict=True)):
        padded_X[i, : len(x)], padded_y[i, : len(x)] = x, labels
    expected, found = (
        cross_validate(TAGGER, *given, cv=2, scoring=span_f1_scorer)["test_score"]
        for given in ((X, y), (padded_X, padded_y))
    )
    assert_array_equal(found, expected)
