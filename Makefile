# Every target sets itself up: the first one run creates .venv and installs the tested versions (constraints.txt).
PYTHON ?= python3
BIN := .venv/bin
GENERATE := bundles/fundus_dataset_generation
OUT ?= synthetic
N ?= 8
SOURCE ?= ddpm
WEIGHTS ?= runs/weights
LABEL := .venv/label
STUDIES ?= runs/studies

.PHONY: weights dataset test abuse test-exports stress test-slow lint docs bench dist clean clean-kernels test-browser label test-label

dataset: .venv/ready  ## 8 labelled samples of the trained networks with a contact sheet in synthetic/
	$(BIN)/python -m monai.bundle run --config_file $(GENERATE)/configs/inference.yaml --meta_file $(GENERATE)/configs/metadata.json --bundle_root $(GENERATE) --output_dir $(OUT) --num_samples $(N) --mask_source $(SOURCE)

weights: .venv/ready $(DATALIST)  ## every shipped network trained anew in runs/weights: make weights DATALIST=hrf.json MAX_MINUTES=600
	$(BIN)/fundusgen weights train -o $(WEIGHTS) $(if $(DATALIST),--datalist $(DATALIST)) $(if $(MAX_MINUTES),--max-minutes $(MAX_MINUTES))

test: .venv/ready lint  ## lint, then the default tests (those marked data run where ../shared/data exists)
	$(BIN)/python -m pytest -m "not slow and not abuse and not browser and not label"

abuse: .venv/ready  ## hundreds of wrong inputs: each answered clearly, nothing written or lost
	$(BIN)/python -m pytest tests/abuse

test-exports: .venv/ready  ## the exports; dicom3tools judges the DICOM files where it is installed
	@command -v dciodvfy > /dev/null || echo "no dciodvfy, so its test will skip: apt-get install dicom3tools"
	$(BIN)/python -m pytest -rs tests/export

test-browser: .venv/browser  ## the reviewer and the reading study in a real Chromium: clicks, keys, reloads, two tabs
	@command -v chromium > /dev/null || echo "no chromium, so its tests will skip: apt-get install chromium"
	$(BIN)/python -m pytest -rs -m browser

label: $(LABEL)/ready  ## a MONAI Label server on a folder of photographs: make label STUDIES=folder
	$(LABEL)/bin/python -m monai_fundusgen label serve $(STUDIES)

test-label: $(LABEL)/ready  ## the MONAI Label app, a real server asked by MONAI Label's own client
	$(LABEL)/bin/python -m pytest -rs -m label tests/apps/label

stress: .venv/ready  ## 50 kills of a generation at random moments, with one process and with two
	FUNDUSGEN_KILLS=50 $(BIN)/python -m pytest -s tests/bundles/test_kill.py -k generation

test-slow: .venv/ready  ## the heavy laws: 200 phantom eyes, long trainings
	$(BIN)/python -m pytest -m "slow and not browser and not label"

lint: .venv/ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

docs: .venv/docs  ## the figures and curves of docs/
	$(BIN)/python docs/figures.py && $(BIN)/python docs/phantom_figures.py && $(BIN)/python docs/loss_figures.py

bench: .venv/ready  ## every benchmark that needs no argument; the others print what they need
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || [ $$? = 2 ] || exit 1; done

dist: .venv/ready  ## the wheel, bundles and their weights in it, in dist/
	rm -rf build && $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean-kernels:  ## drop the compiled kernels, after editing one that another file calls
	find monai_fundusgen -name '*.nb[ic]' -delete

clean:
	rm -rf .venv synthetic runs build dist

.venv/ready: setup.cfg constraints.txt
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 10) and "Python 3.10 or newer is needed, this is %d.%d: make PYTHON=python3.x" % v[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[test,export,study]"
	touch $@

.venv/browser: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[browser]"
	touch $@

$(LABEL)/ready: setup.cfg monai_fundusgen/apps/label/install.sh
	PYTHON=$(PYTHON) monai_fundusgen/apps/label/install.sh $(LABEL) .
	$(LABEL)/bin/python -m pip install --quiet --disable-pip-version-check pytest
	touch $@

.venv/docs: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[docs]"
	touch $@
