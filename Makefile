# Everything there is to do with Egress, by name. `make run` and `make test` are enough alone on a fresh Debian machine.
.DEFAULT_GOAL := help
.PHONY: help deps deps-test build run test bench bench-build profile tidy unit asan tsan fuzz sim e2e e2e-long ladder-table clib install clean

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# What it takes to build and run, and what it takes to test. The Swift toolchain (6.2 or later) is expected on PATH.
PACKAGES := liburing-dev libssl-dev zlib1g-dev ffmpeg fonts-dejavu-core
ifeq ($(shell uname -m),x86_64)
PACKAGES += libipsec-mb-dev
endif
TEST_PACKAGES := libsrtp2-dev chromium python3-venv gcc procps iproute2
# promtool, which reads the metrics.
TEST_PACKAGES += prometheus
# Viewers of other makes.
TEST_PACKAGES += firefox-esr gstreamer1.0-plugins-bad gstreamer1.0-nice gstreamer1.0-plugins-good gstreamer1.0-libav \
  python3-gi gir1.2-gst-plugins-bad-1.0

# The SRTP back end for x86-64 goes in when its header is there. Naming traits replaces the default ones, so Server is named too.
comma := ,
IPSEC_MB = $(if $(wildcard /usr/include/intel-ipsec-mb.h),$(comma)IPSecMB)
TRAITS = --traits Server$(IPSEC_MB)
LIBRARY_TRAITS = $(if $(IPSEC_MB),--traits IPSecMB,--disable-default-traits)

# Debug builds with CEgress at -O2: what `run`, `unit` and `e2e` share.
SWIFT = EGRESS_FAST_C=1 swift
VENV := .venv-e2e
FUZZ_SECONDS ?= 8
# Worlds of `make sim`, and the first of them: SEEDS=1 FIRST=1234 repeats that one alone.
SEEDS ?= 2000
FIRST ?= 0

help:
	@echo "make run     build, then play a test pattern in a browser"
	@echo "make test    the whole suite: what CI runs"
	@echo "make build   the server for deployment: .build/release/egress"
	@echo "make bench   what a packet costs here, beside its references (QUICK=1: two minutes; RESULTS=1: writes Tests/Bench/RESULTS.md)"
	@echo "make tidy    layers, formatting, leftovers"
	@echo "             also: deps unit asan tsan fuzz sim e2e e2e-long ladder-table clib install clean profile"

# --- what is missing gets installed ---

# $(call install,packages): those that dpkg does not know are installed, through sudo when this is not root.
define install
@missing=""; for package in $(1); do dpkg -s "$$package" >/dev/null 2>&1 || missing="$$missing $$package"; done; \
if [ -n "$$missing" ]; then \
  as_root=""; [ "$$(id -u)" = 0 ] || as_root="sudo"; \
  if [ -n "$$as_root" ] && ! command -v sudo >/dev/null; then \
    echo "These packages are missing, and there is no sudo to install them with:$$missing" >&2; \
    echo "As root: apt-get install$$missing" >&2; exit 1; fi; \
  echo "installing$$missing"; \
  $$as_root apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -q --no-install-recommends $$missing >/dev/null || \
    { echo "These packages could not be installed:$$missing" >&2; exit 1; }; \
fi; \
command -v swift >/dev/null || { echo "There is no swift on PATH: install Swift 6.2 or later from swift.org/install" >&2; exit 1; }
endef

deps:
	$(call install,$(PACKAGES))

deps-test: deps
	$(call install,$(TEST_PACKAGES))

# --- build and run ---

build: deps
	swift build -c release --product egress $(TRAITS)

run: deps
	$(SWIFT) build --product egress $(TRAITS)
	.build/debug/egress demo

# --- tests ---
# One after the other: some of them count the process' descriptors, which is how a leak of one shows. The fuzzers begin from one seed here, so
# that a change is not refused for what a lucky draw found in what was there before; `make fuzz` by itself draws another each time.

test: deps-test
	$(MAKE) tidy
	$(MAKE) clib
	$(MAKE) unit
	$(MAKE) asan
	$(MAKE) tsan
	FUZZ_SEED=1 $(MAKE) fuzz
	$(MAKE) e2e

unit: deps-test
	$(SWIFT) build --build-tests $(TRAITS)
	$(SWIFT) test --skip-build --disable-xctest --no-parallel $(TRAITS)

# The libraries alone, without the server's dependencies: that they build and pass like this is itself a requirement.
asan: deps-test
	swift test --disable-xctest --no-parallel $(LIBRARY_TRAITS) --scratch-path .build-asan \
	  --sanitize=address -Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined

tsan: deps-test
	TSAN_OPTIONS="suppressions=$(CURDIR)/Tests/tsan.supp" swift test --disable-xctest --no-parallel $(LIBRARY_TRAITS) --scratch-path .build-tsan \
	  --sanitize=thread

tidy: deps-test
	python3 Tests/Tidy/tidy.py
	swift format lint --strict --parallel --recursive Sources Tests Package.swift

fuzz: deps-test
	Tests/Fuzz/run.sh $(FUZZ_SECONDS)

sim: deps-test
	swift run -c release --scratch-path .build-sim $(LIBRARY_TRAITS) egress-sim $(SEEDS) $(FIRST)

