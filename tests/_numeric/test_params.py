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


def test_the_penalty_applies_to_every_weight_whatever_its_name():
    params = Params({"layer": {"beta": (2,), "b": (1,)}})
    params.flat[:] = [3, 4, 5]
    assert params.weights.tolist() == params["layer"]["beta"].tolist() == [3, 4]


def test_names_and_shapes(params):
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


@pytest.mark.parametrize("name", ["W", "U", "beta"])
def test_weights(name):
    assert not is_bias(name)


def test_initial_values_are_zero():
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
def test_fill_refuses_missing_arrays_and_wrong_shapes(params, output):
    with pytest.raises(ValueError, match=r"output\['[Wb]'\] (have shape .* needs \(|are missing)"):
        params.fill({**params, "output": output})


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ([1, 2, 3], r"weights given for output must be a dictionary of arrays, got list\."),
        (
            {"V": 1, "w": 2},
            r"given for output\['V'\], .* It has recurrent\['W'\], .*output\['b'\]\.",
        ),
        ({"W": [[1, 2], [3], [4]]}, r"given for output\['W'\] have shape \(\), but .* \(3, 1\)\."),
        ({"W": [["1"], ["2"], ["3"]]}, r"given for output\['W'\] have shape \(\), but"),
        ({"W": [[1], [np.inf], [3]]}, r"weights given for output\['W'\] are not all finite\."),
    ],
    ids=["no dictionary", "unknown names", "rows of different lengths", "text", "infinity"],
)
def test_fill_refuses_what_is_no_array_of_the_network(params, output, message):
    with pytest.raises(ValueError, match=message):
        params.fill({"recurrent": params["recurrent"], "output": output})


def test_fill_refuses_layers_that_the_network_does_not_have(params):
    with pytest.raises(
        ValueError, match=r"Weights are given for skip\['W'\], which the network does"
    ):
        params.fill({**params, "skip": {"W": np.ones(2)}})


@pytest.mark.parametrize("dtype", [np.float64, np.float32, complex])
def test_like(dtype):
    params = Params(SHAPES, dtype)
    params.flat[:] = 1
    other = params.like()
    assert other.shapes == params.shapes
    assert other.flat.dtype == dtype
    assert not other.flat.any()
    assert not np.shares_memory(other.flat, params.flat)
