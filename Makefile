# stationd: `make run` plays a station, `make test` proves it; `make help` lists the rest.
# Every verb sets up what it needs; nothing has to be typed before it.

PYTHON ?= python3
VERSIONS ?= newest
VENV := .venv-$(VERSIONS)
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CONSTRAINTS := buildroot/constraints-$(VERSIONS).txt
export PYTHONASYNCIODEBUG ?=
SUITE := $(BIN)/python -m tests.rig.halves
PEERS := .peers
RUNG12 := "not rung3 and not sweep and not nightly and not long"

.DEFAULT_GOAL := help
.PHONY: help run quick test check bench bringup nightly clean older

help: ## list what make can do
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml $(CONSTRAINTS)
	@echo "setting up $(VENV) (once; a minute) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 || { { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv; } >/dev/null && $(PYTHON) -m venv --clear $(VENV); }
	@$(BIN)/pip install -qq --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[test,develop]'
	@touch $@

# Backends of other people, for tests/peers: they are skipped where this cannot be set up, and fail there if CI=true.
$(PEERS)/.ready: tests/peers/package.json tests/peers/package-lock.json
	@echo "setting up $(PEERS) (once) ..."
	@command -v npm >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm; } >/dev/null || true
	@mkdir -p $(PEERS) && cp $^ $(PEERS)
	@if command -v npm >/dev/null && npm ci --prefix $(PEERS) --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null; then touch $@; \
	else echo "there is no npm, or it could not install: the tests that need it are skipped"; fi

run: $(READY) ## a station on this machine plays one session (ONCE=1: then end; PRIMARY=none; OPERATORS=2: further operators)
	@$(BIN)/python -m tests.rig.demo $(if $(ONCE),--once) $(if $(PRIMARY),--primary $(PRIMARY)) $(if $(OPERATORS),--operators $(OPERATORS))

quick: $(READY) ## rungs 1 and 2: pure tests, and the whole agent in one process on virtual time (under a minute)
	@$(SUITE) $(RUNG12)

check: $(READY) ## format, lint, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

test: check $(PEERS)/.ready ## everything: checks, all tests with the newest libraries, rungs 1 and 2 with those of an older Buildroot
	@$(SUITE) "not nightly"
	@$(MAKE) --no-print-directory older VERSIONS=2026.02
	@$(BIN)/python -m tests.certification.cases

older: $(READY)
	@echo "rungs 1 and 2 with the versions of Buildroot $(VERSIONS):"
	@$(SUITE) $(RUNG12)

nightly: check $(PEERS)/.ready ## the long counts, every set of versions, every CPython from 3.11 to 3.14 that is found
	@PYTHON="$(PYTHON)" $(BIN)/python -m tests.rig.nightly

bench: $(READY) ## print the performance budgets beside their targets
	@$(BIN)/python -m tests.bench $(ARGS)

bringup: $(READY) ## talk to one device: make bringup ARGS="--profile viridian_epc2plus --port /dev/ttyUSB0"
	@$(BIN)/python -m hal.bringup $(ARGS)

clean: ## remove what the other verbs made
	@rm -rf .venv-* $(PEERS) .run .mypy_cache .ruff_cache .pytest_cache build *.egg-info
