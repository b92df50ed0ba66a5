# Every target sets up what it needs in .venv; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-slow lint docs bench clean $(VENV)

help:  ## list the targets
	@awk -F ':.*##' '/^[a-z.][a-z-]*:.*##/ { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  PYTHON=...      the interpreter .venv is made from (now: $(PYTHON))"

demo: $(VENV)/.extra-demo  ## train the models on small tasks and show the results
	@$(BIN)/python examples/demo.py

test: $(VENV)/.extra-test $(VENV)/.extra-demo  ## unit tests and doctests, with coverage
	MPLBACKEND=Agg $(BIN)/python -m pytest --cov --cov-report=term:skip-covered

test-slow: $(VENV)/.extra-test $(VENV)/.extra-demo  ## the long task tests
	MPLBACKEND=Agg $(BIN)/python -m pytest -m slow

lint: $(VENV)/.extra-lint  ## ruff (rules and format) and mypy
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy skrnn

docs: docs/conf.py $(VENV)/.extra-docs  ## build the HTML documentation into docs/_build/html
	$(BIN)/python -m sphinx -b html -W --keep-going docs docs/_build/html

bench: benchmarks/run.py $(VENV)/.extra-bench  ## time skrnn against other libraries
	$(BIN)/python benchmarks/run.py

clean:  ## remove .venv and everything built
	rm -rf $(VENV) build dist docs/_build .coverage htmlcov .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find skrnn tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv: $(VENV)/.extra-test $(VENV)/.extra-demo  ## make the environment that demo and test use

# Reached only where the file is missing: say so instead of doing nothing.
docs/conf.py benchmarks/run.py:
	@echo "make: $@ does not exist, so there is nothing to run" >&2; exit 1

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "skrnn needs Python 3.11 or newer; try make PYTHON=python3.11")'
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# One stamp for each extra of pyproject.toml; a newer pyproject.toml reinstalls.
$(VENV)/.extra-%: pyproject.toml | $(VENV)/.created
	@echo "installing skrnn[$*] into $(VENV)"
	@$(PIP) install -q -e ".[$*]"
	@touch $@
