# The front door. Every target is documented here; `make` alone prints this help. CI calls the same targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

COURSE ?= examples/courses/tides
DEMO_SERVE ?= 1
PORT ?= 8765
VENV := .venv
PY := $(VENV)/bin/python

.PHONY: help demo test test-rust test-python test-browser check bench wheel venv clean

help: ## Print this help.
	@echo "xblock-runtime: Open edX courseware on Blockstore and Modulestore. Targets:"; echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r name text; do \
	  printf '  make %-13s %s\n' "$$name" "$$text"; done
	@echo; echo "  make demo COURSE=path/to/course DEMO_SERVE=0 PORT=8765   settings of the demo, with their defaults"

demo: ## Import a course, publish it, compare both stores, render, submit, and serve it (DEMO_SERVE=0: do not serve).
	@cargo build --release -p courseware
	@python3 examples/demo.py "$(COURSE)" --serve "$(DEMO_SERVE)" --port "$(PORT)"

test: test-rust test-python test-browser ## Run all tests.

test-rust: ## Run the Rust tests, and the real courses where ../shared exists.
	cargo test --workspace --exclude python-bindings
	cargo build --bin courseware

test-python: wheel ## Build the wheel and run the Python tests.
	$(PY) -m pytest -q python-bindings/tests

test-browser: test-rust ## Run the browser tests in headless Chromium (skipped loudly where there is none).
	tests/browser/run.sh

check: venv ## Check formatting, lints, types, docs and the layering.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	@if command -v cargo-deny >/dev/null; then cargo deny --offline check bans licenses sources; \
	  else echo "NOT CHECKED: licences of dependencies (cargo-deny is not installed)"; fi
	$(VENV)/bin/ruff format --check python-bindings tests
	$(VENV)/bin/ruff check python-bindings tests
	$(VENV)/bin/mypy --config-file python-bindings/pyproject.toml python-bindings/python

bench: ## Measure imports against plain files on the same disk, in one run; prints ratios.
	cargo run --quiet --release -p acceptance --bin bench

wheel: venv ## Build the wheel and install it into the virtualenv.
	$(VENV)/bin/pip install --quiet ./python-bindings

venv: $(VENV)/.made ## Make the virtualenv with the tools the checks and tests need.

$(VENV)/.made: python-bindings/requirements-dev.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --upgrade pip
	$(VENV)/bin/pip install --quiet -r python-bindings/requirements-dev.txt
	touch $@

clean: ## Remove everything that was built.
	rm -rf target $(VENV) demo-store tests/browser/node_modules
