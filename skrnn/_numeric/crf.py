"""Linear-chain conditional random fields (Lafferty et al., 2001).

The score of a path of labels ``y`` through a sequence is ``start[y_1] + end[y_T]``, plus the sum
of the emissions ``e_t[y_t]``, plus the sum of the transitions ``W[y_(t-1), y_t]``. Its probability
is proportional to the exponential of its score. A transition of score ``-inf`` is forbidden: every
path through it has probability 0.

The functions run on packed rows (see ``packing``), all sequences at once. Arrays of a step are
``(n_labels, n)``, where n counts the sequences that have this step: reductions over the labels
are then fast.

Forward messages are the shares ``A`` of the labels at a step, scaled to a maximum of 1, so that a
step is one product with ``exp(W)``. Their logarithms are kept as well. Where the product is too
small for the floating-point type, it is computed again from the logarithms (`_repair`). So scores
of any size are exact. The backward pass needs no messages of its own: it is the derivative of the
forward pass, and its gradient at a step is the marginal distribution of the label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from skrnn._numeric.packing import Packing, reduce_steps

if TYPE_CHECKING:
    from numpy.random import RandomState

    from skrnn._numeric.types import Back, Layer, Parameters

    Transitions = dict[str, np.ndarray]


class Chain(NamedTuple):
    """Raw prediction of a network with a conditional random field, or its gradient.

    Parameters
    ----------
    emissions : ndarray of shape (n_rows, n_labels)
        Score of each label at each step, sequence after sequence.

    transitions : mapping of str to ndarray
        ``W`` (n_labels, n_labels), from the label of the row to that of the column, and ``start``
        and ``end`` (n_labels,), for the first and the last label of a sequence.

    packing : Packing
        The lengths of the sequences, and the order of their steps in computations.
    """

    emissions: np.ndarray
    transitions: Transitions
    packing: Packing


def scores_of(raw_prediction: np.ndarray | Chain) -> np.ndarray:
    """Get the outputs of a network as an array, with or without a conditional random field."""
    return raw_prediction.emissions if isinstance(raw_prediction, Chain) else raw_prediction


def score_transitions(allowed: np.ndarray | None = None) -> Layer:
    """Make the layer after the output layer, which makes a `Chain` of its emissions.

    `allowed` is a boolean table ``(n_labels + 1, n_labels + 1)``, from rows to columns. Its last
    row is for the first label of a sequence, its last column for the last label. None allows
    all transitions.
    """

    def layer(
        p: Any, emissions: np.ndarray, packing: Packing, rng: RandomState | None = None
    ) -> tuple[Chain, Back]:
        def back(dchain: Chain, grad: Parameters, want_dx: bool = True) -> np.ndarray:
            for name, gradient in dchain.transitions.items():
                grad[name][...] = gradient
            return dchain.emissions

        return Chain(emissions, forbid(p, allowed), packing), back

    return layer


def forbid(transitions: Transitions, allowed: np.ndarray | None) -> Transitions:
    """Give the transitions that are not allowed the score ``-inf``."""
    if allowed is None:
        return transitions
    of = {"W": allowed[:-1, :-1], "start": allowed[-1, :-1], "end": allowed[:-1, -1]}
    return {name: np.where(of[name], p, -np.inf).astype(p.dtype) for name, p in transitions.items()}


def crf(chain: Chain, labels: np.ndarray, weight: np.ndarray) -> tuple[float, Chain]:
    """Negative log-likelihood of the paths, ``log Z - score``, and its gradient, a `Chain`.

    `labels` and `weight` ``(n_rows,)`` belong to the steps. The weight of a sequence is the mean
    of the positive weights of its steps. Steps of weight 0 are unlabelled: the likelihood is the
    sum over the paths that have the given labels at the other steps.
    """
    packing, is_free = chain.packing, weight == 0
    sums = reduce_steps(np.add, np.stack([weight, ~is_free], axis=1), packing.lengths)
    of_sequences = sums[:, 0] / np.maximum(sums[:, 1], 1)  # (n_sequences,)
    every = _expect(chain, of_sequences)
    if is_free.any():
        possible = is_free[:, None] | (np.arange(chain.emissions.shape[1]) == labels[:, None])
        masked = np.where(possible, chain.emissions, -np.inf).astype(chain.emissions.dtype)
        given = _expect(chain._replace(emissions=masked), of_sequences)
    else:
        given = _path(chain, labels, of_sequences)
    transitions = {name: every.counts[name] - given.counts[name] for name in every.counts}
    gradient = every.marginals - given.marginals
    has_weight = of_sequences > 0
    value = of_sequences[has_weight] @ (every.log_z - given.log_z)[has_weight]
    return value, Chain(gradient, transitions, packing)


def marginals(chain: Chain) -> np.ndarray:
    """Compute the probability of each label at each step, of shape (n_rows, n_labels)."""
    p = _expect(chain, np.ones(chain.packing.n_sequences, chain.emissions.dtype)).marginals
    total = p.sum(axis=1, keepdims=True)  # 1 up to rounding, 0 if no path is allowed
    return p / np.where(total > 0, total, 1)


def log_partition(chain: Chain) -> np.ndarray:
    """Compute the logarithm of the sum over all paths of each sequence; 0 without steps."""
    if not len(chain.emissions):
        return np.zeros(chain.packing.n_sequences)
    return _end(chain, _forward(chain))[0]


class _Expected(NamedTuple):
    """Log-partition of each sequence, and its gradient: expected labels and transitions.

    log_z (n_sequences,), marginals (n_rows, n_labels), counts like the transitions. The gradients
    are weighted by the sequence.
    """

    log_z: np.ndarray
    marginals: np.ndarray
    counts: dict[str, np.ndarray]


def _path(chain: Chain, labels: np.ndarray, weight: np.ndarray) -> _Expected:
    """Compute the score of given paths in place of the sum over paths."""
    packing, (n_rows, n_labels) = chain.packing, chain.emissions.shape
    W, start, end = (chain.transitions[name] for name in ("W", "start", "end"))
    wide = np.result_type(chain.emissions, W, start, end, np.float64)
    of_rows = np.repeat(weight, packing.lengths)
    is_first, is_last = np.zeros(n_rows, bool), np.zeros(n_rows, bool)
    has_steps = packing.lengths > 0
    is_first[packing.offsets[has_steps]] = True
    is_last[(packing.offsets + packing.lengths)[has_steps] - 1] = True
    scores = chain.emissions[np.arange(n_rows), labels].astype(wide)
    scores[is_first] += start[labels[is_first]]
    scores[is_last] += end[labels[is_last]]
    rows = np.flatnonzero(~is_first)
    before, now = labels[rows - 1], labels[rows]
    scores[rows] += W[before, now]
    onehot = np.zeros((n_rows, n_labels), weight.dtype)
    onehot[np.arange(n_rows), labels] = of_rows
    pairs = np.bincount(before * n_labels + now, of_rows[rows], minlength=n_labels**2)
    counts = {
        "W": pairs.reshape(n_labels, n_labels),
        "start": onehot[is_first].sum(axis=0),
        "end": onehot[is_last].sum(axis=0),
    }
    return _Expected(reduce_steps(np.add, scores, packing.lengths), onehot, counts)


def _expect(chain: Chain, weight: np.ndarray) -> _Expected:
    """Run the forward pass, and its derivative."""
    packing, (n_rows, n_labels) = chain.packing, chain.emissions.shape
    dtype = np.result_type(chain.emissions, *chain.transitions.values())
    if not n_rows:
        counts = {name: np.zeros_like(p, dtype) for name, p in chain.transitions.items()}
        zeros = np.zeros(packing.n_sequences, np.result_type(dtype, np.float64))
        return _Expected(zeros, np.zeros((0, n_labels), dtype), counts)
    f = _forward(chain)
    log_z, share, total = _end(chain, f)
    share *= weight[packing.lengths > 0].astype(dtype) / np.where(total == 0, 1, total)

    marginals = np.zeros((n_labels, n_rows), dtype)
    marginals[:, packing.last] = share
    dW = _backward(f, marginals, packing)
    counts = {
        "W": dW,
        "start": marginals[:, packing.steps[0][0]].sum(axis=1),
        "end": share.sum(axis=1),
    }
    return _Expected(log_z, marginals.T[packing.to_concatenated], counts)


def _end(chain: Chain, f: _Forward) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum over the labels of the last steps, after `_forward`.

    Returns the log-partition of each sequence, and for those with steps the shares of the labels,
    scaled to a maximum of 1, and their sum.
    """
    packing = chain.packing
    has_steps = packing.lengths > 0
    ends = f.log_a[:, packing.last] + chain.transitions["end"][:, None]
    peak = _peak(ends)
    share = np.exp(ends - peak)  # (n_labels, n_sequences)
    total = share.sum(axis=0)
    log_z = np.zeros(packing.n_sequences, np.result_type(share, np.float64))
    with np.errstate(divide="ignore"):  # no path is allowed
        log_z[has_steps] = np.log(total) + peak + f.shift[has_steps]
    return log_z, share, total


