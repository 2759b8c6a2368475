# Every target sets up its requirements in .venv, and repeats nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FLOORS := .venv-floors
READY := $(VENV)/.ready
# Tests wait for processes and sockets half of their time.
WORKERS ?= 6
# Where an environment forbids bytecode, as container images often do, every process of a test compiles all its imports.
export PYTHONDONTWRITEBYTECODE :=
# One lock for all supported Pythons; it names no index, so that it can be installed from any. Pins keep their extras:
# otherwise pip chooses a newer release for the extra, and refuses it because its hash is missing.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --custom-compile-command "make lock"

.PHONY: help setup lock demo up test check floors lint format bench chaos mutation screenshots clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## install everything into .venv, Azurite included

$(READY): requirements-dev.txt pyproject.toml adf_trigger/local/azurite/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "adf-trigger needs Python 3.11 to 3.13; choose one with PYTHON=python3.12")'
	@echo "Setting up $(VENV), once: Python packages, then Azurite (about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m adf_trigger.local setup
	@touch $(READY)

lock: $(READY) ## compile the locks from the .in files; LOCK=--upgrade takes the newest versions
	$(COMPILE) $(LOCK) requirements.in --output-file requirements.txt
	$(COMPILE) $(LOCK) requirements-dev.in --constraints requirements.txt --output-file requirements-dev.txt

demo: $(READY) ## run both quickstart pipelines by HTTP and by queue, and show the results
	@$(BIN)/python -m adf_trigger.local demo

up: $(READY) ## keep the same stack running, to develop against
	@$(BIN)/python -m adf_trigger.local up

lint: $(READY) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## format, and apply ruff's fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(READY) ## lint, and all tests except the benchmarks; branch coverage of the deployed code has a floor
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@echo "mypy runs in parallel with the tests; its output follows theirs, and coverage, which pytest-cov would compute twice"
	@types=$$(mktemp) && { $(BIN)/mypy >$$types 2>&1 & } && checking=$$! && tested=0 && \
		{ $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report= --cov-fail-under 0 || tested=$$?; } && \
		{ $(BIN)/coverage report || tested=$$?; } && \
		{ wait $$checking || tested=$$?; } && cat $$types && rm $$types && exit $$tested

check: $(READY) ## only the unit and integration tests; with VENV and PYTHON for another Python
	$(BIN)/pytest -n $(WORKERS) --dist loadfile tests/integration tests/unit

floors: $(FLOORS)/.ready ## unit tests and the main job with the lowest versions that the ranges allow
	$(FLOORS)/bin/pytest -n $(WORKERS) --dist loadfile tests/acceptance/service/test_main_job.py tests/unit

# The test tools keep their locked versions: only the lower bounds of the app and the local stack are tested.
$(FLOORS)/.ready: requirements.in requirements-client.in requirements-local.in $(READY)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(FLOORS)
	$(BIN)/uv pip compile --quiet --resolution lowest-direct --no-annotate --python $(FLOORS)/bin/python \
		requirements.in requirements-client.in requirements-local.in --output-file $(FLOORS)/lowest.txt
	$(BIN)/uv pip install --quiet --python $(FLOORS)/bin/python -r requirements-dev.in --constraints $(FLOORS)/lowest.txt
	mkdir -p $(FLOORS)/share
	ln -sfn $(abspath $(VENV))/share/adf-trigger $(FLOORS)/share/adf-trigger
	@touch $@

bench: $(READY) ## measure; never part of the tests; BENCH="--only soak --keep"
	$(BIN)/python -m tests.bench $(BENCH)

chaos: $(READY) ## inject faults for some minutes, then check that nothing was lost or duplicated
	$(if $(ROW),,$(BIN)/pytest -n $(WORKERS) --dist loadfile -m chaos tests/acceptance/chaos)
	$(BIN)/python -m tests.chaos $(if $(ROW),--row "$(ROW)")
	$(if $(ROW),,$(BIN)/python -m tests.chaos.crowd)

mutation: $(READY) ## mutate a sample of the code, and count the mutants that the tests kill; MUTATION="--seed 7 --sample 50"
	$(BIN)/python -m tests.mutation $(MUTATION)

screenshots: $(READY) ## take the screenshots of the console for the documentation
	$(BIN)/python -m tests.support.screenshots

clean: ## remove the output of the other targets
	rm -rf .venv* .local .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage mutants bench-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
