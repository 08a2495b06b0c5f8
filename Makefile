# The project's commands. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -X main.version=$(VERSION)
WEB_SOURCES := $(shell find web/src -type f 2>/dev/null) web/build.mjs
# One package's tests may take this long; the whole run stays within 15 minutes on 2 cores.
TEST_TIMEOUT ?= 12m

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

.PHONY: setup setup-build setup-test
setup: setup-test web/node_modules/.package-lock.json ## install what building and testing need (apt, npm); quick when it is there

setup-build:
	@scripts/setup.sh build

setup-test:
	@scripts/setup.sh build test

.PHONY: web
web: web/dist/index.html

web/node_modules/.package-lock.json: web/package.json web/package-lock.json web/.npmrc
	cd web && npm ci --no-fund --no-audit
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	cd web && npm run --silent build

.PHONY: build
build: setup-build web functions ## build bin/pims, and the functions' packages; check that it also builds without cgo
	go build -ldflags '$(LDFLAGS)' -o bin/pims ./cmd/pims
	CGO_ENABLED=0 go build ./...

# What AWS Lambda runs functions on; names as Go has them.
FUNCTION_ARCHITECTURES ?= arm64 amd64

.PHONY: functions
functions: ## pack the Lambda functions, without cgo, into dist/functions/NAME-{arm64,amd64}.zip
	@mkdir -p dist/functions && go build -o dist/functions/.functionzip ./cmd/functionzip
	@for arch in $(FUNCTION_ARCHITECTURES); do for main in functions/*/main.go; do \
		name=$$(basename "$$(dirname "$$main")"); out="dist/functions/$$name-$$arch"; \
		CGO_ENABLED=0 GOOS=linux GOARCH=$$arch go build -trimpath -buildvcs=false -tags lambda.norpc \
			-ldflags '-s -w -buildid= $(LDFLAGS)' -o "$$out/bootstrap" "./functions/$$name"; \
		dist/functions/.functionzip "$$out/bootstrap" "$$out.zip"; \
	done; done

.PHONY: run
run: setup-build web ## build and serve on port 5000 with no configuration
	go build -ldflags '$(LDFLAGS)' -o bin/pims ./cmd/pims
	DEMO_SLIDE="$${DEMO_SLIDE:-true}" exec bin/pims serve

.PHONY: test
test: setup-test web ## set up, vet with and without cgo, and run all tests with the race detector
	go vet ./...
	CGO_ENABLED=0 go vet ./...
	go test -race -timeout $(TEST_TIMEOUT) ./...
	@if [ -f test/go.mod ]; then \
		echo "cd test && go test -race ./..."; \
		cd test && go vet ./... && go test -race -timeout $(TEST_TIMEOUT) ./...; \
	fi
	scripts/golden.sh --check

.PHONY: test-infra
test-infra: ## test infra/terraform; skipped by name without terraform or a provider
	scripts/test-infra.sh

.PHONY: golden
golden: setup-test web ## score the server against recorded answers of PIMS; writes docs/pims-compatibility.md
	scripts/golden.sh

bin/golangci-lint: tools/go.mod tools/go.sum
	@echo "building golangci-lint (once; some minutes)"
	cd tools && go build -trimpath -o ../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: lint
lint: setup-build bin/golangci-lint ## check style, and who may import whom (.golangci.yml)
	bin/golangci-lint run ./...
	@if [ -f test/go.mod ]; then echo "cd test && golangci-lint run"; cd test && ../bin/golangci-lint run --config ../.golangci.yml ./...; fi
	scripts/check-tree.sh

.PHONY: bench
bench: setup-build web ## measure tiles per second, allocations and the cost of each step
	go run ./bench

.PHONY: bench-cloud
bench-cloud: functions ## measure the Lambda functions: package sizes, cold start, memory, what tiles cost
	cd test && go test -v -count=1 -run TestCostOfTiles -bench ColdStart -benchtime 20x ./functions | grep -v '^=== '

.PHONY: bench-peers
bench-peers: setup-build web ## measure next to other tile servers with the harness of ../shared/peers
	go build -ldflags '$(LDFLAGS)' -o bin/pims ./cmd/pims
	scripts/bench-peers.sh

.PHONY: localstack-up localstack-smoke localstack-down test-localstack
localstack-up: FUNCTION_ARCHITECTURES = $(shell go env GOARCH)
localstack-up: setup-build web functions ## start LocalStack with buckets, queues and the real functions (docs/local-testing.md)
	localstack/up.sh

localstack-smoke: ## put a slide into the running LocalStack's bucket and look at it by the functions' addresses
	localstack/smoke.sh -run Smoke

localstack-down: ## stop LocalStack
	localstack/down.sh

test-localstack: FUNCTION_ARCHITECTURES = $(shell go env GOARCH)
test-localstack: setup-build web functions ## test everything on a LocalStack of its own; skipped by name without Python 3.13
	localstack/test.sh

.PHONY: images sbom test-images
images: ## build the images of the server and of the functions with Docker
	for target in server function; do \
		docker build -f docker/Dockerfile --target $$target -t pims-$$target \
			--build-arg VERSION='$(VERSION)' --build-arg REVISION="$$(git rev-parse HEAD)" .; \
	done

sbom: ## write what is in the images to dist/sbom (CycloneDX), with Docker
	for target in server function; do docker build -f docker/Dockerfile --target $$target-sbom --output dist/sbom .; done

test-images: ## build the images without Docker and run what is in them; skipped by name without buildah
	docker/test.sh

.PHONY: fixtures
fixtures: ## write the generated slides of testdata/ again
	go run ./cmd/slidegen fixtures testdata

.PHONY: clean
clean: ## remove what was built; slides in data/ stay
	rm -rf bin dist web/node_modules
	find web/dist -mindepth 1 ! -name .keep -delete
