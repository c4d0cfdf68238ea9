# Two commands: `make demo` and `make test`. Everything they need is installed by them, once.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# uv from the PATH, else our own copy, bootstrapped with pip.
UV := $(shell command -v uv || echo $(CURDIR)/.tools/bin/uv)
PYTHON3 := $(shell command -v python3 || command -v python)
export PYTHONPATH :=
# Bytecode is written once. Without it each of some hundred processes (kernels, servers, test workers) compiles the
# packages it imports: collecting the tests took 14.8 s of CPU instead of 4.3 s.
unexport PYTHONDONTWRITEBYTECODE
# Tutorial 04 runs a bot in the environment where Pipecat is.
export PIPECAT_PYTHON ?= $(CURDIR)/.bench/pipecat/bin/python
UV_RUN := $(UV) run --frozen --no-sync
ENV := .venv/.ready
NODE := js/node_modules/.ready
FRONT := smallest_nb/notebook/static/manifest.json
JS_SOURCES := $(shell find js/src -type f) js/build.mjs js/package.json
PORT ?= 8888
HOURS ?= 3
DOCS := docs/_build/html
QUICK_BROWSER := tests/browser/test_tune_a_voice.py
QUICK_NOTEBOOK := notebooks/01_tune_a_voice.ipynb
# Test processes: one for pages that measure sound, one for other pages, three for the rest. More than the two processors
# of a small machine, because most of the time a test waits for a server or a sound.
WORKERS ?= 5
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg
PYTEST = CHROMIUM="$$(cat .tools/chromium)" $(UV_RUN) pytest

.PHONY: help demo test run-tests test-all test-quick quick-tests test-versions one checks environments setup frontend lint types check-js docs \
  pytest hosts host-environments oracles peers notebooks screenshots bench soak format clean

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup ## Open the first tutorial in JupyterLab
	$(UV_RUN) smallest-nb demo --port $(PORT)

# Environments are installed while lint, types and the documentation are checked, and all before the tests: beside an
# installation pages that are timed by sound fail by chance. A target's output is printed as one block when it ends, but
# for the tests'.
test: ## Run everything that every change has to pass; the last line is pytest's
	$(MAKE) --no-print-directory --jobs=6 --output-sync=target BEFORE_TESTS="checks environments" run-tests

test-all: test ## Also what is slow and rarely breaks (marked `slow`, each with its reason)
	$(PYTEST) -n $(WORKERS) --no-loadscope-reorder -m slow tests

test-quick: setup .tools/chromium ## The daily loop: lint, types, unit and wire tests, one browser test, one notebook
	$(MAKE) --no-print-directory --jobs=3 --output-sync=target lint types quick-tests

quick-tests: setup .tools/chromium
	+unset MAKEFLAGS MFLAGS
	$(PYTEST) -n $(WORKERS) --no-loadscope-reorder $(NBVAL) tests/unit tests/wire $(QUICK_BROWSER) $(QUICK_NOTEBOOK)

test-versions: setup ## Unit, wire, link and service tests on each Python from 3.11 on that is installed
	UV="$(UV)" $(UV_RUN) python scripts/run_python_versions.py

one: setup .tools/chromium ## Run one test alone: make one TEST=tests/unit/test_audio.py::test_name
	$(PYTEST) $(NBVAL) '$(TEST)'

checks: lint types check-js docs

environments: setup .tools/chromium .tools/portaudio peers host-environments

setup: $(ENV) $(FRONT)

frontend: $(FRONT) ## Build the front end

lint: $(ENV) $(NODE)
	$(UV_RUN) ruff check .
	$(UV_RUN) ruff format --check .
	cd js && npm run --silent lint

types: $(ENV) $(NODE)
	$(UV_RUN) mypy
	cd js && npm run --silent types

check-js: $(NODE)
	cd js && npm run --silent test

# Built from nothing each time: what an earlier run warned of, a second one would pass over. Without a network, because
# a page that fetches something while it is built would fail at its reader's.
docs: setup ## Build the documentation into docs/_build/html; a warning is an error
	rm -rf docs/_build
	http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 \
	  $(UV_RUN) python -m sphinx -q -W --keep-going -n -j 2 -b html -d docs/_build/doctrees docs $(DOCS)