class _Forward(NamedTuple):
    """What the forward pass keeps; lists have an item for each step.

    `T` (n_labels, n_labels) is ``exp(W)``, with a maximum of 1 in each column. `A` are the shares
    of the labels, `S` those of the next step before its emissions, ``T.T A``, and `repairs` what
    `_repair` has computed in place of entries of S. `log_a` (n_labels, n_rows) is the logarithm of
    A before scaling, and `shift` (n_sequences,) the sum of what scaling subtracts, but for the last
    step.
    """

    T: np.ndarray
    A: list[np.ndarray]
    S: list[np.ndarray]
    repairs: list[Any]
    log_a: np.ndarray
    shift: np.ndarray


def _forward(chain: Chain) -> _Forward:
    """Sum over the paths up to each step."""
    packing, W = chain.packing, chain.transitions["W"]
    top = _peak(W)
    T = np.exp(W - top)
    smallest = np.finfo(T.dtype).tiny / np.finfo(T.dtype).eps
    dtype = np.result_type(chain.emissions, *chain.transitions.values())
    emissions = np.array(chain.emissions[packing.to_packed].T, dtype, order="C")
    first = packing.steps[0][0]
    emissions[:, first] += chain.transitions["start"][:, None]
    emissions[:, first.stop :] += top[:, None]
    log_a = emissions[:, first]
    A: list[np.ndarray] = []
    S: list[Any] = [None]
    repairs: list[Any] = [None]
    logs, peaks = [log_a], [_peak(log_a)]
    for now, _ in packing.steps[1:]:
        n = now.stop - now.start
        log_before = logs[-1] - peaks[-1]
        A.append(np.exp(log_before))
        s = np.dot(T.T, A[-1][:, :n])
        repair = None
        if s.real.min() < smallest:
            repair, log_s = _repair(s, log_before, W - top, smallest)
        else:
            log_s = np.log(s)
        log_s += emissions[:, now]
        logs.append(log_s)
        peaks.append(_peak(log_s))
        S.append(s)
        repairs.append(repair)
    log_a, shift = np.concatenate(logs, axis=1), np.concatenate(peaks)
    shift = shift.astype(np.float64)
    shift[packing.last] = 0
    shift = reduce_steps(np.add, shift[packing.to_concatenated], packing.lengths)
    return _Forward(T, A, S, repairs, log_a, shift)


