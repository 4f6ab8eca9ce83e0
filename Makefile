# Needs Python 3.11 or newer, git, Node.js and make; everything else is installed into .venv from requirements.txt.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON := $(shell for name in python3.11 python3 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
# Not the one inside .venv, which goes when .venv is made anew.
UV := $(filter-out $(CURDIR)/.venv/%,$(shell command -v uv 2>/dev/null))
BIN := .venv/bin
# How many test files run side by side: one for each core, at least two.
JOBS ?= $(shell nproc 2>/dev/null | awk '{ print ($$1 > 2) ? $$1 : 2 }')
# More words for the command behind `demo` and `test`, for example `make test ARGS='-k hostile'`.
ARGS ?=
# Without a terminal's index options in the file: which registry serves it is the reader's business.
COMPILE = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links
# How long `fuzz` looks for faults, in each of its two ways.
SECONDS ?= 600

# Tests and demo start Python a few thousand times: with this set, each start would compile all its libraries again.
unexport PYTHONDONTWRITEBYTECODE
# What is set in the environment is meant for the command here, not for the makefiles of the projects that it bakes.
unexport ARGS

.PHONY: help setup demo test fuzz pictures reviews docs references starter starter-publish lint format lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-22s %s\n", $$1, $$2 }'

setup: .venv/.ready ## Install what is needed into .venv (the other targets do it by themselves)

demo: .venv/.ready ## Bake the default project and watch its whole life, from first push to drift
	@$(BIN)/rehearse demo $(ARGS)

# One thread in each of the workers, of which there is one for each core: more would wait for each other, with the core busy.
test: .venv/.ready ## Test the template, the local GitHub, and the story
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist loadfile $(ARGS)

fuzz: .venv/.ready ## Look for requests and bodies that the server fails on, SECONDS=600 by document and as many at the parsers
	@FUZZ_SECONDS=$(SECONDS) $(BIN)/pytest tests/fuzz $(ARGS)

pictures: .venv/.ready ## Draw the comments and the server's page in docs/pictures again (needs Chromium; npm packages go into the user's cache)
	@$(BIN)/python -m rehearse.pictures docs/pictures
	@$(BIN)/python -m scenarios.picture docs/pictures

reviews: .venv/.ready ## Make the reviews behind these pictures again (trains in build/pictures; figures of time are this machine's)
	@$(BIN)/python -m rehearse.pictures.real

references: .venv/.ready ## Make the references of all scenarios again: models and what was measured (what changed, and nothing else)
	@PATH="$(CURDIR)/$(BIN):$$PATH" python -m scenarios.references $(ARGS)

report: .venv/.ready ## Compare the references made here with the committed ones: one report, exit code 1 when a scenario got worse
	@$(BIN)/python -m scenarios report $(ARGS)

starter: .venv/.ready ## Make build/starter: the default bake with a program that gives it its name, for "Use this template"
	@$(BIN)/python -m starter make

starter-publish: starter ## Push build/starter to the branch `starter` (ARGS='--remote URL --branch NAME': to another one)
	@$(BIN)/python -m starter publish $(ARGS)

docs: .venv/.ready ## Write the pages of docs/reference again, from the code of a fresh bake
	@$(BIN)/python -m reference docs/reference

lint: .venv/.ready ## Check the style of the code at the root
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

format: .venv/.ready ## Write the code at the root in its style
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lock: .venv/.ready ## Resolve requirements.txt again, with hashes, and the locks of the programs that the tests compare with
	@$(COMPILE) --all-extras --output-file requirements.txt pyproject.toml
	@for name in tests/protocol/*.in tests/fuzz/*.in; do $(COMPILE) --output-file "$${name%.in}.txt" "$$name" || exit 1; done

# ---- the steps of the workflows; each can be run at home ----
.PHONY: report judge cml post promote release weekly weekly-issue

judge: .venv/.ready # reads RUN_ID
	@$(BIN)/python -m scenarios judge $(ARGS)

# Its scripts stay off: they would only fetch what drawing charts needs. Without CML the same report is posted.
cml:
	@command -v cml || npm install --global --ignore-scripts --no-audit --no-fund @dvcorg/cml@0.20.6 \
		|| echo "CML cannot be had: the same report will be posted without it"

# These need nothing but Python and gh.
post release:
	@PYTHONPATH=src $(PYTHON) -m scenarios.$@ $(ARGS)

weekly-issue:
	@PYTHONPATH=src $(PYTHON) -m scenarios.weekly.issue

promote: .venv/.ready
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m scenarios.promote

weekly: .venv/.ready
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m scenarios.weekly $(ARGS)

clean: ## Remove what the other targets made
	rm -rf .venv build .pytest_cache .ruff_cache

.venv/.ready: requirements.txt pyproject.toml
ifeq ($(PYTHON),)
	@echo "error: Python 3.11 or newer was not found on PATH; install it (it may be called python3.11 or python3) and try again" >&2; exit 1
endif
	@command -v git >/dev/null || { echo "error: git was not found on PATH; install it and try again" >&2; exit 1; }
	@command -v node >/dev/null || { echo "error: node was not found on PATH; install Node.js (workflow steps may need it) and try again" >&2; exit 1; }
	@rm -rf .venv
ifneq ($(UV),)
	@echo "Setting up .venv with uv (once) ..."
	@uv venv --quiet --python $(PYTHON) .venv
	@VIRTUAL_ENV=.venv uv pip sync --quiet --require-hashes requirements.txt
	@VIRTUAL_ENV=.venv uv pip install --quiet --no-deps --no-build-isolation --editable .
else
	@echo "Setting up .venv with pip (once; a few minutes, less with uv on PATH) ..."
	@$(PYTHON) -m venv .venv || { echo "error: '$(PYTHON) -m venv' failed; install its venv module (Debian, Ubuntu: apt-get install python3-venv) and try again" >&2; exit 1; }
	@{ $(BIN)/python -m pip install --disable-pip-version-check --require-hashes --requirement requirements.txt \
		&& touch .venv/.installed; } 2>&1 | tee .venv/setup.log | sed -n 's/^Collecting \([^=]*\)==.*/  \1/p; s/^Installing collected.*/  installing .../p'
	@test -e .venv/.installed || { tail -n 20 .venv/setup.log >&2; echo "error: the libraries of requirements.txt could not be installed; all of pip's words are in .venv/setup.log" >&2; exit 1; }
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . # uv_build looks for its program on PATH
endif
	@touch $@
