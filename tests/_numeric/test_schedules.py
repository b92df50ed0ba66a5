import numpy as np
import pytest

from skrnn._numeric.schedules import SCHEDULES


@pytest.mark.parametrize(
    ("name", "epoch", "n_seen", "expected"),
    [
        ("constant", 7, 70, 1),
        ("adaptive", 7, 70, 1),
        ("invscaling", 0, 0, 1),
        ("invscaling", 1, 3, 0.5),
        ("invscaling", 9, 99, 0.1),
        ("cosine", 0, 0, 1),
        ("cosine", 5, 50, 0.5),
        ("cosine", 10, 100, 0),
        ("cosine", 11, 110, 0),
    ],
)
def test_factor(name, epoch, n_seen, expected):
    factor = SCHEDULES[name](epoch, n_seen, max_iter=10, power_t=0.5)
    assert factor == pytest.approx(expected, abs=1e-15)
    assert type(factor) is float


@pytest.mark.parametrize("name", SCHEDULES)
def test_starts_at_one_and_never_grows(name):
    factors = [SCHEDULES[name](epoch, 20 * epoch, 30, 0.3) for epoch in range(40)]
    assert factors[0] == 1
    assert np.all(np.diff(factors) <= 0)
