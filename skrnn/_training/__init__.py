"""Training of networks: threads and memory."""
