"""The numerical core: pure functions of arrays. It needs NumPy and SciPy only.

Read it in this order: ``params`` (one flat vector), ``packing`` (ragged sequences
without padding), ``activations``, ``losses``, ``layers``, ``recurrent`` (the cells), ``crf``
(labels of steps as a path), ``networks`` (how layers are combined), ``optimizers`` and
``training``.
"""
