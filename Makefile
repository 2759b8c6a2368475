# Every target sets up what it needs, in .venv, and does nothing twice.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Tests wait for processes and sockets half of their time.
WORKERS ?= 4
# One lock for every Python that is promised; it names no index, so that it holds wherever it is installed from.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"

.PHONY: help setup lock demo up test lint format bench chaos clean

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## install everything into .venv, Azurite included

$(READY): requirements-dev.txt adf_trigger/local/azurite/package-lock.json
	$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "adf-trigger needs Python 3.11 to 3.13; say which with PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m adf_trigger.local setup
	@touch $(READY)

lock: $(READY) ## compile the locks from the .in files; LOCK=--upgrade takes the newest versions
	$(COMPILE) $(LOCK) requirements.in --output-file requirements.txt
	$(COMPILE) $(LOCK) requirements-dev.in --constraints requirements.txt --output-file requirements-dev.txt

demo: $(READY) ## run both quickstart pipelines by HTTP and by queue, and show what comes of it
	@$(BIN)/python -m adf_trigger.local demo

up: $(READY) ## the same stack, left running, to build against
	@$(BIN)/python -m adf_trigger.local up

lint: $(READY) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: lint ## lint, then every test but the benchmarks
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

bench: $(READY) ## measure; never part of the tests
	$(BIN)/python -m tests.bench

chaos: $(READY) ## kill, break and lose what can be for some minutes, then check that nothing was lost or doubled
	$(BIN)/python -m tests.chaos

clean: ## remove what the other targets made
	rm -rf $(VENV) .local .mypy_cache .pytest_cache .ruff_cache .hypothesis bench-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
