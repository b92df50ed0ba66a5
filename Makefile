# Every target sets up what it needs in .venv; `make help` lists them.
PYTHON ?= python3
VENV := .venv
SCRIPTS := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
BIN := $(VENV)/$(SCRIPTS)
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-unit coverage environments test-pythons test-slow test-oldest test-middle \
	test-sklearn test-aeon test-nightly test-wheel lint docs linkcheck \
	release bench compare history leaderboard mutation clean $(VENV)

help:  ## list the targets
	@awk -F ':.*##' '/^[a-z.][a-z-]*:.*##/ { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  PYTHON=...         the interpreter .venv is made from (now: $(PYTHON))"

demo: $(VENV)/.extra-demo  ## train the models on small tasks and show the results
	@$(BIN)/python examples/demo.py

# Processes instead of threads: a test each on every core, one thread of BLAS for each. At the end, a
# process without tests takes those that wait behind a long one in another.
PYTEST := MPLBACKEND=Agg OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

test: test-unit  ## all tests but the long ones; a part of them on other Pythons
	@$(MAKE) --no-print-directory test-pythons

test-unit: $(VENV)/.extra-test $(VENV)/.extra-demo  ## all tests but the long ones, on one Python
	$(PYTEST)

# A third slower than the tests alone.
coverage: $(VENV)/.extra-test $(VENV)/.extra-demo  ## the same tests, with the branches that they reach
	$(PYTEST) --cov --cov-report=term:skip-covered

# One after the other: pip uses one core, and .ci/run does other work on another at that time.
environments: $(VENV)/.created  ## make the environments of test-pythons, test-oldest and test-middle
	@for version in $$($(BIN)/python tests/smoke/pythons.py 2>/dev/null); do \
		$(MAKE) --no-print-directory $(VENV)/.py$$version || exit 1; \
	done
	@$(MAKE) --no-print-directory $(VENV)/.sklearn-oldest $(VENV)/.sklearn-$(MIDDLE)

test-slow: $(VENV)/.extra-test $(VENV)/.extra-demo  ## the long task tests
	$(PYTEST) -m slow

# What depends on the Python: docstrings, import with -O and -OO, saved files.
TESTS_PYTHONS := skrnn $(addprefix tests/, _numeric/test_training.py _numeric/test_packing.py \
	test_docstrings.py test_layers.py test_persistence.py test_sequences.py test_training_control.py)
