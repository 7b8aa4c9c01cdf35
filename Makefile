# Two commands do everything on a fresh Debian with the Swift toolchain: make run, make test.

PORT ?= 8000
DATA ?= .run
SWIFT ?= swift
MINUTES ?= 20

BUILD_PACKAGES = pkg-config libfcgi-dev libsqlite3-dev libcurl4-openssl-dev zlib1g-dev
RUN_PACKAGES = nginx-light git bubblewrap slirp4netns uidmap util-linux iproute2 ca-certificates
BENCH_PACKAGES = wrk
TEST_PACKAGES = chromium chromium-driver openssl curl swift-proxy swift-account swift-container swift-object faketime

# An ordinary user installs packages by sudo; root needs none.
SUDO = $(shell [ "$$(id -u)" = 0 ] || echo sudo)
STRICT = --explicit-target-dependency-import-check error

.DEFAULT_GOAL := help
.PHONY: run test lint bench soak help packages test-packages bench-packages

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: packages ## build and run everything on http://127.0.0.1:8000 (PORT=, DATA=)
	$(SWIFT) build -c release --product martletd
	exec "$$($(SWIFT) build -c release --show-bin-path)/martletd" up --data "$(DATA)" --port $(PORT)

test: test-packages lint ## run every test
	$(SWIFT) build --build-tests $(STRICT)
	sh Tests/run.sh

lint: ## check formatting and the walls between modules
	$(SWIFT) format lint --strict --parallel --recursive Package.swift Sources Tests
	sh Tests/walls.sh

bench: bench-packages ## measure against the budgets of docs/architecture.md
	SWIFT="$(SWIFT)" sh Tests/Benchmarks/run.sh

soak: test-packages ## break an installation over and over and look whether all is there (MINUTES=, SEED=)
	$(SWIFT) build --product martletd
	$(SWIFT) build --product StoreCrashProbe
	$(SWIFT) build --product MartletSoak
	sh Tests/soak.sh "$$($(SWIFT) build --show-bin-path)" --minutes $(MINUTES) --keep .soak $(if $(SEED),--seed $(SEED))

packages: PACKAGES = $(BUILD_PACKAGES) $(RUN_PACKAGES)
test-packages: PACKAGES = $(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES)
bench-packages: PACKAGES = $(BUILD_PACKAGES) $(RUN_PACKAGES) $(BENCH_PACKAGES)
packages test-packages bench-packages:
	@missing=$$(for name in $(PACKAGES); do dpkg -s "$$name" 2>/dev/null | grep -q '^Status: install ok installed' || echo "$$name"; done); \
	if [ -n "$$missing" ]; then \
		echo "installing:" $$missing; \
		$(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	fi
