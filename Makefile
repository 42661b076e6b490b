# `make run` serves Footfall on 127.0.0.1:8000; `make test` runs every test. Both set up what they need.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
ENGINE ?= sqlite
BIN := .venv/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

.PHONY: run install test quick coverage check bench bench-pauses bench-analytics bench-pages soak faults kills pictures lock site sbom audit release clean debian

run: install
	$(BIN)/footfall serve

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml tools/link.py
	@echo "Installing Footfall and what it needs into .venv; nothing outside this folder changes. It takes a minute or so."
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@# The project itself, editable, without a build tool: its sources on the path, and the command.
	@$(BIN)/python tools/link.py
	@touch $@
	@echo "Installed: .venv/bin/footfall. Start the server with: make run"

.venv/dev: .venv/installed requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check debian tests/clients/node_modules
	$(PYTEST)

# What needs no other process, on one engine: an answer within a minute.
quick: .venv/dev
	$(PYTEST) tests/unit tests/api --engine sqlite -m "not slow and not process"

# What the tests run of src, by line and branch. They take three times as long, so `make test` does without.
coverage: .venv/dev debian tests/clients/node_modules
	$(PYTEST) --cov --cov-report=term:skip-covered

# A process for each core, and one more, since tests wait for servers much of the time. They take the files in the order that
# tests/conftest.py gives: xdist's own would begin with files of many short tests, and leave the long ones for the end. With bytecode that
# stays, servers start sooner.
PYTEST = env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n $$(( $$(nproc) + 1 )) --dist loadgroup --no-loadscope-reorder

tests/clients/node_modules: tests/clients/package-lock.json
	@npm ci --prefix tests/clients --no-audit --no-fund --loglevel=error
	@touch $@

# Kills the server KILLS times under load on each engine, and looks for what it had acknowledged; some minutes.
KILLS ?= 50
kills: .venv/dev
	FOOTFALL_KILLS=$(KILLS) $(BIN)/pytest tests/api/test_crash.py tests/db/test_column_kills.py -k "killed or kill_makes" -rP

# All that may go wrong, at length; the suite has each of it in a short form. Kills on each engine; full disks, also for the log; data that is
# read-only or damaged; PostgreSQL away, frozen, full, or killed; clocks that jump; slow clients; IDLE connections; a flood of one key.
IDLE ?= 10000
faults: KILLS = 100
faults: .venv/dev kills
	ulimit -n $$(ulimit -Hn); FOOTFALL_IDLE=$(IDLE) $(BIN)/pytest $(FAULTS)
	@$(call apt,wrk)
	$(BIN)/python -m bench --flood --duration 60
	$(BIN)/python -m bench --flood --duration 60 --engine postgres
FAULTS = tests/api/test_alive.py tests/api/test_bad_input.py tests/api/test_connections.py tests/unit/test_connection.py tests/unit/test_log.py \
	tests/db/test_backups.py tests/db/test_column_damage.py tests/db/test_column_process.py tests/db/test_damaged_files.py tests/db/test_dating.py \
	tests/db/test_derived.py tests/db/test_faults.py tests/db/test_processes.py tests/db/test_restoring.py tests/db/test_salt.py tests/db/test_waiting.py

# The pictures of the README, taken from a demo in a browser.
pictures: .venv/dev
	@$(call apt,chromium-headless-shell)
	$(BIN)/python -m tools.pictures

# What the tests need from Debian's packages. Daemons stand in /usr/sbin, which is not on everybody's path.
debian: .venv/dev
	@$(call apt,chromium chromium-headless-shell nginx pgbouncer)
	@PATH="$$PATH:$(BIN)" command -v promtool >/dev/null || ! command -v apt-get >/dev/null || $(promtool)

# promtool without its package, which would start a server.
promtool = { $(SUDO) apt-get update -q && cd .venv && apt-get download -q prometheus && \
	dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x --strip-components=3 -C bin ./usr/bin/promtool && rm prometheus_*.deb; }

