"""One training run: its options, targets, monitor, epochs and threads."""
