# jetlag: what one can type
#
#   make run          set up all that is needed and do the main job on real data: two programs, NumPy
#                     beside jetlag, and the explanation; seconds when run again;
#                     MOVIELENS=folder for ratings of your own
#   make test         set up, build, and pass the tests of both languages, the layers and the docs
#   make test-web     the viewer's tests: its model, and the page in a real browser (Chromium by apt)
#   make test-notebooks  the viewer in cells of a real JupyterLab and Notebook 7; installs them
#   make screenshots  pictures of the viewer into docs/images
#   make test-slow    the tests with `slow` in their name
#   make test-jobs    jobs through a real sshd and a real Slurm of four nodes, on loopback, and in images of
#                     podman and Charliecloud; installs them
#   make test-kill    200 jobs whose daemon, client, script or services are killed; MINUTES=45 at most
#   make check        formats, layers, sizes, sanitizers (addresses, undefined, threads), the fuzzers
#   make fuzz         random array programs, run in Python and on the engine: N=5000 of them from
#                     seed FIRST=0 on; SEED=123 for one, FILE=build/fuzz/123.py for one that was kept
#   make fuzz-server  10 000 malformed requests and slow clients, under both kinds of sanitizers
#   make fuzz-jobs    N=20000 malformed requests about jobs, to a server under sanitizers
#   make bench        measure against NumPy, Numba, JAX, Pythran and C++: 25 minutes; ONLY=name,class
#                     for some of the rows, RUNS=n, RESULTS=file for the JSON; writes
#                     benchmarks/RESULTS.md when all was measured
#   make bench-view   how long the viewer, 40 of them, and the page in a browser wait for windows of a
#                     large trace: SLICES=10000000; how long for the first picture of an OTF2
#                     archive; and what being watched costs a program
#   make bench-jobs   what a job costs beside its own time; through sshd and Slurm too
#
#   make setup        only install (apt packages once, .venv) and build everything
#   make fmt          let the formatters lay out C++ and Python
#   make clean        remove build/ and what the build left in python/
#
# Parts of the above, alone: build test-cpp test-python layers sizes format asan tsan fuzz-physl fuzz-some.
# Variables: JOBS=n compilers at once; PYTHON=path for .venv; NO_APT=1 leaves Debian's packages to
# you; FUZZ_SECONDS=60.

.DEFAULT_GOAL := help
.PHONY: help setup run test test-web test-notebooks screenshots test-slow test-jobs test-kill check bench bench-view \
        bench-jobs fmt clean \
        packages packages-check build modules test-cpp test-python layers sizes format asan tsan \
        fuzz fuzz-physl fuzz-some fuzz-server fuzz-jobs

PYTHON_BIN := .venv/bin/python
PYTEST := $(PYTHON_BIN) -m pytest -q
CTEST := ctest --preset default --output-on-failure
CPP = $(shell find src python/binding tests -name '*.cpp' -o -name '*.h')
FUZZ_SECONDS ?= 60
N ?= 5000
FIRST ?= 0

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

setup: build

packages:
	@tools/setup.sh build

packages-check:
	@tools/setup.sh check

build: packages
	@tools/build.sh

# Only what Python needs: the C++ tests take as long to build as everything else.
modules: packages
	@tools/build.sh _core jetlag

run: modules
	@$(PYTHON_BIN) examples/tour.py $(if $(MOVIELENS),--movielens "$(MOVIELENS)")

# pytest comes last: its closing line is the one that counts.
test: test-cpp layers
	$(PYTEST) -k "not slow"

test-cpp: build
	$(CTEST) --exclude-regex '[Ss]low'

test-python: modules
	$(PYTEST) -k "not slow"

test-web: modules
	@tools/setup.sh web
	@tools/web.sh test
	@tools/web.sh browser

test-notebooks: modules
	@tools/setup.sh notebooks
	@tools/web.sh notebooks

screenshots: modules
	@tools/setup.sh web
	@tools/web.sh screenshots

test-slow: build
	$(CTEST) --tests-regex '[Ss]low' --no-tests=ignore
	$(PYTEST) -k slow

test-jobs: modules
	@tools/setup.sh jobs
	$(PYTEST) tests/jobs --ignore tests/jobs/test_kill.py

test-kill: modules
	@tools/setup.sh jobs
	$(PYTEST) -s tests/jobs/test_kill.py

check: format layers sizes asan tsan fuzz-physl fuzz-some fuzz-server fuzz-jobs
	@echo "check: all passed"

layers: packages
	@$(PYTHON_BIN) tools/check_layers.py

sizes: packages
	@$(PYTHON_BIN) tools/check_sizes.py

format: packages-check
	clang-format-19 --dry-run --Werror $(CPP)
	$(PYTHON_BIN) -m ruff format --check .
	$(PYTHON_BIN) -m ruff check .

fmt: packages-check
	clang-format-19 -i $(CPP)
	$(PYTHON_BIN) -m ruff format .
	$(PYTHON_BIN) -m ruff check --fix .

asan tsan: packages-check
	@tools/sanitize.sh $@

fuzz-physl: packages-check
	@tools/fuzz.sh $(FUZZ_SECONDS)

fuzz-server: packages-check
	@tools/fuzz_server.sh

fuzz-jobs: packages-check
	@tools/fuzz_jobs.sh $(if $(filter file,$(origin N)),20000,$(N))

fuzz: modules
	@$(PYTHON_BIN) -m tests.fuzz --count $(N) --first $(FIRST) $(if $(SEED),--seed $(SEED)) \
	  $(if $(FILE),--file "$(FILE)")

fuzz-some: modules
	@$(PYTHON_BIN) -m tests.fuzz --count 500

bench: modules
	@tools/setup.sh bench
	@$(PYTHON_BIN) benchmarks/run.py $(if $(ONLY),--only "$(ONLY)") $(if $(RUNS),--runs $(RUNS)) \
	  $(if $(RESULTS),--results "$(RESULTS)")

bench-view: modules
	@tools/build.sh jetlag_bench_view jetlag_bench_archives
	@tools/setup.sh web
	@build/default/benchmarks/jetlag_bench_view $(or $(SLICES),10000000) 16 build/large
	@$(PYTHON_BIN) benchmarks/viewers.py build/large/run.jlt
	@tools/web.sh measure "$$PWD/build/large/run.jlt"
	@rm -rf build/large
	@$(PYTHON_BIN) benchmarks/first_picture.py
	@$(PYTHON_BIN) benchmarks/live.py

bench-jobs: modules
	@tools/setup.sh jobs
	@$(PYTHON_BIN) benchmarks/jobs.py

clean:
	rm -rf build
	rm -f python/jetlag/_c*.so
