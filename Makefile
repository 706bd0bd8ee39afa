# Everything happens in .venv, which any target makes when it is missing or out of date.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# What the tests of clients in JavaScript need. Without npm they are skipped, and say so.
NODE := .venv/node/.ready

# Ray, 240 MB, for sessions on many machines. Without it the tests of fleets are skipped, and say so.
RAY := .venv/.ray
# The tools that build, install and list packages. They need Python packages of their own.
PACKAGING := .venv/packaging/.ready

# Needs a compiler; without it the tests that compare with MeetEval are skipped, and say so.
JUDGES := .venv/.judges

# Plugins of voice-agent frameworks, a gigabyte with all that they need. Without them their tests are
# skipped, and say so.
PLUGINS := .venv/plugins/.ready

# The tests start Python two hundred times: where somebody has forbidden it to keep what it compiles,
# a sixth of their time would go by in compiling the same again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run quick test slow node plugins check docs coverage package hostile fleet mutants format bench fuzz chaos storm pictures judges

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: $(READY) ## Open the desk on the samples, streaming to the embedded engine
	@$(BIN)/paceline demo || test $$? -eq 130  # left early

quick: $(READY) ## Run the unit tests: under half a minute on two cores
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/unit

# In the order of their names: tests that mostly wait come before those that only compute. It takes
# six files at once to keep two cores busy while they wait.
test: $(READY) node judges ## Run all tests but the slow ones: three minutes on two cores
	@$(BIN)/python -m pytest -n 6 --dist loadfile --no-loadscope-reorder

node: $(NODE)

judges: $(JUDGES)

plugins: $(PLUGINS)

check: $(READY) ## Check format, lint, types, spelling and the layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/codespell
	@$(BIN)/lint-imports

docs: $(READY) ## Build the documentation with search into site/, every internal link checked
	@$(BIN)/python -m tests.reference_pages
	@$(BIN)/zensical build --clean --strict

# --- stages: .ci/run runs those that it names after `test` and `check`

# Child processes measure themselves: docs/development/coverage.md says how. A traced program is
# slower, so tests may take longer before they are given up, and one that fails only here is `make
# test`'s to judge.
coverage: $(READY) node judges ## Run all tests, and show which lines and branches they reach
	@rm -rf .coverage && mkdir .coverage
	@$(BIN)/coverage run -m pytest -q -n 4 -m "" --dist loadfile --no-loadscope-reorder --timeout 300 || \
		echo "Some tests failed while they were traced."
	@$(BIN)/coverage combine --quiet
	@$(BIN)/python -m tests.coverage_by_room

# It installs from the package registry, into folders of its own in .venv.
package: $(READY) $(PACKAGING) ## Build wheel and sdist, install them with pip, pipx and uv, and try both ends of all bounds
	@rm -rf .venv/packaged
	@.venv/packaging/bin/python -m build --outdir .venv/packaged/dist . >/dev/null
	@$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder --timeout 1200 tests/packaging
	@cat .venv/packaged/figures.txt

# The tests that `make test` leaves out, which are beside quicker ones of their kind.
slow: $(READY) node ## Run the slow tests: two minutes
	@$(BIN)/python -m pytest -q -n 6 --dist loadfile --no-loadscope-reorder -m slow

# What `make test` has no time for. The tests draw by chance from SEED; the same seed draws the same.
hostile: $(READY) node plugins ## Run the tests of machines, folders and servers at their worst: seven minutes
	@SEED=$(or $(SEED),1) $(BIN)/python -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder --timeout 300 tests/hostile

# Each file has a cluster of several nodes, whose tests run one after the other and mostly wait.
fleet: $(READY) $(RAY) ## Run the tests of fleets on a Ray cluster of this machine: four minutes
	@SEED=$(or $(SEED),1) $(BIN)/python -m pytest -q -n 2 --dist loadfile --timeout 300 tests/fleet

# [tool.mutmut] in pyproject.toml names the core modules and the tests. Each change is tried on the
# tests that reach it; `mutmut show NAME` prints one. All take ten minutes; MUTANTS names fewer.
mutants: $(READY) ## Change the core modules, or MUTANTS='workers.pacing.*', and list the changes that tests miss
	@rm -rf mutants
	@$(BIN)/mutmut run --max-children 2 $(if $(MUTANTS),'$(MUTANTS)')
	@$(BIN)/mutmut results

# --- tools

format: $(READY) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY) ## Measure pacing beside the guide's script; the desk; the engine's accuracy, capacity, cost; the scheduler
	@$(BIN)/python -m tests.benchmarks.pacing
	@$(BIN)/python -m tests.benchmarks.listening
	@$(BIN)/python -m tests.benchmarks.pairs
	@$(BIN)/python -m tests.benchmarks.desk
	@$(BIN)/python -m tests.benchmarks.accuracy samples --sessions 1 8 --tail 2
	@$(BIN)/python -m tests.benchmarks.telephone
	@$(BIN)/python -m tests.benchmarks.kinds
	@$(BIN)/python -m tests.benchmarks.capacity
	@$(BIN)/python -m tests.benchmarks.engine_soak
	@$(BIN)/python -m tests.benchmarks.soak
	@$(BIN)/python -m tests.benchmarks.scheduler

fuzz: $(READY) ## Damage CASES=20000 recordings and as many run folders with SEED=…, and list those that are not read or refused well
	@$(BIN)/python -m tests.fuzz.corrupt_audio --cases $(or $(CASES),20000) $(if $(SEED),--seed $(SEED))
	@$(BIN)/python -m tests.fuzz.run_folders --cases $(or $(CASES),20000) $(if $(SEED),--seed $(SEED))

chaos: $(READY) ## Break servers, then kill processes by chance for MINUTES=… with SEED=…, and look for lost words
	@$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED)) --sessions 20
	@$(BIN)/python -m tests.chaos.kill_storm --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

storm: $(READY) $(RAY) ## Break nodes, lines, disks and the program of a fleet FAULTS=200 times with SEED=…; needs root
	@$(BIN)/python -m tests.fleet.fleet_storm --faults $(or $(FAULTS),200) $(if $(SEED),--seed $(SEED))

pictures: $(READY) ## Make the README's picture and the recording of the documentation from the running desk
	@$(BIN)/python -m tests.readme_screenshot
	@$(BIN)/python -m tests.desk_cast

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Paceline needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --editable '.[local,evaluation]' --group dev
	@touch $@

$(RAY): $(READY)
	@if $(BIN)/python -m pip install --quiet --editable '.[fleet]'; \
	then touch $@; \
	else echo "Ray was not installed: the tests of fleets will be skipped."; fi

$(JUDGES): $(READY)
	@if $(BIN)/python -m pip install --quiet --group judges; \
	then touch $@; \
	else echo "MeetEval was not installed: the tests that need it will be skipped."; fi

# In an environment of their own: their dependencies do not fit beside ours.
$(PLUGINS): pyproject.toml
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	@if $(@D)/bin/python -m pip install --quiet --group plugins; \
	then touch $@; \
	else echo "The plugins of voice-agent frameworks were not installed: their tests will be skipped."; fi

$(PACKAGING): pyproject.toml
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(@D)/bin/python -m pip install --quiet --group packaging
	@touch $@

$(NODE): tests/clients/package.json tests/clients/package-lock.json
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@if command -v npm >/dev/null && npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --loglevel=error; \
	then touch $@; \
	else echo "No modules for Node.js: the tests that need them will be skipped."; fi
