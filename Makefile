# Two commands matter: `make demo` and `make test`. Both first make .venv where it is missing or out of date.
.PHONY: help setup demo test tests check bench prove lock schema

BIN := .venv/bin
NOTEBOOKS := $(wildcard notebooks/*.ipynb)
BENCHMARKS := $(sort $(wildcard benchmarks/*.py))

# Same input, same bytes: one thread for sums, one order for sets. Compiled bytecode is kept, it makes a report cheap.
export OPENBLAS_NUM_THREADS := 1
export PYTHONHASHSEED := 0
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make demo   invent a trust, make every page, say where the index is"
	@echo "make test   check the code and run the tests"
	@echo "make check  ruff, mypy, clean notebooks      make prove  the slow proofs"
	@echo "make bench  what it costs                    make lock   requirements.txt from pyproject.toml"
	@echo "make setup  only make .venv                  make schema params/study.schema.json from the models"

.venv/.ready: requirements.txt pyproject.toml
	@echo "Making .venv: the first time takes a few minutes."
	@sh scripts/setup.sh

setup: .venv/.ready

demo: setup
	@$(BIN)/attend demo

test: check tests

tests: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not prove"

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
ifneq ($(NOTEBOOKS),)
	$(BIN)/nbstripout --verify --keep-id $(NOTEBOOKS)
endif

prove: setup
	$(BIN)/python -m pytest -m prove

bench: setup
ifeq ($(BENCHMARKS),)
	@echo "benchmarks/ holds no benchmark yet."
else
	@set -e; for file in $(BENCHMARKS); do echo "$$file"; $(BIN)/python "$$file"; done
endif

# `make lock UPGRADE=--upgrade` takes the newest versions; without it only what pyproject.toml asks for changes.
# No setting of this machine may leak in: every hash is the public index's own.
lock:
	env -u UV_INDEX -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL -u UV_DEFAULT_INDEX -u UV_FIND_LINKS \
	uv pip compile pyproject.toml --extra dev --quiet --no-config --universal --python-version 3.11 \
	  --fork-strategy fewest --generate-hashes --no-annotate --custom-compile-command "make lock" \
	  $(UPGRADE) --output-file requirements.txt

schema: setup
	$(BIN)/python -c 'from attendlib.records.schema import study_schema_text; print(study_schema_text(), end="")' \
	  > params/study.schema.json
