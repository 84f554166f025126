# The front door. Every target is documented here; `make` alone prints this help. CI calls the same targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

COURSE ?= examples/courses/tides
DEMO_SERVE ?= 1
PORT ?= 8765
WHEEL_PROFILE ?= dev
FUZZ_SECONDS ?= 600
VENV := .venv
PY := $(VENV)/bin/python
PEERS := .venv-bench
APP := .venv-blockstore
BENCH ?=

.PHONY: help demo messages test test-rust test-python test-browser test-store test-modulestore fuzz check bench wheel venv clean

help: ## Print this help.
	@echo "xblock-runtime: Open edX courseware on Blockstore and Modulestore. Targets:"; echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r name text; do \
	  printf '  make %-13s %s\n' "$$name" "$$text"; done
	@echo; echo "  make demo COURSE=path/to/course DEMO_SERVE=0 PORT=8765   settings of the demo, with their defaults"

demo: ## Import a course, publish it, compare both stores, render, submit, and serve it (DEMO_SERVE=0: do not). Begins demo-store/ anew.
	@test -n "$(COURSE)" || { echo "COURSE is empty: name a folder or a .tar.gz" >&2; exit 2; }
	@cargo build --release -p courseware
	@python3 examples/demo.py "$(COURSE)" --serve "$(DEMO_SERVE)" --port "$(PORT)"

test: test-rust test-python test-browser ## Run all tests.

test-rust: venv ## Run the Rust tests, and the real courses where ../shared exists.
	cargo test --workspace
	cargo build --bin courseware

test-python: wheel ## Build the wheel and run the Python tests.
	$(PY) -m pytest -q python-bindings/tests

test-browser: test-rust ## Run the browser tests in headless Chromium (skipped loudly where there is none).
	tests/browser/run.sh

test-store: $(APP)/.made ## Test Blockstore at full length: the app from PyPI at the same store, 300 kills, 8 writers x 200, 5 GB (twenty minutes).
	BLOCKSTORE_PYTHON="$(CURDIR)/$(APP)/bin/python" BLOCKSTORE_CRASH_ROUNDS=300 BLOCKSTORE_COMMITS=200 \
	  BLOCKSTORE_CUT_ROUNDS=300 BLOCKSTORE_FAULT_ROUNDS=300 \
	  cargo test -p runtime-blockstore
	cargo test -p runtime-blockstore --test it -- --ignored --exact streams::five_gigabytes_take_little_memory
	cargo test -p runtime-blockstore --test it -- --ignored --exact objects::gigabytes_come_and_go_in_little_memory

test-modulestore: ## Test Modulestore at full length: 200 kills, 60 of writers and servers on MongoDB's protocol, two processes that edit one course 500 times each in every store (ten minutes).
	MODULESTORE_CRASH_ROUNDS=200 MODULESTORE_SERVER_ROUNDS=60 MODULESTORE_EDITS=500 \
	  cargo test -p runtime-modulestore --test it -- crash:: mongo::two_processes mongo::a_killed --nocapture --test-threads=2

# The Blockstore app, in a virtualenv of its own.
$(APP)/.made: runtime-blockstore/tests/requirements.txt
	python3 -m venv $(APP)
	$(APP)/bin/pip install --quiet -r $<
	$(APP)/bin/pip install --quiet --no-deps openedx-blockstore==1.4.0
	touch $@

# Our code has no unsafe, so that the address sanitizer would find nothing and only slows building and running.
FUZZ := cargo +nightly fuzz
FUZZ_TARGETS := keys field_text olx_document olx_round_trip formula problem answers results

fuzz: ## Fuzz keys, field texts, XML files, packages, formulas, problems, answers and results of scripts, two targets at a time, FUZZ_SECONDS=600 each (needs nightly Rust).
	@command -v rustup >/dev/null && rustup toolchain list | grep -q ^nightly \
	  || { echo "NOT FUZZED: there is no nightly Rust; rustup toolchain install nightly" >&2; exit 1; }
	@$(FUZZ) --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz \
	  || { echo "NOT FUZZED: cargo-fuzz is not there and could not be installed" >&2; exit 1; }
	cd fuzz && $(FUZZ) build --sanitizer none
	@cd fuzz && mkdir -p $(FUZZ_TARGETS:%=corpus/%) && printf '%s\n' $(FUZZ_TARGETS) | xargs -P 2 -I TARGET bash -c \
	  '$(FUZZ) run --sanitizer none TARGET corpus/TARGET seeds/TARGET -- -dict=olx.dict -timeout=10 -rss_limit_mb=2048 \
	    -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 >TARGET.log 2>&1 \
	    && grep -aE "DONE|number_of_executed" TARGET.log | sed "s/^/TARGET: /" \
	    || { tail -n 40 TARGET.log; echo "TARGET FAILED: put the input into tests/resources/fuzz/TARGET/" >&2; exit 255; }'

check: wheel ## Check formatting, lints, types, docs and the layering.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	@if command -v cargo-deny >/dev/null; then cargo deny --offline check bans licenses sources; \
	  else echo "NOT CHECKED: licences of dependencies (cargo-deny is not installed)"; fi
	$(VENV)/bin/ruff format --check python-bindings cage/python tests examples
	$(VENV)/bin/ruff check python-bindings cage/python tests examples
	$(VENV)/bin/mypy --config-file python-bindings/pyproject.toml python-bindings/python python-bindings/tests
	$(PY) -m mypy.stubtest xblock_runtime._native

messages: ## Write the catalogue of what native blocks say, for translators (blocks/locale).
	cargo run --quiet -p acceptance --bin messages

bench: $(PEERS)/.made $(APP)/.made ## Measure beside the Python packages that do the same, in one run; prints ratios (BENCH=--json for JSON).
	rm -rf target/bench-wheel
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(PY) -m pip wheel --quiet --no-index --no-deps --no-build-isolation \
	  --config-settings=build-args="--profile release" --wheel-dir target/bench-wheel ./python-bindings
	$(PEERS)/bin/pip install --quiet --no-index --no-deps --force-reinstall target/bench-wheel/*.whl
	cargo run --quiet --release -p acceptance --bin bench -- --python $(PEERS)/bin/python \
	  --app $(APP)/bin/python $(BENCH)
	@case "$(BENCH)" in *--json*|*--only*) ;; *) cargo run --quiet --release -p acceptance --bin bench_memory ;; esac

# The packages to measure against; in a virtualenv of their own, so that nothing else ever sees them.
$(PEERS)/.made: tests/acceptance/bench/requirements.txt $(VENV)/.made
	python3 -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet -r $<
	touch $@

# Tests and checks take the profile of `cargo test`, whose libraries are built anyway.
wheel: venv ## Build the wheel and install it into the virtualenv (WHEEL_PROFILE=release for an optimised one).
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(PY) -m pip install --quiet --no-index --no-deps --no-build-isolation \
	  --force-reinstall --config-settings=build-args="--profile $(WHEEL_PROFILE)" ./python-bindings

venv: $(VENV)/.made ## Make the virtualenv with the tools the checks and tests need.

$(VENV)/.made: python-bindings/requirements-dev.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet -r python-bindings/requirements-dev.txt
	touch $@

clean: ## Remove everything that was built.
	rm -rf target $(VENV) $(PEERS) $(APP) demo-store tests/browser/node_modules
