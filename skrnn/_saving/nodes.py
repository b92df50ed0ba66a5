"""Convert estimators to trees of JSON and arrays, and back.

None, booleans, numbers, text, lists and arrays stand for themselves. Everything else is a
dictionary with one name, such as ``{"tuple": [1, 2]}``, or ``{"class": ..., "state": ...}``.
"""

from __future__ import annotations

import math
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.metadata_routing import MetadataRequest

from skrnn._archive import MAX_DEPTH, is_plain
from skrnn._saving import classes
from skrnn._saving.states import check_object
from skrnn._training.loading import check_generator

if TYPE_CHECKING:
    from collections.abc import Iterable
    from inspect import Parameter


_PLAIN = (type(None), bool, int, float, str)
# Parameters that are lists of named estimators, and what one of them is called.
_LISTS = {"steps": "step", "transformers": "transformer", "transformer_list": "transformer"}
# The columns that are left, in scikit-learn 1.6. Reading an item warns, and the import takes 25 ms.
_COLUMNS = "_RemainderColsList"
_ADVICE = (
    "Change or remove it (of a search, save best_estimator_), or save with skops, or with joblib "
    "if only people whom you trust can write the file."
)


# To a tree -------------------------------------------------------------------------------


def to_tree(value: Any, where: tuple[str, ...] = ()) -> Any:
    """Convert a value to a tree.

    Parameters
    ----------
    value : object
        An estimator, or what its attributes hold.

    where : tuple of str
        The place of the value, for messages.

    Returns
    -------
    tree : object
        What `skrnn._archive.encode` takes.

    Raises
    ------
    ValueError
        If a file cannot hold the value; the message names its place.
    """
    if len(where) > MAX_DEPTH:
        raise ValueError(f"The estimator is nested too deeply: {_place(where[:5])}, ...")
    kind, name = type(value), None
    if kind in _PLAIN:
        return value
    if kind is list or kind.__name__ == _COLUMNS:
        items = getattr(value, "data", value)  # of a UserList, which is no list itself
        return [to_tree(item, (*where, f"[{i}]")) for i, item in enumerate(items)]
    if kind in _TO_NODES:
        node, convert = _TO_NODES[kind]
        return {node: convert(value, where)}
    if isinstance(value, np.ndarray):
        return _array_to_tree(value, where)
    if isinstance(value, np.generic) and is_plain(value.dtype):
        return {"scalar": np.asarray(value)}
    if isinstance(value, np.dtype) and (is_plain(value) or value.kind == "O"):
        return {"dtype": value.str}
    if isinstance(value, type) and (name := classes.name_of_type(value)) is not None:
        return {"type": name}
    if (name := classes.name_of_function(value)) is not None:
        return {"function": name}
    if (name := classes.name_of_class(kind)) is not None:
        return {"class": name, "state": _state_to_tree(value, where)}
    what = f"an object of {kind.__module__}.{kind.__qualname__}"
    if callable(value) and hasattr(value, "__name__"):  # ufuncs of NumPy 2.0 and 2.1 have no more
        named = getattr(value, "__qualname__", value.__name__)
        what = f"{named} of {getattr(value, '__module__', kind.__module__)}"
    raise ValueError(f"{_place(where)} is {what}, which save does not support. {_ADVICE}")


def _place(where: tuple[str, ...]) -> str:
    return ", ".join(where).replace(", [", " [") or "The object"


def _array_to_tree(array: np.ndarray, where: tuple[str, ...]) -> Any:
    if array.dtype == object and type(array) is np.ndarray:
        values = [to_tree(item, (*where, f"[{i}]")) for i, item in enumerate(array.flat)]
        return {"objects": {"shape": list(array.shape), "values": values}}
    if not is_plain(array.dtype) or type(array) not in (np.ndarray, np.memmap):
        raise ValueError(
            f"{_place(where)} is a {type(array).__name__} of type {array.dtype}, which save does "
            f"not support. {_ADVICE}"
        )
    return np.asarray(array)


