"""Settings for tests of parts that the defaults do not use, or use for too long."""

# With another schedule than "cosine", a fit ends by its loss or after 200 epochs.
CONSTANT_RATE = {"learning_rate": "constant"}
# A network that can stream.
ONE_DIRECTION = {"bidirectional": False}
# The smallest network: the output depends on the last state of one direction.
LAST_STATE = {"bidirectional": False, "pooling": "last"}
# No part of a regressor but the network itself, at the rate of the classifiers.
PLAIN = {"skip_connection": None, "learning_rate_init": 0.01, "dropout": 0}
