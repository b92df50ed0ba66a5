"""Preparation of sequences: scaling, missing values, static columns and words."""

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from benchmarks import gaps, tagging
from benchmarks.leaderboard.data import STEP_CLASSES, DataSet
from skrnn import ForwardImputer, PerStep, TableTransformer

# Settings of the documentation for tags of words, and for sequences with most values missing.
TAGS = {**tagging.NETWORK, "loss": "crf"}
GAPS = {**gaps.NETWORK, "cell": "gru_d"}


def prepare(data: DataSet):
    """Return the preparation that untouched networks and several baselines share.

    Numbers are scaled, missing ones become the mean, and texts become indicators.
    """
    if data.is_text:
        return PerStep(OneHotEncoder(handle_unknown="ignore", min_frequency=2))
    return scale(data, scaler_with_means() if data.missing else StandardScaler())


def prepare_as_recommended(data: DataSet):
    """Return the preparation that the documentation recommends.

    Words become dictionaries of features, and rare characters share one indicator. Missing values
    become the last observed ones; if most values are missing, with indicators and times.
    """
    if is_tagging(data):
        words = FunctionTransformer(features_of_words)
        return make_pipeline(words, PerStep(DictVectorizer(dtype=np.float32)))
    if data.is_text:
        return PerStep(OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=2))
    if not data.missing:
        return prepare(data)
    added = data.mostly_missing
    imputer = ForwardImputer(add_indicator=added, add_elapsed=added)
    return make_pipeline(scale(data, StandardScaler()), imputer)


def settings_as_recommended(data: DataSet) -> dict:
    """Return the settings that the documentation recommends for tags of words and for gaps."""
    if is_tagging(data):
        return TAGS
    return GAPS if data.mostly_missing else {}


def is_tagging(data: DataSet) -> bool:
    """Return whether words have a class each."""
    return data.is_text and data.kind == STEP_CLASSES


def scale(data: DataSet, steps):
    """Return a transformer of steps, and of static columns if there are any."""
    return PerStep(steps) if data.static is None else TableTransformer(steps, scaler_with_means())


def scaler_with_means():
    """Return a scaler that puts the mean in place of missing values."""
    return make_pipeline(StandardScaler(), SimpleImputer(keep_empty_features=True))


def features_of_words(sentences):
    """Return a dictionary of features for each word."""
    return [[tagging.describe(word) for word in words] for words in sentences]