# What depends on the newest versions of the dependencies. The newest Python has them.
TESTS_NEWEST := $(addprefix tests/, test_preprocessing.py test_regressors.py test_sklearn_checks.py)
test-pythons: $(VENV)/.created  ## a part of the tests on each other Python that is found
	@versions=$$($(BIN)/python tests/smoke/pythons.py) || exit 1; for version in $$versions; do \
		test $$version = $${versions##*[[:space:]]} && newest= || newest=TESTS_NEWEST=; \
		$(MAKE) --no-print-directory test-py$$version $$newest || exit 1; \
	done

# For example, make test-py3.12 runs that part on Python 3.12.
test-py%: $(VENV)/.py%
	@echo "testing on Python $*"
	$(subst $(BIN),$(VENV)/py$*/$(SCRIPTS),$(PYTEST)) -q $(TESTS_PYTHONS) $(TESTS_NEWEST)

# What touches NumPy, SciPy and scikit-learn in ways of its own; formulas are the same anywhere.
TESTS_SKLEARN := skrnn $(addprefix tests/, test_compat.py test_compose.py test_metadata_of_steps.py \
	test_metrics.py test_misuse.py test_model_selection.py test_preprocessing.py \
	test_sklearn_checks.py test_tables.py)
TESTS_OLD := $(TESTS_SKLEARN) $(addprefix tests/, datasets _numeric/test_training.py \
	_numeric/test_losses.py _numeric/test_packing.py _numeric/test_optimizers.py \
	reliability/test_fuzz_X.py test_checkpoint.py test_forecasting.py test_frames.py \
	test_input_forms.py test_inspection.py test_missing_targets.py test_mlp_regressor.py \
	test_names.py test_per_sequence.py test_reproducible.py test_sequences.py test_states.py \
	test_training_control.py)
# $(call test_with,VERSION,TESTS); parametrize of scikit-learn before 1.9 is that of pytest before 9.1.
VERSIONS := import numpy, scipy, sklearn; print(*(f"{p.__name__} {p.__version__}" for p in (numpy, scipy, sklearn)))
define test_with
$(VENV)/sklearn-$(1)/$(SCRIPTS)/python -c '$(VERSIONS)'
$(subst $(BIN),$(VENV)/sklearn-$(1)/$(SCRIPTS),$(PYTEST)) -q -W ignore::pytest.PytestRemovedIn10Warning $(2)
endef

test-oldest: $(VENV)/.sklearn-oldest  ## what depends on versions, with the oldest that pyproject.toml allows
	$(call test_with,oldest,$(TESTS_OLD))

# Between the oldest and the newest: the last without callbacks, which other libraries require.
MIDDLE := 1.8
test-middle: $(VENV)/.sklearn-$(MIDDLE)  ## what depends on scikit-learn, with a version between
	$(call test_with,$(MIDDLE),$(TESTS_SKLEARN))

# For example, make test-sklearn VERSION=1.7. The oldest versions are those of test-oldest.
VERSION := oldest
test-sklearn: $(VENV)/.sklearn-$(VERSION)  ## all tests but the long ones, with VERSION=1.7 of scikit-learn
	$(call test_with,$(VERSION))

test-aeon:  ## pipelines of skrnn and aeon, in an environment of their own
	$(PYTHON) tests/smoke/beside_aeon.py

# Nightly builds of the packages of Scientific Python; needs the network. A new deprecation is an error.
NIGHTLY := https://pypi.anaconda.org/scientific-python-nightly-wheels/simple
test-nightly: $(VENV)/.created  ## that part of the unit tests with tonight's NumPy, SciPy and scikit-learn
	$(PYTHON) -m venv --clear $(VENV)/nightly
	$(VENV)/nightly/$(SCRIPTS)/python -m pip install -q -e ".[test,demo]"
	$(VENV)/nightly/$(SCRIPTS)/python -m pip install -q --upgrade --pre --index-url $(NIGHTLY) numpy scipy scikit-learn
	$(subst $(BIN),$(VENV)/nightly/$(SCRIPTS),$(PYTEST)) $(TESTS_OLD)

test-wheel: $(VENV)/.extra-dist  ## build wheel and sdist, and try both where nothing else is installed
	rm -rf dist
	$(BIN)/python -m build -q
	$(PYTHON) tests/smoke/install.py dist/*.whl
	$(PYTHON) tests/smoke/install.py dist/*.tar.gz

# The command in CONTRIBUTING.md. A tag that is pushed is published by .github/workflows/release.yml.
release: $(VENV)/.extra-test  ## build and test wheel and sdist in dist/, and tag the version
	@git diff --quiet HEAD || { echo "make: commit all changes before a release" >&2; exit 1; }
	$(BIN)/python -m pytest -q tests/test_project.py
	@$(MAKE) --no-print-directory test-wheel
	@version=$$($(BIN)/python -c 'import skrnn; print(skrnn.__version__)'); \
	git tag -a "v$$version" -m "skrnn $$version" && echo "tagged v$$version; to publish: git push origin v$$version"

lint: $(VENV)/.extra-lint  ## ruff (rules and format) and mypy
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy skrnn

docs: docs/conf.py $(VENV)/.extra-docs  ## build the HTML documentation into docs/_build/html
	$(BIN)/python -m sphinx -b html -W --keep-going docs docs/_build/html

linkcheck: docs/conf.py $(VENV)/.extra-docs  ## ask every address that the documentation names; needs the network
	$(BIN)/python -m sphinx -b linkcheck -D plot_gallery=0 docs docs/_build/linkcheck

bench: benchmarks/run.py $(VENV)/.extra-bench  ## time skrnn against other libraries
	$(BIN)/python benchmarks/run.py

# For example, make compare A=v0.1.0 (with the working tree) or make compare A=v0.1.0 B=main.
compare: $(VENV)/.extra-test  ## time two commits by turns
	$(BIN)/python benchmarks/compare.py $(A) $(B)

history: $(VENV)/.extra-test  ## append the speed of this commit to benchmarks/history.jsonl
	$(BIN)/python benchmarks/history.py

# For example, make leaderboard ARGS="--seeds 1 --only vowels". One thread, so that times compare.
leaderboard: $(VENV)/.extra-leaderboard  ## score skrnn and other methods on real data; takes hours
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.leaderboard --markdown $(ARGS)

# For example, make mutation ARGS="_numeric/losses --sample 200".
mutation: $(VENV)/.extra-mutation  ## change the code in one place at a time, and see which tests fail
	MPLBACKEND=Agg OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python mutation/run.py $(ARGS)

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

.PRECIOUS: $(VENV)/.py%  # the stamps, which make would remove as intermediate files
$(VENV)/.py%: pyproject.toml tests/smoke/pythons.py | $(VENV)/.created
	@echo "installing skrnn[test] into $(VENV)/py$*"
	@python=$$($(BIN)/python tests/smoke/pythons.py $*) && "$$python" -m venv $(VENV)/py$*
	@$(VENV)/py$*/$(SCRIPTS)/python -m pip --disable-pip-version-check install -q -e ".[test]"
	@touch $@

# The floors are read from pyproject.toml, so that what is tested is what is promised.
$(VENV)/.sklearn-oldest: pyproject.toml tests/smoke/floors.py | $(VENV)/.created
	@$(PYTHON) tests/smoke/floors.py > $(VENV)/floors.txt
	@$(call install_with,oldest,-c $(VENV)/floors.txt)

.PRECIOUS: $(VENV)/.sklearn-%
$(VENV)/.sklearn-%: pyproject.toml | $(VENV)/.created
	@$(call install_with,$*,"scikit-learn==$*.*")

# $(call install_with,VERSION,REQUIREMENTS)
define install_with
echo "installing skrnn[test,demo] with scikit-learn $(1) into $(VENV)/sklearn-$(1)"
@$(PYTHON) -m venv $(VENV)/sklearn-$(1)
@$(VENV)/sklearn-$(1)/$(SCRIPTS)/python -m pip --disable-pip-version-check install -q $(2) -e ".[test,demo]"
@touch $@
endef

# One stamp for each extra of pyproject.toml; a newer pyproject.toml reinstalls.
$(VENV)/.extra-%: pyproject.toml | $(VENV)/.created
	@echo "installing skrnn[$*] into $(VENV)"
	@$(PIP) install -q -e ".[$*]"
	@touch $@
