"""Scores of skrnn and other methods on real data; run ``python -m benchmarks.leaderboard``."""
