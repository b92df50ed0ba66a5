"""Layers that know nothing of time, and the pooling that ends it.

Every layer has one shape: ``y, back = layer(p, x, ...)``. The forward pass returns its own
backward pass, a function that still holds whatever it needs: ``dx = back(dy, g)`` writes the
gradient of the layer's parameters into ``g``, named as in ``p``, and returns that of its
input. ``dx`` stands for the derivative of the loss with respect to ``x``. The first layer of a
network is told ``want_dx=False``: nobody reads the gradient of the data.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from skrnn._numeric.activations import ACTIVATIONS


def dense(p, x):
    """Affine map ``y = x W + b``: x (n, n_in), W (n_in, n_out), b (n_out,), y (n, n_out)."""
    W = p["W"]
    y = x.dot(W)  # half the time of a small x @ W, and known to sparse x too
    y += p["b"]

    def back(dy, g, want_dx=True):
        _ones(len(dy), dy.dtype).dot(dy, out=g["b"])  # a fifth of the time of a sum
        g["W"][...] = x.T.dot(dy)
        return dy.dot(W.T) if want_dx else None

    return y, back


@lru_cache(maxsize=8)
def _ones(n, dtype):
    return np.ones(n, dtype)


def activate(x, name):
    """Apply a named activation, overwriting x; ``dx = dy f'(x)`` needs the output alone."""
    f, derivative = ACTIVATIONS[name]
    y = f(x, out=x)

    def back(dy, g=None):
        dx = derivative(y)
        dx *= dy
        return dx

    return y, back


def dropout(x, rate, rng):
    """Zero each entry with probability `rate` and scale the others up (Srivastava et al., 2014).

    With ``rng=None`` (prediction) or ``rate=0`` it is the identity.
    """
    if rng is None or rate == 0:
        return x, lambda dy, g=None: dy
    keep = (rng.random_sample(x.shape) >= rate) / (1 - rate)
    keep = keep.astype(x.real.dtype, copy=False)
    return x * keep, lambda dy, g=None: dy * keep


def pool_last(h, packing):
    """State after the last step of each sequence: h (n_rows, units), y (n_sequences, units)."""

    def back(dy, g=None):
        dh = np.zeros_like(h)
        dh[packing.last] = dy
        return dh

    return h[packing.last], back


def pool_mean(h, packing):
    """Mean state over the steps of each sequence."""
    lengths = _lengths(packing)
    y = np.add.reduceat(h[packing.to_concatenated], packing.offsets, axis=0)
    y /= lengths[:, None].astype(h.real.dtype)

    def back(dy, g=None):
        share = dy / lengths[:, None].astype(dy.dtype)
        return np.repeat(share, lengths, axis=0)[packing.to_packed]

    return y, back


def pool_max(h, packing):
    """Largest state of each unit over the steps; steps that tie share the gradient."""
    lengths, concatenated = _lengths(packing), h[packing.to_concatenated]
    y = np.maximum.reduceat(concatenated, packing.offsets, axis=0)

    def back(dy, g=None):
        largest = concatenated == np.repeat(y, lengths, axis=0)
        ties = np.add.reduceat(largest, packing.offsets, axis=0, dtype=dy.dtype)
        dh = np.repeat(dy / ties, lengths, axis=0)
        dh *= largest
        return dh[packing.to_packed]

    return y, back


def attend(p, h, packing):
    """Attention over the steps (Raffel & Ellis, 2015): h (n_rows, units), y (n_sequences, units).

    ``y = sum_t a_t h_t``, where the shares ``a`` of the steps of a sequence are the softmax
    of ``h_t W`` over them: W (units, 1).
    """
    lengths, starts = _lengths(packing), packing.offsets
    h = h[packing.to_concatenated]
    share = h.dot(p["W"])
    share -= np.repeat(np.maximum.reduceat(share, starts), lengths, axis=0)
    np.exp(share, out=share)
    share /= np.repeat(np.add.reduceat(share, starts), lengths, axis=0)

    def back(dy, g):
        dy = np.repeat(dy, lengths, axis=0)
        dscore = share * (dy * h).sum(axis=1, keepdims=True)
        dscore -= share * np.repeat(np.add.reduceat(dscore, starts), lengths, axis=0)
        g["W"][...] = h.T.dot(dscore)
        dh = share * dy
        dh += dscore * p["W"].T
        return dh[packing.to_packed]

    return np.add.reduceat(share * h, starts), back


def attend_on(p, h, before=None):
    """One more step of `attend`: h (n, units), y (n, units), and what the next step goes on from.

    That is, side by side, the sum of ``exp(e_t - peak) h_t``, the sum of ``exp(e_t - peak)``
    and the peak, the largest ``e_t = h_t W`` so far.
    """
    peak = e = h.dot(p["W"])
    sums = np.concatenate([h, np.ones_like(e)], axis=1)
    if before is not None:
        peak = np.maximum(before[:, -1:], e)
        sums = np.exp(before[:, -1:] - peak) * before[:, :-1] + np.exp(e - peak) * sums
    return sums[:, :-1] / sums[:, -1:], np.concatenate([sums, peak], axis=1)


def each_step(h, packing):
    """No pooling: the states of all steps, sequence after sequence."""
    return h[packing.to_concatenated], lambda dy, g=None: dy[packing.to_packed]


def turn(h, packing):
    """Turn every sequence back to front. Doing it twice undoes it, so `back` is the same."""
    return h[packing.reverse], lambda dy, g=None: dy[packing.reverse]


def _lengths(packing):
    return np.diff(packing.offsets, append=packing.n_rows)


POOLINGS = {"last": pool_last, "mean": pool_mean, "max": pool_max, None: each_step}
