# The two commands are `make run` and `make test`; the rest serves those who change the code.
#
# PYTHON=/path/to/python3.11 names the interpreter; any other version is refused. Nothing is installed outside .venv.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run compile console test faults check check-all protos lock migrate bench bench-bid soak-bid services-up \
        services-down clean \
        env env-build env-dev check-ruff check-format check-types check-imports check-schema check-locks check-tenants check-console
MAKEFLAGS += --no-print-directory
export PYTHON

BIN := .venv/bin
PYTEST_ARGS ?=
BENCH ?= $(sort $(filter-out bench/bare.py bench/compiled.py bench/bid_floor.py bench/bid_memory.py,$(wildcard bench/[!_]*.py)))
UV_COMPILE := $(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
              $(if $(UPGRADE),--upgrade)

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' Makefile

env:
	@python="$$(scripts/find_python.sh)" && "$$python" scripts/environment.py runtime

env-build:
	@python="$$(scripts/find_python.sh)" && "$$python" scripts/environment.py build

env-dev:
	@python="$$(scripts/find_python.sh)" && "$$python" scripts/environment.py dev

run: env console ## Start everything with a demo workspace; Ctrl-C stops it
	@$(BIN)/python scripts/compile_hotpath.py --if-possible
	@exec $(BIN)/campaign-express up

compile: env-build ## Compile the bid process's hot modules into .compiled/ (needs a C compiler; it runs without, slower)
	@$(BIN)/python scripts/compile_hotpath.py

console: ## Build the approvers' console in console/ (needs Node; without it the plain page is served)
	@scripts/console.sh build

# Tests use the services that run and skip what needs the others; REQUIRE_SERVICES=1 makes a missing one a failure. They
# are not started from here: a test command that installs packages as root would surprise.
test: env-dev ## Run the whole suite (PYTEST_ARGS="-k name" narrows it)
	@if [ -z "$$TEST_POSTGRES_URL$$TEST_REDIS_URL" ]; then \
	  if scripts/services.sh status >/dev/null 2>&1; then eval "$$(scripts/services.sh env)"; \
	  else echo "PostgreSQL and Redis are down: their tests are skipped; \`make services-up\` starts both"; fi; \
	fi; \
	exec $(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)

faults: env-dev ## Run the fault suite at its nightly size, which takes hours (FAULT_SCALE=10: a tenth)
	@if [ -z "$$TEST_POSTGRES_URL$$TEST_REDIS_URL" ]; then \
	  scripts/services.sh status >/dev/null && eval "$$(scripts/services.sh env)"; \
	fi; \
	export FAULT_SCALE="$${FAULT_SCALE:-100}" REQUIRE_SERVICES=1; \
	exec $(BIN)/python -m pytest tests/faults $(PYTEST_ARGS)

check: env-dev ## Run every static check, and report all that fail
	@$(MAKE) --keep-going check-all

check-all: check-ruff check-format check-types check-imports check-schema check-locks check-tenants check-console

check-ruff:
	@$(BIN)/ruff check --quiet .

check-format:
	@$(BIN)/ruff format --quiet --check . || { echo "run: $(BIN)/ruff format ."; exit 1; }

check-types:
	@$(BIN)/mypy
	@$(BIN)/mypy scripts/*.py

check-imports:
	@$(BIN)/lint-imports --no-logo

check-schema:
	@$(BIN)/campaign-express export-schema --check
	@$(BIN)/python scripts/schema_changes.py

check-locks:
	@$(BIN)/python scripts/check_locks.py

check-tenants:
	@$(BIN)/python scripts/tenant_scope.py

check-console:
	@scripts/console.sh check

protos: env-dev ## Write the Python of hotpath/grpc/*.proto
	@$(BIN)/python scripts/generate_protos.py

lock: env-dev ## Write the lock files from requirements*.in (UPGRADE=1 takes newer releases)
	@$(UV_COMPILE) requirements.in -o requirements.lock
	@$(UV_COMPILE) -c requirements.lock requirements-dev.in -o requirements-dev.lock
	@$(UV_COMPILE) -c requirements-dev.lock requirements-build.in -o requirements-build.lock
	@$(BIN)/python scripts/check_locks.py

migrate: env ## Bring the database in var/ (or CE_DATABASE_URL) to the newest schema
	@$(BIN)/campaign-express migrate

bench: env-dev ## Run the benches (BENCH=bench/one.py runs one)
	@set -e; for bench in $(BENCH); do echo "== $$bench"; $(BIN)/python $$bench; done

bench-bid: env-dev ## Load the bid process beside bare servers, requests from EXTERNAL_DATA (LASTS=10: shorter, in s)
	@$(BIN)/python scripts/compile_hotpath.py --if-possible
	@$(BIN)/python -m bench.bid $(LASTS)

soak-bid: env-dev ## Watch the bid process's memory for ten minutes of load (LASTS=60: shorter, in s)
	@$(BIN)/python scripts/compile_hotpath.py --if-possible
	@$(BIN)/python -m bench.bid_memory $(LASTS)

services-up: ## Start PostgreSQL and Redis for the tests
	@scripts/services.sh up

services-down: ## Stop them
	@scripts/services.sh down

clean: ## Remove the environment and caches; data in var/ stays
	@rm -rf .venv .compiled .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
