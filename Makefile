# Everything a person or the continuous integration runs. `make` alone lists it.
# Needs: Python 3.11 or newer and make. Works from a path with spaces, as root and as an ordinary user.

PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11 python,$(if $(shell command -v $(name)),$(name))))
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.bench-installed
# Two processes, each with servers of its own; the tests of a file share what they start, and the long files come first.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-fast test-slow browser check lint types bench bench-engine bench-consistency zoo settings metrics clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' Makefile

setup: $(STAMP)  ## Make .venv with everything in it (once; again when dependencies change)

# The stamp is written last: an interrupted installation is taken up again.
$(STAMP): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Parallax needs Python 3.11 or newer; say which with: make setup PYTHON=/path/to/python3.12"; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' || \
		{ echo "This Python cannot make environments; on Debian: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@echo "Installing into $(VENV); the first time takes a few minutes ..."
	@$(BIN)/python -m pip install --quiet --upgrade -c constraints.txt -e '.[workers,local,dev]'
	@touch $(STAMP)

demo: setup  ## Compute small real models on small real datasets and serve the pages (ARGS="--once --json")
	@$(BIN)/parallax demo $(ARGS)

up: setup  ## Start Parallax without the demo's data
	@$(BIN)/parallax up $(ARGS)

test: setup browser  ## Run every test, those in a browser included
	$(PYTEST) -m "not slow" $(ARGS)

test-fast: setup  ## Run the tests that need no browser
	$(PYTEST) -m "not slow and not e2e" $(ARGS)

test-slow: setup browser  ## Run the long fault tests, too
	$(BIN)/python -m pytest $(ARGS)

browser: setup
	@$(BIN)/python -m tests.support.browser

check: lint types test-fast  ## Lint, types and the tests that need no browser

lint: setup  ## Style, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

bench: setup browser  ## Measure: engine, decoding, matrices, consistency, pages (as ratios, in one run)
	@for file in benchmarks/bench_*.py; do \
		$(BIN)/python -m "benchmarks.$$(basename "$$file" .py)" || exit 1; \
	done

# The packages that the engine is measured against; without them it is measured all the same.
$(BENCH_STAMP): $(STAMP)
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[bench]' && touch $(BENCH_STAMP) || \
		echo "The packages to measure against cannot be installed; their rows are left out."

bench-engine: setup $(BENCH_STAMP)  ## Measure the engine against published code and packages (ARGS="--quick" or "--large")
	@$(BIN)/python -m benchmarks.bench_engine $(ARGS)

bench-consistency: setup  ## Measure consistency against the loop of the published notebooks (ARGS="--quick")
	@$(BIN)/python -m benchmarks.bench_consistency $(ARGS)

zoo: setup  ## Train the demo's models again (about half an hour on two cores)
	$(BIN)/python -m parallax.local.demo.train $(ARGS)

settings: setup  ## Write docs/settings.md anew from the settings in the code
	$(BIN)/python -m parallax.cli.settings_page > docs/settings.md

metrics: setup  ## Write docs/metrics.md anew from the catalogue in the code
	$(BIN)/python -m parallax.cli.metrics_page > docs/metrics.md

clean:  ## Remove the environment and caches (data folders are kept)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