# One run for everything in Python: unit, wire, kernel, browser, quick oracles, notebooks (nbval) and the wheel.
pytest: environments run-tests

# `+`: what it prints is seen at once.
run-tests: setup .tools/chromium .tools/portaudio peers docs $(BEFORE_TESTS)
	+unset MAKEFLAGS MFLAGS
	export SNB_DOCS="$(DOCS)" CHROMIUM="$$(cat .tools/chromium)"
	code=0
	$(UV_RUN) pytest -n $(WORKERS) --no-loadscope-reorder $(NBVAL) || code=$$?
	if [ $$code = 1 ]; then $(UV_RUN) python scripts/repeat_failed_tests.py $(UV_RUN) pytest $(NBVAL); else exit $$code; fi

oracles: setup peers ## Drive the simulator with the other client libraries
	$(UV_RUN) pytest tests/oracles -m "oracle and (slow or not slow)"

hosts: setup .tools/chromium host-environments ## Test every notebook host, and write the README's table of them
	CHROMIUM="$$(cat .tools/chromium)" SNB_HOSTS_RESULTS=1 $(UV_RUN) pytest tests/hosts tests/browser -m "hosts and (slow or not slow)" || failed=1
	$(UV_RUN) python scripts/host_table.py  # it lists failures too
	exit $${failed:-0}

# The notebook hosts, each in an environment of its own: their dependencies collide.
host-environments: $(ENV) $(NODE)
	UV="$(UV)" nice $(UV_RUN) python -m tests.hosts.environments

# The other client libraries, each in an environment of its own: their dependencies collide.
peers: $(ENV)
	UV="$(UV)" $(UV_RUN) python -m bench.environments

notebooks: setup peers ## Run the tutorials again and keep their outputs
	$(UV_RUN) python scripts/execute_notebooks.py

screenshots: setup .tools/chromium ## Make docs/images again
	CHROMIUM="$$(cat .tools/chromium)" SNB_SCREENSHOTS="$(CURDIR)/docs/images" $(UV_RUN) pytest -q -m "slow or not slow" tests/browser/test_screenshots.py tests/browser/test_tuner_page.py tests/browser/test_tuner_states.py tests/browser/test_live_page.py tests/browser/test_doctor_page.py tests/browser/test_listening_view.py tests/browser/test_conversation_page.py tests/browser/test_accessibility.py

bench: setup peers ## Measure beside the other Python clients; BENCH="--quick" for a check of two minutes
	$(UV_RUN) python -m bench.services $(BENCH)

soak: setup .tools/chromium ## Listen and play for hours in a browser, with cuts and busy kernels: make soak HOURS=3
	CHROMIUM="$$(cat .tools/chromium)" $(UV_RUN) python -m bench.soak --hours $(HOURS)

format: $(ENV) $(NODE) ## Format and fix what can be fixed
	$(UV_RUN) ruff check --fix . ; $(UV_RUN) ruff format .
	cd js && npm run --silent format

$(UV):
	$(PYTHON3) -m pip install --quiet --disable-pip-version-check --target .tools uv

$(ENV): pyproject.toml uv.lock | $(UV)
	$(UV) sync --frozen --all-extras --compile-bytecode --quiet
	touch $@

$(NODE): js/package-lock.json
	cd js && npm ci --no-fund --no-audit --loglevel=error
	touch node_modules/.ready

$(FRONT): $(NODE) $(JS_SOURCES)
	cd js && npm run --silent build

.tools/chromium: scripts/find_chromium.sh | $(ENV)
	mkdir -p .tools
	UV="$(UV)" bash scripts/find_chromium.sh > $@

# The library behind the kernel's own microphone; without root its test checks the message that it is missing.
# After Chromium: two apt-get at once would wait for each other's lock.
.tools/portaudio: .tools/chromium
	mkdir -p .tools
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then apt-get install -y -qq libportaudio2 > /dev/null; fi
	touch $@

clean: ## Remove everything that was installed or built
	rm -rf .venv .bench .hosts .versions .tools js/node_modules smallest_nb/notebook/static docs/_build docs/_tapes docs/tutorials dist build test-output
