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


def gru_tagger(torch, n_features, n_units, n_outputs, bidirectional):
    """Return a module: a GRU on packed sequences, then a dense layer on the states of all steps.

    Its outputs are those of the steps of one sequence after the other, without padding.
    """

    class GRUTagger(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = torch.nn.GRU(
                n_features, n_units, batch_first=True, bidirectional=bidirectional
            )
            self.output = torch.nn.Linear((1 + bidirectional) * n_units, n_outputs)

        def forward(self, x, lengths):
            packed = torch.nn.utils.rnn.pack_padded_sequence(
                x, lengths, batch_first=True, enforce_sorted=False
            )
            states, _ = torch.nn.utils.rnn.pad_packed_sequence(
                self.gru(packed)[0], batch_first=True
            )
            return self.output(states[torch.arange(states.shape[1]) < lengths[:, None]])

    return GRUTagger()


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


def crf_tagger(torch, n_features, embedding_size, n_units, n_classes, dropout):
    """Return a module: an embedding of sparse steps, a GRU of two directions, and a CRF.

    A batch is the rows of a CSR matrix, one for each step, and the lengths of the sequences.
    """
    nn = torch.nn

    class CRFTagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.EmbeddingBag(n_features, embedding_size, mode="sum")
            nn.init.xavier_uniform_(self.embedding.weight)  # the default is for single tokens
            self.gru = nn.GRU(embedding_size, n_units, batch_first=True, bidirectional=True)
            self.dropout = nn.Dropout(dropout)
            self.output = nn.Linear(2 * n_units, n_classes)
            self.transitions = nn.Parameter(torch.zeros(n_classes, n_classes))
            self.start = nn.Parameter(torch.zeros(n_classes))
            self.end = nn.Parameter(torch.zeros(n_classes))

        def forward(self, rows, lengths):
            """Return the scores of labels, padded (n_sequences, n_steps, n_classes)."""
            indices = torch.from_numpy(rows.indices.astype(int))
            starts = torch.from_numpy(rows.indptr[:-1].astype(int))
            weights = torch.from_numpy(rows.data)
            steps = self.embedding(indices, starts, per_sample_weights=weights)
            padded = nn.utils.rnn.pad_sequence(steps.split(lengths.tolist()), batch_first=True)
            packed = nn.utils.rnn.pack_padded_sequence(
                padded, lengths, batch_first=True, enforce_sorted=False
            )
            states, _ = nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True)
            return self.output(self.dropout(states))

        def loss(self, emissions, labels, lengths):
            """Return the mean negative log-likelihood of padded labels."""
            n_steps, sequence = emissions.shape[1], torch.arange(len(lengths))
            is_step = torch.arange(n_steps) < lengths[:, None]
            of_labels = emissions.gather(2, labels[:, :, None])[:, :, 0]
            score = (of_labels * is_step).sum(1) + self.start[labels[:, 0]]
            score = score + self.end[labels[sequence, lengths - 1]]
            of_pairs = self.transitions[labels[:, :-1], labels[:, 1:]]
            score = score + (of_pairs * is_step[:, 1:]).sum(1)
            alpha = self.start + emissions[:, 0]
            for t in range(1, n_steps):
                after = torch.logsumexp(alpha[:, :, None] + self.transitions, 1) + emissions[:, t]
                alpha = torch.where(is_step[:, t, None], after, alpha)
            return (torch.logsumexp(alpha + self.end, 1) - score).mean()

        def decode(self, emissions, lengths):
            """Return the most likely labels of each sequence."""
            is_step = torch.arange(emissions.shape[1]) < lengths[:, None]
            score, best = self.start + emissions[:, 0], []
            for t in range(1, emissions.shape[1]):
                highest, before = (score[:, :, None] + self.transitions).max(1)
                score = torch.where(is_step[:, t, None], highest + emissions[:, t], score)
                best.append(before)
            paths = []
            for i, n in enumerate(lengths.tolist()):
                label = int((score[i] + self.end).argmax())
                path = [label]
                for before in reversed(best[: n - 1]):
                    label = int(before[i, label])
                    path.append(label)
                paths.append(np.array(path[::-1]))
            return paths

    return CRFTagger()
