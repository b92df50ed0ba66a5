"""Leave out doctests that need what is not installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("skl2onnx") else ["skrnn/onnx"]
