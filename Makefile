# `make` lists the targets. Needs Python 3.11 or newer; everything else is installed into .venv.

PYTHON ?= python3
VENV := .venv
LIGHT := .venv-light
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# More arguments for pip, for example another index.
PIP_ARGS ?=
TRANSPORT ?= stdio
# In a folder of their own: neither is needed to run Zettel or its tests.
LOCK_TOOLS := $(VENV)/lock-tools
UV := uv==0.13.9
PIP_AUDIT := pip-audit==2.10.1
# What torch's build for CUDA brings; its build for CPUs, which is installed first, needs none.
CUDA := cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas nvidia-cuda-cupti \
  nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile \
  nvidia-curand nvidia-cusolver nvidia-cusparse nvidia-cusparselt-cu13 nvidia-nccl-cu13 \
  nvidia-nvjitlink nvidia-nvshmem-cu13 nvidia-nvtx triton
COMPILE = $(LOCK_TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.11 \
  --generate-hashes --no-annotate --custom-compile-command "make lock" -c constraints.txt
PYTEST = $(BIN)/python -m pytest -n 3 --dist worksteal
# In memory where there is room: a fifth of the tests' time is waiting for a disk.
SHM_KB := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 2000000 { print $$4 }')
export PYTEST_DEBUG_TEMPROOT ?= $(if $(SHM_KB),/dev/shm)
# Where it is set, each of a hundred started processes compiles every module anew.
unexport PYTHONDONTWRITEBYTECODE
# Three workers, and four for the quick tests, since much of a test is waiting. A quick test that
# takes a minute hangs: it is shown and its process ended.
QUICK := -n 4 -m "not slow" -o faulthandler_timeout=60

.DEFAULT_GOAL := help
.PHONY: help install install-light dev serve test test-all check graph docs uv lock mcpb audit bench-retrieval bench-generator bench-attach bench-cost bench-latency bench-encoder bench-sizes bench-erasure bench-evolution bench-attacks bench-neighbours bench-month bench-changes bench-scale fit fit-verdict torture soak mutants clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## install Zettel and its tools into .venv (does nothing when up to date)

# torch comes first and alone: once the CPU build of the pinned version is there, nothing that
# depends on torch makes pip fetch another one.
$(STAMP): pyproject.toml constraints.txt locks/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Zettel needs Python 3.11 or newer, and '$(PYTHON)' is not." >&2; \
	  echo "Name one that is: make install PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "[1/3] Making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "[2/3] Installing torch, the largest part (some 200 MB)"
	@$(BIN)/python -m pip install $(PIP_ARGS) --disable-pip-version-check \
	  "$$(grep '^torch==' constraints.txt)" -c constraints.txt
	@echo "[3/3] Installing Zettel, its dependencies and its development tools"
	@$(BIN)/python -m pip install $(PIP_ARGS) --disable-pip-version-check \
	  --require-hashes --no-deps -r locks/dev.txt
	@$(BIN)/python -m pip install $(PIP_ARGS) --disable-pip-version-check \
	  --no-deps --no-build-isolation -e .
	@touch $(STAMP)
	@echo "Installed: $(BIN)/zettel"

install-light: ## install what serving needs into .venv-light: no torch, no tools (does nothing when up to date)
	@$(PYTHON) -m venv $(LIGHT)
	@$(LIGHT)/bin/python -m pip install $(PIP_ARGS) --quiet --disable-pip-version-check \
	  --require-hashes --no-deps -r locks/light.txt -r locks/build.txt
	@$(LIGHT)/bin/python -m pip install $(PIP_ARGS) --quiet --disable-pip-version-check \
	  --no-deps --no-build-isolation .
	@echo "Installed: $(LIGHT)/bin/zettel"

dev: install ## install, and have git run what `make check` runs before each commit
	@$(BIN)/pre-commit install

serve: install ## serve Streamable HTTP and SSE on 127.0.0.1 (ARGS="--port 9000")
	@exec $(BIN)/zettel serve $(ARGS)

test: install ## run the tests but the slow ones, four at a time (ARGS="tests/tools -k forget")
	@exec $(PYTEST) $(QUICK) $(ARGS)

test-all: install ## run every test, the slow ones first, and say how long each part took
	@began=$$(date +%s); failed=0; \
	$(PYTEST) -m slow --durations=40 --durations-min=5 || failed=1; \
	between=$$(date +%s); \
	$(PYTEST) $(QUICK) || failed=1; \
	ended=$$(date +%s); \
	echo "slow: $$((between - began)) s; make test: $$((ended - between)) s;" \
	  "make test-all: $$((ended - began)) s"; \
	exit $$failed

check: install ## formatting, lint and types: what CI checks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python

uv: ## install uv beside Zettel: it writes the locks, and one test starts the bundle by it
	@$(PYTHON) -m venv $(LOCK_TOOLS)
	@$(LOCK_TOOLS)/bin/python -m pip install $(PIP_ARGS) --quiet --disable-pip-version-check $(UV)

lock: uv ## write locks/*.txt anew: the versions of constraints.txt, with the hashes of their files
	$(COMPILE) --override locks/without-torch.txt pyproject.toml --extra llm -o locks/light.txt
	$(COMPILE) $(CUDA:%=--no-emit-package %) pyproject.toml --extra dev --extra verify -o locks/dev.txt
	echo 'hatchling>=1.27,<2' | $(COMPILE) - -o locks/build.txt

mcpb: ## write dist/zettel-VERSION.mcpb, a bundle for clients that install such files
	@exec $(PYTHON) deploy/mcpb/build.py

audit: ## ask the advisory service for known weaknesses of the locked versions (needs the network)
	@$(PYTHON) -m venv $(LOCK_TOOLS)
	@$(LOCK_TOOLS)/bin/python -m pip install $(PIP_ARGS) --quiet --disable-pip-version-check $(PIP_AUDIT)
	$(LOCK_TOOLS)/bin/pip-audit --strict --disable-pip --require-hashes -r locks/dev.txt $(ARGS)

graph: install ## print the packages by level, what each imports, and the figures of the import graph
	@exec $(BIN)/python -m tests.package_graph

docs: install ## write what docs/{settings,cli,tools}.md take from the code
	@exec $(BIN)/python docs/generate.py

bench-retrieval: install ## measure recall through the server (DATA=folder [OUT=run.jsonl] [TRANSPORT=stdio|http|sse] [ARGS=--no-subjects])
	@test -n "$(DATA)" || { echo "Say which data: make bench-retrieval DATA=folder" >&2; exit 2; }
	@exec $(BIN)/python -m benchmarks.retrieval "$(DATA)" --transport "$(TRANSPORT)" $(if $(OUT),--out "$(OUT)") $(ARGS)

bench-generator: install ## measure memory on a made-up world, told to the server and asked (ARGS="--size small --style assistant --seed 1")
	@exec $(BIN)/python -m benchmarks.generator $(ARGS)

bench-attach: install ## measure what attaching costs: time to initialize, memory of 1 and 5 clients
	@exec $(BIN)/python -m benchmarks.attach $(ARGS)

bench-cost: install ## measure what the verbs cost beside encoding and a bare commit (ARGS="--notes 1000")
	@exec $(BIN)/python -m benchmarks.cost $(ARGS)

bench-latency: install ## measure where recall and remember spend their time, beside their floor (ARGS="--notes 1000 --beside other/zettel")
	@exec $(BIN)/python -m benchmarks.latency $(ARGS)

bench-encoder: install ## measure both ways to run the embedding model in turn: time, memory, first recall (ARGS="--repeat 20"), or embedding and importing on the CPU and on a GPU (ARGS="--bulk 3000")
	@exec $(BIN)/python -m benchmarks.encoder $(ARGS)

bench-sizes: install ## measure what a server takes of memory, disk and time at 1,000 and 20,000 notes (ARGS="--notes 1000")
	@exec $(BIN)/python -m benchmarks.sizes $(ARGS)

bench-erasure: install ## measure how long an erasure takes until nothing is left in any file (ARGS="--notes 1000")
	@exec $(BIN)/python -m benchmarks.erasure $(ARGS)

bench-evolution: install ## measure what evolution is worth (ARGS="steps --data folder", parts, fading, conflicts, profiles, gists, links, cues, rows, written, feedback, asked, broad; LLM=model once more with it)
	@exec $(BIN)/python -m benchmarks.evolution $(ARGS) $(if $(LLM),--llm "$(LLM)")

bench-attacks: install ## attack the memory 144 times in 16 ways and count what is laundered, unmarked or outranked (ARGS="--data folder --only stuffing --llm no")
	@exec $(BIN)/python -m benchmarks.attacks $(ARGS)

bench-neighbours: install ## measure what one tenant feels of another's abuse and learns of its notes (ARGS="--seconds 5")
	@exec $(BIN)/python -m benchmarks.neighbours $(ARGS)

bench-month: install ## tell months of an agent's work at their dates and ask what they told (ARGS="--misses --kept-aside --without signals|moves|steps")
	@exec $(BIN)/python -m benchmarks.month $(ARGS)

bench-changes: install ## tell changes of facts, and notes that change nothing, and count what is seen (ARGS="--data folder --misses")
	@exec $(BIN)/python -m benchmarks.changes $(ARGS)

bench-scale: install ## measure stores by size (N="1000 20000" [TENANTS=1000]), recall by turns with its floor (ARGS="--turns 8 --beside other/.venv/bin/python"), or ask a data set among many other notes (DATA=folder [ARGS="--others 20000 --every 3"])
	@test -n "$(DATA)$(N)" || { echo "Say which sizes, or which data: make bench-scale N=1000" >&2; exit 2; }
	@exec $(BIN)/python -m benchmarks.scale $(if $(DATA),"$(DATA)") $(if $(N),--notes $(N)) $(if $(TENANTS),--tenants $(TENANTS)) $(ARGS)

fit: install ## fit the weights of recall's ranking and show what each signal is worth (DATA=folder [ARGS="--no-subjects"])
	@test -n "$(DATA)" || { echo "Say which data: make fit DATA=folder" >&2; exit 2; }
	@exec $(BIN)/python -m benchmarks.fit "$(DATA)" $(ARGS)

fit-verdict: install ## calibrate recall's verdict, leaving each set of questions out in turn (DATA="folder ..." [ARGS="--cache folder"])
	@exec $(BIN)/python -m benchmarks.verdict $(DATA) $(ARGS)

torture: install ## take the engine away 160 times under its clients, then kill at random among many processes on one store for 10 minutes (ARGS="--kills 0 --seconds 60 --processes 3 --seed 1"), and count what is lost
	@exec $(BIN)/python -m benchmarks.torture $(ARGS)

soak: install ## hammer one server with two tenants for 5 minutes, then SIGTERM, and count leaks and losses (ARGS="--seconds 60 --seed 1")
	@exec $(BIN)/python -m benchmarks.soak $(ARGS)

mutants: install ## put known faults into a copy of the code one by one: at least 95 % must fail their tests (ARGS="--only ID", "--list")
	@exec $(BIN)/python -m benchmarks.mutants $(ARGS)

clean: ## remove .venv, caches and built files
	rm -rf $(VENV) $(LIGHT) dist .pytest_cache .ruff_cache .hypothesis .ci/tools
	find server tools storage tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
