"""Estimators as trees of arrays and JSON: which classes, how they are stored, what is checked."""