def _state_to_tree(value: Any, where: tuple[str, ...]) -> dict[str, Any]:
    """Convert the state of an estimator, from ``__getstate__``; others have attributes only."""
    state = value.__getstate__() if hasattr(value, "get_params") else vars(value)
    if "_skl_callbacks" in state:
        owner = _place((*where, type(value).__name__))
        raise ValueError(
            f"{owner} has callbacks, which save does not support. Remove them with "
            "set_callbacks(), or save with joblib if only people whom you trust can write the file."
        )
    check_object(value, _place((*where, type(value).__name__)))
    parameters = set(_parameters(type(value)))
    tree = {}
    for name, item in sorted(state.items()):
        kind = "parameter" if name in parameters else "attribute"
        here = (*where, f"{kind} {name!r} of {type(value).__name__}")
        if name in _LISTS and type(item) is list:
            tree[name] = [_member_to_tree(part, where, _LISTS[name]) for part in item]
        else:
            tree[name] = to_tree(item, here)
    return tree


def _member_to_tree(part: Any, where: tuple[str, ...], kind: str) -> Any:
    """Convert an item of the steps of a pipeline, whose place is its name."""
    return to_tree(part, (*where, f"{kind} {part[0]!r}"))


def _parameters(cls: type) -> dict[str, Parameter]:
    return {n: p for n, p in signature(cls).parameters.items() if p.kind != p.VAR_KEYWORD}


def _items(value: Iterable[Any], where: tuple[str, ...]) -> list[Any]:
    return [to_tree(item, where) for item in value]


def _pairs(value: dict[Any, Any], where: tuple[str, ...]) -> list[list[Any]]:
    return [
        [to_tree(key, where), to_tree(item, (*where, f"[{key!r}]"))] for key, item in value.items()
    ]


def _random_state(value: np.random.RandomState, where: tuple[str, ...]) -> dict[str, Any]:
    state = value.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise ValueError(
            f"{_place(where)} is a RandomState of {state['bit_generator']}, and save supports "
            "MT19937, the usual one. Use an integer, None or RandomState(seed)."
        )
    return state


def _requests_to_tree(value: MetadataRequest, where: tuple[str, ...]) -> dict[str, Any]:
    """Convert what ``set_fit_request`` and the like have set."""
    methods = {name: part.requests for name, part in vars(value).items() if name != "owner"}
    return {name: requests for name, requests in methods.items() if requests}


_TO_NODES: dict[type, tuple[str, Any]] = {
    tuple: ("tuple", _items),
    dict: ("dict", _pairs),
    bytes: ("bytes", lambda value, where: np.frombuffer(value, np.uint8)),
    slice: ("slice", lambda v, where: _items((v.start, v.stop, v.step), where)),
    np.random.RandomState: ("random_state", _random_state),
    MetadataRequest: ("requests", _requests_to_tree),
}


# From a tree -----------------------------------------------------------------------------


def from_tree(tree: Any) -> Any:
    """Convert a tree back.

    Parameters
    ----------
    tree : object
        What `skrnn._archive.decode` returns. It may come from anywhere.

    Returns
    -------
    value : object
        The value.

    Raises
    ------
    ValueError
        If the tree is not one that `to_tree` makes.
    """
    if type(tree) in _PLAIN or isinstance(tree, np.ndarray):
        return tree
    if type(tree) is list:
        return [from_tree(item) for item in tree]
    if type(tree) is dict:
        if tree.keys() == {"class", "state"}:
            return _object(tree["class"], tree["state"])
        for name, content in tree.items():
            if len(tree) == 1 and name in _FROM_NODES:
                return _FROM_NODES[name](content)
    given = list(tree)[:5] if type(tree) is dict else type(tree).__name__
    raise ValueError(f"The tree has a part of an unknown kind, {given!r}.")


def _require(is_right: bool, what: str) -> None:
    if not is_right:
        raise ValueError(f"The tree has a {what} that is not valid.")


def _list(content: Any, what: str) -> list[Any]:
    _require(type(content) is list, what)
    return [from_tree(item) for item in content]


def _dict(content: Any) -> dict[Any, Any]:
    _require(type(content) is list, "dictionary")
    _require(all(type(pair) is list and len(pair) == 2 for pair in content), "dictionary")
    pairs = [(from_tree(key), from_tree(item)) for key, item in content]
    _require(all(_is_key(key) for key, _ in pairs), "dictionary")
    found = dict(pairs)
    _require(len(found) == len(pairs), "dictionary")
    return found