e2e: deps-test $(VENV)/installed
	$(SWIFT) build --product egress $(TRAITS)
	EGRESS_BIN=$(CURDIR)/.build/debug/egress $(VENV)/bin/python -m pytest -q -p no:cacheprovider Tests/EndToEnd
	EGRESS_E2E_IO=epoll EGRESS_BIN=$(CURDIR)/.build/debug/egress $(VENV)/bin/python -m pytest -q -p no:cacheprovider -m "not supervision and not long" \
	  $(addprefix Tests/EndToEnd/,test_demo.py test_lifecycle.py test_bad_input.py test_serve.py test_restart.py test_slow_viewer.py test_loss.py \
	    attacks/test_checks.py)

# Tests that take two minutes each.
e2e-long: deps-test $(VENV)/installed
	$(SWIFT) build --product egress $(TRAITS)
	EGRESS_BIN=$(CURDIR)/.build/debug/egress $(VENV)/bin/python -m pytest -q -p no:cacheprovider -m long Tests/EndToEnd

$(VENV)/installed: Tests/EndToEnd/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check -r $<
	touch $@

# --- measuring ---

# QUICK=1: under two minutes. SHAPES="fanout_1x500 send": only these. BENCH_JSON=FILE: the figures as JSON.
# RESULTS=1: the figures, the plot and the page about them go to Tests/Bench.
BENCH = .build-bench/release/egress-bench
SHAPES ?=

bench: bench-build
	$(if $(RESULTS),BENCH_JSON=Tests/Bench/results.json) $(BENCH) $(SHAPES)
	$(if $(RESULTS),python3 Tests/Bench/report.py)

bench-build: deps-test
	swift build -c release --scratch-path .build-bench $(LIBRARY_TRAITS) --product egress-bench

# Where the time of the fan-out goes: perf on the engine's thread.
profile: bench-build
	Tests/Bench/profile.sh $(BENCH)

# What a viewer in Chromium sees when its link gets narrow, and of Janus in the same place: Tests/Bench/LADDER.md. 15 minutes on a machine that has
# nothing else to do.
RUNS ?= 5

ladder-table: build deps-test $(VENV)/installed
	$(call install,janus)
	EGRESS_BIN=$(CURDIR)/.build/release/egress $(VENV)/bin/python Tests/EndToEnd/ladder_table.py --runs $(RUNS) --write Tests/Bench/LADDER.md

# --- the C library by itself ---

PREFIX ?= /usr/local
C_SOURCES := $(wildcard Sources/CEgress/*.c Sources/CEgress/*/*.c)
C_FLAGS := -std=gnu17 -O2 -g -fPIC -fvisibility=hidden -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror -ISources/CEgress -ISources/CEgress/include \
  $(if $(IPSEC_MB),-DEGRESS_IPSEC_MB)
C_LIBRARIES := -luring -lssl -lcrypto -lpthread $(if $(IPSEC_MB),-lIPSec_MB)
C_OBJECTS := $(patsubst Sources/CEgress/%.c,.build-clib/%.o,$(C_SOURCES))

# With gcc, so that the header and the code stay readable for both compilers.
# Nothing global: two engines live in one process, so no object of the library may have a variable of its own.
clib: deps-test .build-clib/libcegress.so.1 .build-clib/libcegress.a
	@! objdump -t .build-clib/libcegress.a | grep -E ' O \.(data|bss|tdata|tbss)\s' || { echo "clib: variables that all engines share" >&2; exit 1; }

.build-clib/%.o: Sources/CEgress/%.c $(wildcard Sources/CEgress/*.h Sources/CEgress/*/*.h)
	@mkdir -p $(@D)
	@gcc $(C_FLAGS) -c $< -o $@

.build-clib/libcegress.so.1: $(C_OBJECTS)
	@gcc -shared -Wl,-soname,libcegress.so.1 $^ -o $@ $(C_LIBRARIES)

.build-clib/libcegress.a: $(C_OBJECTS)
	@rm -f $@
	@ar rcs $@ $^

install: build clib
	install -D -m 755 .build/release/egress $(DESTDIR)$(PREFIX)/bin/egress
	install -D -m 644 Sources/CEgress/include/cegress.h $(DESTDIR)$(PREFIX)/include/cegress.h
	install -D -m 755 .build-clib/libcegress.so.1 $(DESTDIR)$(PREFIX)/lib/libcegress.so.1
	ln -sf libcegress.so.1 $(DESTDIR)$(PREFIX)/lib/libcegress.so
	install -D -m 644 .build-clib/libcegress.a $(DESTDIR)$(PREFIX)/lib/libcegress.a
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig
	printf '%s\n' 'prefix=$(PREFIX)' 'Name: cegress' 'Description: RTP in, WebRTC out to many viewers' 'Version: 0.1.0' \
	  'Libs: -L$${prefix}/lib -lcegress' 'Libs.private: $(C_LIBRARIES)' 'Cflags: -I$${prefix}/include' \
	  > $(DESTDIR)$(PREFIX)/lib/pkgconfig/cegress.pc

clean:
	rm -rf .build .build-* $(VENV)
