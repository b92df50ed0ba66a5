"""A typical recurrent classifier in PyTorch, optionally with weights of skrnn."""

import numpy as np

# Indices of the gates of skrnn in the order of PyTorch: reset, update, new.
GRU_GATES = [1, 0, 2]


def gru_classifier(torch, n_features, n_units, n_classes):
    """Return a module: a GRU on packed sequences, then a dense layer on the last states."""

    class GRUClassifier(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = torch.nn.GRU(n_features, n_units, batch_first=True)
            self.output = torch.nn.Linear(n_units, n_classes)

        def forward(self, x, lengths):
            packed = torch.nn.utils.rnn.pack_padded_sequence(
                x, lengths, batch_first=True, enforce_sorted=False
            )
            return self.output(self.gru(packed)[1][-1])

    return GRUClassifier()


def pad(torch, sequences):
    """Return NumPy arrays as one padded tensor, and their lengths."""
    tensors = [torch.from_numpy(sequence) for sequence in sequences]
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True), lengths


def copy_dense(torch, layer, p):
    """Copy weights of skrnn to a dense layer."""
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(p["W"].T.copy()))
        layer.bias.copy_(torch.from_numpy(p["b"]))


def copy_gru(torch, layer, p):
    """Copy weights of skrnn to a GRU layer."""
    b_hh = np.zeros_like(p["b"])
    b_hh[2] = p["b_rec"]
    theirs = [np.hstack(p["W"][GRU_GATES]).T, np.hstack(p["U"][GRU_GATES]).T]
    theirs += [p["b"][GRU_GATES].ravel(), b_hh.ravel()]
    with torch.no_grad():
        for tensor, array in zip(layer.parameters(), theirs, strict=True):
            tensor.copy_(torch.from_numpy(array.copy()))
