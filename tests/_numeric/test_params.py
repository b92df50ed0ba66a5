import copy
import pickle

import numpy as np
import pytest

from skrnn._numeric.params import Params, is_bias

SHAPES = {
    "recurrent": {"b": (2, 3), "W": (2, 4, 3), "U": (2, 3, 3), "b_rec": (3,)},
    "output": {"W": (3, 1), "b": (1,)},
}


@pytest.fixture
def params():
    params = Params(SHAPES)
    params.flat[:] = np.arange(params.flat.size)
    return params


def test_weights_come_before_biases(params):
    blocks = [("recurrent", "W"), ("recurrent", "U"), ("output", "W")]
    biases = [("recurrent", "b"), ("recurrent", "b_rec"), ("output", "b")]
    values = [params[layer][name].ravel() for layer, name in blocks + biases]
    assert np.array_equal(np.concatenate(values), params.flat)
    assert np.array_equal(np.concatenate(values[:3]), params.weights)


def test_everything_has_its_name_and_shape(params):
    assert {k: {n: a.shape for n, a in of.items()} for k, of in params.items()} == SHAPES


def test_views_share_the_vector(params):
    params["output"]["W"][0] = -5
    assert -5 in params.flat
    params.weights[:] = 8
    assert np.all(params["recurrent"]["U"] == 8)
    assert np.all(params["recurrent"]["b"] != 8)


@pytest.mark.parametrize("name", ["b", "b_rec"])
def test_biases(name):
    assert is_bias(name)


@pytest.mark.parametrize("name", ["W", "U"])
def test_weights(name):
    assert not is_bias(name)


def test_starts_at_zero():
    params = Params(SHAPES, np.float32)
    assert params.flat.dtype == params["output"]["b"].dtype == np.float32
    assert not params.flat.any()


def test_fill(params):
    other, views = Params(SHAPES), params.copy()
    assert other.fill(params) is other
    assert np.array_equal(other.flat, params.flat)
    assert not np.shares_memory(other.flat, params.flat)
    assert params.fill(other)["output"]["W"] is views["output"]["W"]


@pytest.mark.parametrize(
    "output",
    [{}, {"W": np.ones((3, 1))}, {"W": np.ones((3, 1)), "b": 0}, {"W": np.ones(3), "b": [0]}],
    ids=["empty", "no b", "scalar b", "flat W"],
)
def test_fill_wants_everything_in_shape(params, output):
    with pytest.raises(ValueError, match=r"output\['[Wb]'\] have shape .* needs \("):
        params.fill({**params, "output": output})


@pytest.mark.parametrize("dtype", [None, np.float32, complex])
def test_like(params, dtype):
    other = params.like(dtype)
    assert other.shapes == params.shapes
    assert other.flat.dtype == np.dtype(dtype or np.float64)
    assert not other.flat.any()
    assert not np.shares_memory(other.flat, params.flat)


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda params: pickle.loads(pickle.dumps(params))]
)
def test_copies_keep_their_views(params, duplicate):
    other = duplicate(params)
    assert isinstance(other, Params)
    assert np.array_equal(other.flat, params.flat)
    other.flat[:] = 7
    assert all(np.all(block == 7) for layer in other.values() for block in layer.values())
    assert not np.any(params.weights[:7] == 7)
