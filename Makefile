# Two commands matter on a fresh machine: `make demo` and `make test`. `make` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# One environment for running, a second set of packages on top for developing; a stamp file per lock file.
$(VENV)/.run: requirements/run.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Procur needs Python 3.11 or newer; none found. Install it, or: make PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing (Debian: apt install python3-venv)"; rm -rf $(VENV); exit 1; }
	@echo "Installing what Procur runs on (requirements/run.txt) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	@echo "Installing what Procur is tested with (requirements/dev.txt) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

.PHONY: setup
setup: $(VENV)/.dev ## Install everything into .venv

.PHONY: demo
demo: $(VENV)/.run ## From a request in plain words to a signed contract and a purchase order
	@$(BIN)/procur demo

.PHONY: test
test: $(VENV)/.dev ## Run the tests on SQLite, and on a PostgreSQL and a Redis that the tests start themselves
	@$(BIN)/python -m pytest -n auto -m "not slow" $(PYTEST_ARGS)

.PHONY: test-slow
test-slow: $(VENV)/.dev ## Run the tests that start and kill processes and servers again and again
	@$(BIN)/python -m pytest -n auto -m slow --ignore=tests/docs $(PYTEST_ARGS)

.PHONY: check
check: $(VENV)/.dev ## Lint, types, architecture, migrations, documentation links
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q -n auto tests/migrations tests/docs

.PHONY: wheel-check
wheel-check: $(VENV)/.run ## Install the built wheel alone and use it (needs a package index)
	@$(BIN)/python tests/packaging/wheel_check.py

.PHONY: fix
fix: $(VENV)/.dev ## Format and mend what can be mended automatically
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: bench
bench: $(VENV)/.dev ## Print the benchmark figures (minutes)
	@$(BIN)/python benchmarks/negotiation_grid.py
	@$(BIN)/python benchmarks/audit_trail.py

.PHONY: bench-short
bench-short: $(VENV)/.dev ## The same, shortened for CI
	@$(BIN)/python benchmarks/negotiation_grid.py --short
	@$(BIN)/python benchmarks/audit_trail.py --short

.PHONY: chaos
chaos: $(VENV)/.dev ## Kill workers, databases and Redis under work; CHAOS=short for some minutes
	@$(BIN)/python benchmarks/durability $(if $(filter short,$(CHAOS)),--short)

UV := $(VENV)/tools/bin/uv
$(UV):
	@$(PYTHON) -m venv $(VENV)/tools && $(VENV)/tools/bin/python -m pip install --quiet uv

.PHONY: lock
lock: $(UV) ## Resolve the dependencies again (needs a package index)
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra cli --extra documents --extra postgres --extra audit --extra serve --extra enrichment --group build pyproject.toml -o requirements/run.txt
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--all-extras --group build --group test --group bench --group check -c requirements/run.txt pyproject.toml -o requirements/dev.txt

.PHONY: clean
clean: ## Remove the environment and everything generated
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache procur-demo
