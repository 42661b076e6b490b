# `make run` serves Footfall on 127.0.0.1:8000; `make test` runs every test. Both set up what they need.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
ENGINE ?= sqlite
BIN := .venv/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

.PHONY: run install test check bench lock clean debian

run: install
	$(BIN)/footfall serve

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@# The project itself, editable, without a build tool: its sources on the path, and the command.
	$(BIN)/python tools/link.py
	@touch $@

.venv/dev: .venv/installed requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check debian
	@[ ! -f tests/clients/package.json ] || npm ci --prefix tests/clients --no-audit --no-fund --loglevel=error
	$(BIN)/pytest

# What the tests need from Debian's packages.
debian:
	@missing=""; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	if [ -n "$$missing" ]; then \
		command -v apt-get >/dev/null || { echo "Please install:$$missing"; exit 1; }; \
		[ "$$(id -u)" = 0 ] || [ -n "$(SUDO)" ] || { echo "Please install as root: apt-get install$$missing"; exit 1; }; \
		$(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
	fi

bench: .venv/installed
	@command -v wrk >/dev/null || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -q -y wrk; }
	$(BIN)/python -m bench --engine $(ENGINE)

lock: .venv/dev
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --extra dev -o requirements-dev.lock

clean:
	rm -rf .venv
