"""
Forecasts of a series, one year ahead
=====================================

The data are monthly surface temperatures of the Pacific off Peru. A network learns to predict the
next month. To forecast twelve months, its predictions are fed back as the next steps. It is
compared with three simple methods.
"""

# %%
# Windows
# -------
# `make_windows` cuts the series into windows of 24 months, with the twelve months that follow as
# targets. The first of them is the target of a network that predicts one step. The months after
# 1990 are the test part. Its first window ends where the training part ends.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from statsmodels.datasets import elnino

from skrnn import PerStep, SequenceRNNRegressor
from skrnn.convert import make_windows
from skrnn.forecasting import forecast

WINDOW, HORIZON = 24, 12

table = elnino.load_pandas().data  # a row for each year, a column for each month
series = table.iloc[:, 1:].to_numpy().ravel()
start = 12 * (1991 - int(table["YEAR"].iloc[0]))
X, y = make_windows(series[:start], window=WINDOW, horizon=HORIZON)
X_test, y_test = make_windows(series[start - WINDOW :], window=WINDOW, horizon=HORIZON)
print(f"{len(X)} windows for training, {len(X_test)} for the test")

# %%
# Methods
# -------
# Each method is a function that returns the forecasts for the windows of a test part. The network
# and ridge regression learn the next month, and `forecast` feeds the predictions back. With
# ``window=WINDOW`` they always read 24 months, as in training. The last network learns all
# twelve months at once, and needs no feedback.


def last_value(X, y, X_test):
    """The temperature stays as it is."""
    return np.repeat(X_test[:, -1], HORIZON, axis=1)


def last_year(X, y, X_test):
    """The next twelve months are like the last twelve."""
    return X_test[:, -12:, 0]


def ridge(X, y, X_test):
    """Ridge regression on the 24 months."""
    flatten = FunctionTransformer(lambda windows: windows.reshape(len(windows), -1))
    model = make_pipeline(flatten, RidgeCV(np.logspace(-2, 4, 13)))
    return forecast(model.fit(X, y[:, 0]), X_test, HORIZON, window=WINDOW)


def network(X, y, X_test):
    """A network with the default parameters, of the next month."""
    model = make_pipeline(PerStep(StandardScaler()), SequenceRNNRegressor(random_state=0))
    return forecast(model.fit(X, y[:, 0]), X_test, HORIZON, window=WINDOW)


def network_of_12_months(X, y, X_test):
    """A network with the default parameters, of twelve months at once."""
    model = make_pipeline(PerStep(StandardScaler()), SequenceRNNRegressor(random_state=0))
    return model.fit(X, y).predict(X_test)


methods = [last_value, last_year, ridge, network, network_of_12_months]

# %%
# Cross-validation in the order of time
# -------------------------------------
# `TimeSeriesSplit` trains on the windows before those that it tests on. Neighboring windows have
# targets in common. With ``gap=HORIZON - 1``, training and test windows have no targets in common.
# The scores are root mean squared errors in °C over all twelve months, one for each of three folds.


def rmse(forecasts, y):
    """Root mean squared error."""
    return np.sqrt(np.mean((forecasts - y) ** 2))


folds = TimeSeriesSplit(3, gap=HORIZON - 1, test_size=60)
for method in methods:
    scores = [rmse(method(X[a], y[a], X[b]), y[b]) for a, b in folds.split(X)]
    values = "  ".join(f"{score:.2f}" for score in scores)
    print(f"{method.__name__:22} {values}   mean {np.mean(scores):.2f}")

# %%
# The test part
# -------------

forecasts = {method.__name__: method(X, y, X_test) for method in methods}
for name, forecast_of_method in forecasts.items():
    print(f"{name:22} test {rmse(forecast_of_method, y_test):.2f}")

# %%
# Feeding back is about as good as learning twelve months at once, and both are as good as ridge
# regression, since the relation to the past is nearly linear. All of them are better than the
# temperatures of the last year. No method predicted the warm second half of 1997, an El Niño. The
# right figure shows the error for each number of months ahead.

COLOURS = dict(zip(forecasts, ["0.7", "0.4", "#56B4E9", "#D55E00", "#009E73"], strict=True))

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
year = int(table["YEAR"].iloc[0]) + np.arange(len(series)) / 12
shown = slice(start + 36, start + 96)
left.plot(year[shown], series[shown], color="black", linewidth=1, label="observed")
for name in ("last_year", "ridge", "network"):
    for window in range(48, 96, 12):  # the windows that end in December
        months = year[start + window : start + window + HORIZON]
        left.plot(months, forecasts[name][window], color=COLOURS[name], linewidth=1.5)
left.set(title="Forecasts of the next twelve months", xlabel="year", ylabel="temperature (°C)")
for name, forecast_of_method in forecasts.items():
    errors = np.sqrt(np.mean((forecast_of_method - y_test) ** 2, axis=0))
    label = name.replace("_", " ")
    right.plot(np.arange(1, HORIZON + 1), errors, color=COLOURS[name], label=label, linewidth=2)
right.set(title="Error in the test part", xlabel="months ahead", ylabel="RMSE (°C)", ylim=0)
left.legend(loc="upper left")
right.legend(loc="lower right", ncols=2, fontsize=8)
plt.show()
