"""Neural networks that are at home in scikit-learn."""

__version__ = "0.1.0"
