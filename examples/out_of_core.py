"""Train on data larger than memory: a Parquet file is read one row group at a time.

Run it with ``python examples/out_of_core.py``. It needs pyarrow and Linux. The memory of the
process is limited to ``--limit``. With ``--dask``, the same data are read through a Dask data
frame. With ``--whole``, all data are read at once, which fails under the same limit.

The file has one row per sequence: a list of the values of all its steps, one step after the other,
and its label. Arrow stores the lists of a row group consecutively in one array. `skrnn.Sequences`
uses the same layout, so the data are neither copied nor converted.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # other pools reserve address space

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.preprocessing import StandardScaler

from skrnn import SequenceRNNClassifier, Sequences, as_sequences

N_FEATURES = 32
MIB = 2**20


def write(path, n_groups, n_sequences, random_state=0):
    """Write random sequences of two classes, one row group at a time."""
    rng = np.random.default_rng(random_state)
    schema = pa.schema([("steps", pa.list_(pa.float32())), ("label", pa.int8())])
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        for _ in range(n_groups):
            y = rng.integers(2, size=n_sequences)
            lengths = rng.integers(10, 51, size=n_sequences)
            values = rng.standard_normal((lengths.sum(), N_FEATURES), dtype=np.float32)
            values[:, 0] += np.repeat(y - 0.5, lengths)
            offsets = np.concatenate([[0], np.cumsum(lengths * N_FEATURES)])
            steps = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values.ravel())
            writer.write_table(pa.table([steps, pa.array(y, pa.int8())], schema=schema))


def as_Xy(table):
    """Return a view of a table or row group as sequences and labels."""
    steps = table["steps"]
    steps = steps.chunk(0) if steps.num_chunks == 1 else steps.combine_chunks()  # this copies
    lengths = np.diff(steps.offsets.to_numpy()) // N_FEATURES
    values = steps.flatten().to_numpy().reshape(-1, N_FEATURES)
    return Sequences(values, lengths), table["label"].to_numpy()


def row_groups(path):
    """Yield sequences and labels of each row group of a file; only one is in memory."""
    file = pq.ParquetFile(path, buffer_size=MIB, pre_buffer=False)
    for i in range(file.num_row_groups):
        yield as_Xy(file.read_row_group(i, use_threads=False))


def partitions(path):
    """Yield sequences and labels of each partition of a Dask data frame."""
    import dask.dataframe as dd

    for partition in dd.read_parquet(path, split_row_groups=1).partitions:
        frame = partition.compute(scheduler="synchronous")
        X = [values.reshape(-1, N_FEATURES) for values in frame["steps"]]
        yield as_sequences(X), frame["label"].to_numpy()


def network():
    """Return the network to train."""
    return SequenceRNNClassifier(
        8, cell="rnn", bidirectional=False, pooling="last", learning_rate_init=0.003, random_state=0
    )


def train(path, parts=row_groups, n_epochs=1):
    """Fit the scaler in one pass over the data, then train the network for `n_epochs`."""
    scaler = StandardScaler()
    for X, _ in parts(path):
        scaler.partial_fit(X.values)
    clf = network()
    for _ in range(n_epochs):
        for X, y in parts(path):
            scaled = X.with_values(scaler.transform(X.values))
            clf.partial_fit(scaled, y, classes=[0, 1])
    return scaler, clf


def train_whole(path):
    """Train in the same way with all data in memory."""
    # Arrow's threads are disabled, because they can deadlock if an allocation fails.
    X, y = as_Xy(pq.ParquetFile(path, pre_buffer=False).read(use_threads=False))
    scaler = StandardScaler().fit(X.values)
    scaled = X.with_values(scaler.transform(X.values))
    return scaler, network().partial_fit(scaled, y, classes=[0, 1])


def memory(what):
    """Return the memory of this process reported by Linux, in MiB.

    "VmRSS" is the resident memory, "VmHWM" its peak, and "VmSize" the address space.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what + ":"))


def limit_memory(mib):
    """Limit the address space of this process to `mib` more than its current size."""
    size = int((memory("VmSize") + mib) * MIB)
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def main(args):
    """Write the data in a separate process, train, and print memory and time."""
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = Path(folder) / "sequences.parquet"
        writer = os.fork()
        if not writer:
            write(path, args.groups, args.sequences)
            os._exit(0)
        assert os.waitpid(writer, 0)[1] == 0
        parts = partitions if args.dask else row_groups
        X, y = next(parts(path))  # imports what the libraries import lazily
        del X, y
        before = memory("VmRSS")
        limit_memory(args.limit)
        began = time.perf_counter()
        scaler, clf = train_whole(path) if args.whole else train(path, parts)
        seconds = time.perf_counter() - began
        peak = memory("VmHWM")
        X, y = next(row_groups(path))
        accuracy = clf.score(X.with_values(scaler.transform(X.values)), y)
        result = {
            "data on disk, MiB": round(path.stat().st_size / MIB, 1),
            "row groups": args.groups,
            "limit above start, MiB": args.limit,
            "resident at start, MiB": round(before, 1),
            "highest resident, MiB": round(peak, 1),
            "growth, MiB": round(peak - before, 1),
            "sequences seen": clf.t_,
            "accuracy": round(accuracy, 3),
            "seconds": round(seconds, 1),
        }
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", type=int, default=64)
    parser.add_argument("--sequences", type=int, default=2000, help="in each row group")
    parser.add_argument("--limit", type=int, default=96, help="MiB in addition to the start")
    parser.add_argument("--folder", default=None, help="folder for the data (default: temporary)")
    parser.add_argument("--dask", action="store_true", help="read partitions of a Dask frame")
    parser.add_argument("--whole", action="store_true", help="read everything at once")
    sys.exit(main(parser.parse_args()))