def _repair(
    s: np.ndarray, log_before: np.ndarray, W: np.ndarray, smallest: float
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Compute the smallest entries of ``s = exp(W).T exp(log_before)`` from logarithms.

    In `s` they become infinite, so that nothing is passed back to what underflowed. Returns what
    `_backward` needs in their place: labels, columns, and the shares of the labels before, one
    column for each entry; and the logarithm of all of `s`.
    """
    to, column = np.nonzero(s.real < smallest)
    scores = log_before[:, column] + W[:, to]  # (n_labels, n_entries)
    peak = _peak(scores)
    share = np.exp(scores - peak)
    total = share.sum(axis=0)
    s[to, column] = 1
    log_s = np.log(s)
    with np.errstate(divide="ignore"):
        log_s[to, column] = np.log(total) + peak
    s[to, column] = np.inf
    share /= np.where(total == 0, 1, total)
    return (to, column, share), log_s


def _backward(f: _Forward, marginals: np.ndarray, packing: Packing) -> np.ndarray:
    """Differentiate `_forward`: complete the marginals (n_labels, n_rows) from those at the ends.

    Returns the expected number of each transition.
    """
    extra = np.zeros(f.T.shape, marginals.dtype)
    Q: list[np.ndarray] = []
    n_sequences = packing.n_sequences
    for t in range(packing.n_steps - 1, 0, -1):
        now, before = packing.steps[t]
        of_step = marginals[:, now]
        q = of_step / f.S[t]
        passed = np.dot(f.T, q)
        passed *= f.A[t - 1][:, : now.stop - now.start]
        if f.repairs[t] is not None:
            to, column, share = f.repairs[t]
            share = share * of_step[to, column]
            np.add.at(passed.T, column, share.T)
            np.add.at(extra.T, to, share.T)
        marginals[:, before.start - n_sequences : before.stop - n_sequences] += passed
        Q.append(q)
    if not Q:
        return extra
    A = [a[:, : now.stop - now.start] for a, (now, _) in zip(f.A, packing.steps[1:], strict=True)]
    counts: np.ndarray = (
        f.T * np.dot(np.concatenate(A, axis=1), np.concatenate(Q[::-1], axis=1).T) + extra
    )
    return counts


def _peak(scores: np.ndarray) -> np.ndarray:
    """Get the largest real part of each column; a large negative number if all are ``-inf``."""
    real = scores.real
    peak: np.ndarray = real.max(axis=0, initial=np.finfo(real.dtype).min / 4)
    return peak


# Paths ---------------------------------------------------------------------------------------

_BLOCK = 2**16  # numbers in an array of scores of transitions


def viterbi(chain: Chain) -> tuple[np.ndarray, np.ndarray]:
    """Find the path of the highest score: labels (n_rows,), and whether it is allowed.

    Of paths of equal score it is the one whose last label comes first, then the label before it.
    The second result has an entry for each sequence.
    """
    packing = chain.packing
    W, start, end = (chain.transitions[name] for name in ("W", "start", "end"))
    scores: list[np.ndarray] = []
    for now, _ in packing.steps:
        if not scores:
            v = np.repeat(start[:, None], now.stop, axis=1)
        else:
            v = _best_before(scores[-1][:, : now.stop - now.start], W)
        v += chain.emissions[packing.to_packed[now]].T
        scores.append(v - _peak(v))
    labels = np.empty(packing.n_rows, np.intp)
    is_allowed = np.ones(packing.n_sequences, bool)
    after = np.empty(0, np.intp)
    for v, (now, _) in zip(reversed(scores), reversed(packing.steps), strict=True):
        total = v + end[:, None]
        total[:, : len(after)] = v[:, : len(after)] + W[:, after]
        ended = packing.order[len(after) : v.shape[1]]
        after = total.argmax(axis=0)
        is_allowed[ended] = total.max(axis=0)[v.shape[1] - len(ended) :] > -np.inf
        labels[now] = after
    return labels[packing.to_concatenated], is_allowed


def _best_before(v: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Maximize ``v[i] + W[i, j]`` over i: v (n_labels, n), result (n_labels, n)."""
    n_labels, n = v.shape
    size = max(1, _BLOCK // (n_labels * n))
    best = np.full((n_labels, n), -np.inf, v.dtype)
    for i in range(0, n_labels, size):
        block = v[i : i + size, None, :] + W[i : i + size, :, None]
        np.maximum(best, block.max(axis=0), out=best)
    return best


def best_paths(chain: Chain, n_paths: int) -> tuple[np.ndarray, np.ndarray]:
    """Find several paths of the highest scores, best first (list Viterbi; Seshadri, 1994).

    Returns the labels (n_rows, n_paths) and the logarithms of the probabilities
    (n_sequences, n_paths). These are ``-inf`` for paths that do not exist. A sequence
    without steps has one path.
    """
    packing, n_labels = chain.packing, chain.emissions.shape[1]
    W, start, end = (chain.transitions[name] for name in ("W", "start", "end"))
    v = np.empty((0, n_labels, n_paths))
    pointers, ends = [], np.full((packing.n_sequences, n_labels, n_paths), -np.inf)
    for now, _ in packing.steps:
        n = now.stop - now.start
        if not len(v):
            v = np.full((n, n_labels, n_paths), -np.inf)
            v[:, :, 0] = start
        else:
            scores = v[:n, None] + W.T[:, :, None]  # (n, n_labels, n_labels before, n_paths)
            v, pointer = _largest(scores.reshape(n, n_labels, -1), n_paths)
            pointers.append(pointer)
        v = v + chain.emissions[packing.to_packed[now], :, None]
        ends[:n] = v  # the last step of each sequence remains
    ends += end[:, None]
    score, state = _largest(ends.reshape(len(ends), -1), n_paths)
    labels = np.empty((packing.n_rows, n_paths), np.intp)
    for t in range(packing.n_steps - 1, -1, -1):
        now = packing.steps[t][0]
        n = now.stop - now.start
        labels[now] = state[:n] // n_paths
        if t:
            of_row = pointers[t - 1].reshape(n, -1)
            state[:n] = np.take_along_axis(of_row, state[:n], axis=1)
    log_p = np.full((packing.n_sequences, n_paths), -np.inf)
    log_p[:, 0] = 0
    n_with_steps = int((packing.lengths > 0).sum())
    order = packing.order[:n_with_steps]
    score = score[:n_with_steps]
    exists = score > -np.inf
    log_p[order] = np.where(exists, score, 0) - log_partition(chain)[order, None]
    log_p[order] = np.where(exists, log_p[order], -np.inf)
    return labels[packing.to_concatenated], log_p


def _largest(scores: np.ndarray, n_paths: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the largest entries of the last axis, which is overwritten, and where they are.

    Of equal entries the first comes first.
    """
    found = np.empty((*scores.shape[:-1], n_paths))
    where = np.empty(found.shape, np.intp)
    for k in range(n_paths):
        best = scores.argmax(axis=-1)[..., None]
        where[..., k : k + 1] = best
        found[..., k : k + 1] = np.take_along_axis(scores, best, axis=-1)
        np.put_along_axis(scores, best, -np.inf, axis=-1)
    return found, where


def filter_labels(
    transitions: Transitions, emissions: np.ndarray, before: np.ndarray | None
) -> np.ndarray:
    """Continue the forward pass of n streams by one step: emissions (n, n_labels).

    `before` is what the function returned for the step before, None at the first step: the
    logarithm of the probability of each label given the steps so far.
    """
    if before is None:
        scores = emissions + transitions["start"]
    else:
        paths = before[:, :, None] + transitions["W"]  # (n, n_labels before, n_labels)
        scores = emissions + _log_sum(paths, axis=1)
    log_p: np.ndarray = scores - _log_sum(scores, axis=1)[:, None]
    return log_p


def smooth_labels(transitions: Transitions, filtered: np.ndarray) -> np.ndarray:
    """Compute marginals given all steps from those given the steps so far.

    `filtered` (n_steps, n, n_labels) holds the probabilities of the labels at the steps of n
    streams, as `filter_labels` gives them. This is the smoother of hidden Markov models: the
    filtered probabilities and the transitions determine the distribution of a label given the next
    one.
    """
    W = transitions["W"]
    T = np.exp(W - _peak(W))
    smoothed = np.array(filtered)
    for t in range(len(smoothed) - 2, -1, -1):
        joint = filtered[t][:, :, None] * T  # (n, n_labels, n_labels of the next step)
        total = joint.sum(axis=1)
        after = smoothed[t + 1] / np.where(total == 0, 1, total)
        smoothed[t] = np.matmul(joint, after[:, :, None])[:, :, 0]
    return smoothed


def _log_sum(scores: np.ndarray, axis: int) -> np.ndarray:
    """Compute the logarithm of a sum of exponentials."""
    peak = scores.real.max(axis=axis, keepdims=True, initial=np.finfo(scores.real.dtype).min / 4)
    with np.errstate(divide="ignore"):
        log_sum: np.ndarray = np.log(np.exp(scores - peak).sum(axis=axis)) + peak.squeeze(axis)
    return log_sum
