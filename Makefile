# PrimeTrade Tasks. GNU make 3.81 is enough. Settings go in the environment or after the target: make run GATEWAY_PORT=8081
PY := .venv/bin/python
PYTEST := $(PY) -m pytest
PARALLEL := --dist loadgroup --no-loadscope-reorder
STORE_TESTS := tests/e2e tests/contract/test_records.py chassis/tests services
ENGINE_TESTS := tests/benchmarks $(STORE_TESTS) gateway/tests/test_events.py gateway/tests/test_shared_limits.py
.DEFAULT_GOAL := help
# A suite of ten processes would compile itself ten times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Print this
	@echo "PrimeTrade Tasks: make <target> [NAME=value …]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile
	@echo "Settings: GATEWAY_PORT=8080 PORT_BASE=9100 DATA_DIR=.data START_TIMEOUT=45 ENGINES=embedded|real|external RESTART=1 PYTHON=…"
	@echo "ENGINES=external takes MONGO_URL, KAFKA_BOOTSTRAP_SERVERS and, if you like, REDIS_URL and SMTP_URL."

.PHONY: setup
setup: ## Make .venv with a Python 3.11-3.13 and install everything from requirements.lock
	@sh deploy/local/setup.sh

.PHONY: run
run: setup ## Run the whole suite in the foreground, all logs in one stream; Ctrl-C stops it in order
	@$(PY) -m deploy.local run

.PHONY: start
start: setup ## Start the suite in the background; returns when everything is ready
	@$(PY) -m deploy.local start

.PHONY: stop
stop: setup ## Stop the suite in order: gateway, services once quiet, engines
	@$(PY) -m deploy.local stop

.PHONY: status
status: setup ## A line for each process: name, pid, ports, health (FORMAT=json for scripts)
	@$(PY) -m deploy.local status

.PHONY: demo
demo: setup ## Three people, 150 tasks and their inboxes against the running suite
	@$(PY) -m deploy.local.demo

.PHONY: tail
tail: setup ## Live domain events, decoded, one line each
	@$(PY) -m deploy.local tail

.PHONY: dlq
dlq: setup ## Dead letters of the running suite (ARGS="list", "show ID", "redrive --all", "purge TOPIC --all", …)
	@$(PY) -m deploy.local dlq

.PHONY: test
test: setup ## The tests, in parallel, on the embedded engines
	@$(PYTEST) -q -n 4 $(PARALLEL) -m "not engines and not slow and not alone"

.PHONY: test-slow
test-slow: setup ## The slow ones: suites that start, die and come back; then those with nothing beside them
	@$(PYTEST) -q -n 2 $(PARALLEL) -m "slow and not engines"
	@$(PYTEST) -q -m "alone and not engines"

.PHONY: test-pymongo
test-pymongo: setup ## What meets MongoDB, slow or not, through PyMongo's own asyncio API in place of motor
	@MONGO_DRIVER=pymongo $(PYTEST) -q -n 4 $(PARALLEL) -m "not engines" $(STORE_TESTS)

.PHONY: test-all
test-all: test test-slow test-pymongo ## All that needs no other engines than the embedded ones

.PHONY: test-engines
test-engines: setup ## What meets an engine, chaos and a rollout, on Apache Kafka and secantusd-rs (built at first use)
	@ENGINES=real $(PYTEST) -q -n 2 $(PARALLEL) $(ENGINE_TESTS)
	@ENGINES=real $(PYTEST) -q tests/chaos
	@ENGINES=real $(PYTEST) -q tests/rolling

.PHONY: chaos
chaos: setup ## Kill, freeze and slow every part under load, then count what was lost or doubled (KILLS=60 SEED=…)
	@ENGINES=$${ENGINES:-real} $(PY) -m tests.chaos

.PHONY: rolling
rolling: setup ## Replace every process under load, behind nginx, then count what failed (REQUESTS=20000 ROUNDS=1)
	@ENGINES=$${ENGINES:-real} $(PY) -m tests.rolling

.PHONY: fuzz
fuzz: setup ## Hold a suite against its OpenAPI document with generated requests, right and wrong (N=5000 SEED=7)
	@$(PY) -m tests.fuzz

.PHONY: lint
lint: setup ## Style, imports, architecture and types
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports
	@.venv/bin/mypy .

.PHONY: types
types: setup ## Types alone
	@.venv/bin/mypy .

.PHONY: format
format: setup ## Put the code into its format
	@.venv/bin/ruff check --fix --quiet . || true
	@.venv/bin/ruff format .

.PHONY: protos
protos: setup ## Generate protos/gen and docs/asyncapi.yaml from the contracts
	@$(PY) protos/generate.py
	@$(PY) -m protos.asyncapi

.PHONY: openapi
openapi: setup ## Generate docs/openapi.json from the gateway's routes
	@$(PY) -m gateway.openapi

.PHONY: routes
routes: setup ## Every route, and what it answers without a token, with one that has ended, to others and to the owner
	@$(PY) -m gateway.authorisation

.PHONY: bench
bench: setup ## Measure the suite beside the monolith it replaces (OPS=list,mix C=32 ROUNDS=5); writes docs/performance.md
	@ENGINES=$${ENGINES:-real} $(PY) -m benchmarks.monolith

.PHONY: bench-quick
bench-quick: setup ## Hold the suite to four fifths of what the last `make bench` found of the mix, in two minutes
	@ENGINES=$${ENGINES:-real} $(PY) -m benchmarks.monolith.quick

.PHONY: profile
profile: setup ## Flame graphs of the suite's processes while they are asked (OPS=get,list,create C=32 PROFILES=.data/profiles)
	@ENGINES=$${ENGINES:-real} $(PY) -m benchmarks.monolith.profile

.PHONY: bench-events
bench-events: setup ## Measure the event backbone beside bare clients on real engines; writes docs/performance-events.md
	@ENGINES=real $(PY) -m benchmarks.events

.PHONY: bench-streams
bench-streams: setup ## Measure idle live streams of one gateway (STREAMS=2000) and events told to them
	@$(PY) -m benchmarks.streams

.PHONY: bench-servers
bench-servers: setup ## Measure the HTTP servers that could be the gateway's; writes docs/performance-servers.md
	@$(PY) -m benchmarks.servers

.PHONY: bench-gateway
bench-gateway: setup ## Measure the gateway's CPU beside bare applications; writes docs/performance-gateway.md
	@$(PY) -m benchmarks.gateway

.PHONY: lock
lock: setup ## Resolve pyproject.toml into requirements.lock, with hashes
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --group dev --generate-hashes \
		--no-emit-index-url --no-emit-find-links -o requirements.lock pyproject.toml
	@sh deploy/local/setup.sh

.PHONY: secrets
secrets: setup ## Write compose's .env with fresh secrets (FORCE=1 replaces one that exists)
	@$(PY) -m deploy.local secrets

.PHONY: ci
ci: ## Everything CI checks
	@.ci/run

.PHONY: clean
clean: ## Remove what was built and cached (.data and .env stay)
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
