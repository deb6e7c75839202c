# make demo: render, train, score and report on rendered faces.  make test: every check.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test install clean

demo: install
	$(BIN)/flexpad demo --out runs/demo

test: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/pytest -n 2

install: $(VENV)/installed

# constraints.txt pins what CI runs; it names a torch whose plain wheel is the CPU build.
$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "flexpad needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[train,synth,hdf5,tensorboard,analyse,dev]'
	@touch $@

clean:
	rm -rf $(VENV) runs build dist
