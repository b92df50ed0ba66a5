"""Grid search on ragged sequences in the worker processes of a Dask cluster.

Run it with ``python examples/search_on_dask.py``; it needs ``distributed``.
"""

import joblib
from distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import PerStep, SequenceRNNClassifier
from skrnn.datasets import load_japanese_vowels


def search(X, y, address):
    """Search over cells and sizes of a network on the Dask cluster at `address`."""
    clf = SequenceRNNClassifier(max_iter=20, random_state=0)
    pipe = make_pipeline(PerStep(StandardScaler()), clf)
    grid = {
        "sequencernnclassifier__cell": ["gru", "lstm"],
        "sequencernnclassifier__hidden_layer_sizes": [8, 16],
    }
    with Client(address), joblib.parallel_config(backend="dask"):
        return GridSearchCV(pipe, grid, cv=3).fit(X, y)


def main():
    """Start a cluster of two processes on this machine and run the search."""
    X, y = load_japanese_vowels(return_X_y=True)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        found = search(X, y, cluster)
    print(f"{found.best_params_}: accuracy {found.best_score_:.3f}")


if __name__ == "__main__":  # the workers import this file
    main()