bench: .venv/$(if $(filter postgres,$(ENGINE)),dev,installed)
	@$(call apt,wrk)
	$(BIN)/python -m bench --engine $(ENGINE)

# The longest pause of the event loop while each of many nasty requests runs.
bench-pauses: .venv/installed
	@$(call apt,wrk)
	$(BIN)/python -m bench --pauses

# Writes and questions for MINUTES: fails if memory or logs grow, the columns fall behind, or a call fails.
MINUTES ?= 20
soak: .venv/$(if $(filter postgres,$(ENGINE)),dev,installed)
	@$(call apt,wrk)
	$(BIN)/python -m bench --soak $(MINUTES) --engine $(ENGINE)

# Analytics of ten million events, which are made at first, in some minutes, and stay in DATA.
DATA ?= data-bench
bench-analytics: .venv/installed
	$(BIN)/python -m bench.analytics --data $(DATA)

# Pages over those events; lists, searches and pages of 100,000 people.
bench-pages: .venv/installed
	$(BIN)/python -m bench.pages --data $(DATA)
	$(BIN)/python -m bench --visitors 200000 --people

# Installs those of the packages $(1) whose command, of the same name, is missing.
define apt
missing=""; \
for name in $(1); do PATH="$$PATH:/usr/sbin" command -v $$name >/dev/null || missing="$$missing $$name"; done; \
[ -n "$$missing" ] || exit 0; \
command -v apt-get >/dev/null || { echo "Please install:$$missing"; exit 1; }; \
[ "$$(id -u)" = 0 ] || [ -n "$(SUDO)" ] || { echo "Please run as root: apt-get install$$missing"; exit 1; }; \
$(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing
endef

# The guides and the reference as plain files, for any web server.
site: install
	@rm -rf site
	@$(BIN)/python tools/docs_site.py site

# What Footfall consists of, as a CycloneDX file, from the lock file with its hashes.
sbom: .venv-audit
	@sed 's/^dynamic = .*/version = "$(VERSION)"/' pyproject.toml > .venv-audit/pyproject.toml
	.venv-audit/bin/python -W ignore -m cyclonedx_py requirements requirements.lock --pyproject .venv-audit/pyproject.toml \
		--mc-type application --output-reproducible -o sbom.json
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' src/footfall/__init__.py)

# What a release consists of, in dist/: the wheel, the source, the bill of materials, and the notes, which are the changelog's.
release: check sbom
	@rm -rf dist
	@$(BIN)/python -m hatchling build -d dist
	@mv sbom.json dist/footfall-$(VERSION).cdx.json
	@awk '/^## / { ours = $$2 == "$(VERSION)" } ours' CHANGELOG.md > dist/NOTES.md
	@[ -s dist/NOTES.md ] || { echo "CHANGELOG.md has nothing about $(VERSION)"; exit 1; }

# Whether a vulnerability of what the lock files name is known. Fails too if that cannot be found out.
audit: .venv-audit
	.venv-audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.lock -r requirements-clickhouse.lock

.venv-audit:
	$(PYTHON) -m venv $@ && $@/bin/pip install --quiet --disable-pip-version-check cyclonedx-bom pip-audit

# uv has a folder of its own, so that .venv holds what the lock files name and nothing else.
lock:
	@[ -x .venv-lock/bin/uv ] || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install --quiet --disable-pip-version-check uv; }
	$(call compile,requirements.lock)
	$(call compile,requirements-clickhouse.lock,--extra clickhouse)
	$(call compile,requirements-dev.lock,--extra dev)

# Writes the lock file $(1) with the options $(2); pins that stand in it are kept where they still fit.
define compile
.venv-lock/bin/uv pip compile pyproject.toml --quiet --no-config --universal --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command 'make lock' --python-version 3.11 $(2) -o $(1)
endef

clean:
	rm -rf .venv .venv-lock .venv-audit site sbom.json dist