def _is_key(key: Any) -> bool:
    if type(key) is tuple:
        return all(map(_is_key, key))
    return type(key) in _PLAIN or isinstance(key, np.generic)


def _scalar(content: Any) -> Any:
    _require(isinstance(content, np.generic), "scalar")
    return content


def _objects(content: Any) -> np.ndarray:
    _require(type(content) is dict and content.keys() == {"shape", "values"}, "array of objects")
    shape, values = content["shape"], _list(content["values"], "array of objects")
    _require(type(shape) is list and len(shape) <= 32, "array of objects")
    _require(all(type(n) is int and 0 <= n < 2**31 for n in shape), "array of objects")
    _require(math.prod(shape) == len(values), "array of objects")
    _require(math.prod(n or 1 for n in shape) < 2**31, "array of objects")
    array = np.empty(len(values), object)
    for i, value in enumerate(values):  # an assignment at once would open values that are arrays
        array[i] = value
    return array.reshape(shape)


def _bytes(content: Any) -> bytes:
    _require(isinstance(content, np.ndarray) and content.dtype == np.uint8, "text of bytes")
    return bytes(content.tobytes())


def _slice(content: Any) -> slice:
    parts = _list(content, "slice")
    _require(len(parts) == 3 and all(type(part) in _PLAIN for part in parts), "slice")
    return slice(*parts)


def _dtype(content: Any) -> np.dtype:
    _require(isinstance(content, str) and len(content) <= 12, "dtype")
    try:
        dtype: np.dtype = np.dtype(content)
    except TypeError as error:
        raise ValueError(f"{content!r} is no dtype.") from error
    _require(dtype.kind == "O" or is_plain(dtype), "dtype")
    return dtype


def _generator(content: Any) -> np.random.RandomState:
    generator = np.random.RandomState(0)
    check_generator(content, generator)
    generator.set_state(content)
    return generator


def _requests(content: Any) -> MetadataRequest:
    _require(type(content) is dict, "metadata request")
    request = MetadataRequest(owner=None)
    known = vars(request).keys() - {"owner"}
    _require(content.keys() <= known, "metadata request")
    for method, aliases in content.items():
        _require(type(aliases) is dict, "metadata request")
        for name, alias in aliases.items():
            _require(alias is None or type(alias) in (bool, str), "metadata request")
            getattr(request, method).add_request(param=name, alias=alias)
    return request


_FROM_NODES: dict[str, Any] = {
    "tuple": lambda content: tuple(_list(content, "tuple")),
    "dict": _dict,
    "scalar": _scalar,
    "objects": _objects,
    "bytes": _bytes,
    "slice": _slice,
    "dtype": _dtype,
    "type": classes.type_of,
    "function": classes.function_of,
    "random_state": _generator,
    "requests": _requests,
}


def _object(name: Any, tree: Any) -> Any:
    """Make an object of a class from its state, without a call of its constructor."""
    cls: Any = classes.class_of(name)
    _require(type(tree) is dict, f"state of {name}")
    # A method must not be replaced by a value.
    ours = {"_skrnn_format", "_skrnn_version", "_sklearn_version"}
    names = tree.keys() - ours
    _require(not any(n.startswith("__") or hasattr(cls, n) for n in names), f"state of {name}")
    for n in tree.keys() & ours:
        _require(type(tree[n]) in (int, str), f"state of {name}")
    state = {key: from_tree(item) for key, item in tree.items()}
    for n, parameter in _parameters(cls).items():
        _require(n in state or parameter.default is not parameter.empty, f"state of {name}")
        if name.startswith("sklearn"):  # those of skrnn set their defaults themselves
            state.setdefault(n, parameter.default)
    found = cls.__new__(cls)
    if hasattr(cls, "get_params"):
        try:
            found.__setstate__(state)
        except (KeyError, TypeError, AttributeError) as error:  # older states need their parts
            raise ValueError(f"The tree has a state of {name} that is not valid.") from error
    else:
        vars(found).update(state)
    check_object(found, name)
    if isinstance(request := state.get("_metadata_request"), MetadataRequest):
        parts = [part for name, part in vars(request).items() if name != "owner"]
        for part in (request, *parts):
            part.owner = found  # whom messages name
    return found
