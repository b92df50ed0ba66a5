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


def grud_classifier(torch, n_features, n_units, n_static, dropout):
    """Return a module: GRU-D (Che et al., 2018), three poolings, and the static features.

    The input has `n_features` values, as many indicators of missing ones, and as many times. The
    static features set the initial state, and stand beside the last, mean and largest states.
    """
    nn = torch.nn

    class GRUD(nn.Module):
        def __init__(self):
            super().__init__()
            self.rate = nn.Parameter(torch.full((n_features,), 0.01))
            self.offset = nn.Parameter(torch.zeros(n_features))
            self.decay = nn.Linear(n_features, n_units)
            self.cell = nn.GRUCell(2 * n_features, n_units)
            self.initial = nn.Linear(n_static, n_units, bias=False)
            self.dropout = nn.Dropout(dropout)
            self.output = nn.Linear(3 * n_units + n_static, 1)

        def forward(self, x, lengths, static):
            values, missing, elapsed = x.chunk(3, dim=2)
            left = torch.exp(-torch.relu(self.rate * elapsed + self.offset))
            values = values * (1 - missing + missing * left)
            inputs = torch.cat([values, missing], dim=2).unbind(1)
            decays = torch.exp(-torch.relu(self.decay(elapsed))).unbind(1)
            h, states = self.initial(static), []
            for x_t, decay in zip(inputs, decays, strict=True):
                h = self.cell(x_t, h * decay)
                states.append(h)
            is_step = (torch.arange(len(states)) < lengths[:, None])[:, :, None]
            states = torch.stack(states, dim=1)  # (n_sequences, n_steps, n_units)
            last = states[torch.arange(len(states)), lengths - 1]
            mean = (states * is_step).sum(1) / lengths[:, None]
            largest = states.masked_fill(~is_step, -1).amax(1)
            pooled = self.dropout(torch.cat([last, mean, largest], dim=1))
            return self.output(torch.cat([pooled, static], dim=1))[:, 0]

    return GRUD()
