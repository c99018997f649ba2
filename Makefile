# What a person types. `make help` lists the targets; README and AGENTS.md explain them.
SHELL := /bin/bash
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# libwebp as WebAssembly alone: loading the system's would need the C library.
TAGS := nodynamic
LDFLAGS := -s -w -X main.version=$(VERSION)
TOOLS := $(CURDIR)/.cache/bin
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)
GOVULNCHECK_VERSION := v1.9.0
GOVULNCHECK := $(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION)
FUZZTIME ?= 30s
FUZZ ?= .
KILLS ?= 200
OUTAGE ?= 30s
FAULTS_SECONDS ?= 600
FAULTS_SEED ?= 0
FAULTS_STORE ?= postgres
WITH_SERVERS := $(GO) run ./internal/testenv/withservers

.DEFAULT_GOAL := help
.PHONY: test-all $(shell sed -n 's/^\([a-z0-9-]*\):.*## .*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Build and serve on 127.0.0.1:8000, everything embedded, new users start with 100 credits
	LEDGER_INITIAL_CREDITS=$${LEDGER_INITIAL_CREDITS:-100} ./bin/aigen serve

build: ## Build bin/aigen
	CGO_ENABLED=0 $(GO) build -tags $(TAGS) -trimpath -ldflags '$(LDFLAGS)' -o bin/aigen ./cmd/aigen

test: ## All tests with the race detector, the kill test and short fault runs included (about 10 minutes on 2 cores)
	$(GO) vet ./...
	$(WITH_SERVERS) $(MAKE) --no-print-directory test-all

# With servers at hand: see internal/testenv.
test-all:
	$(GO) test -race -timeout 60m $$($(GO) list ./... | grep -v /test/)
	AIGEN_KILLS=$(KILLS) $(GO) test -timeout 60m ./test/...

test-short: ## The tests that take seconds, without the race detector
	$(GO) test -short -timeout 20m ./...

test-kill: ## kill -9 the real program at random moments, KILLS times (200)
	AIGEN_KILLS=$(KILLS) $(GO) test -count=1 -timeout 60m -v -run TestKill ./test/e2e/

test-outages: ## The broker away for OUTAGE (30s) under load, and the other outages
	$(WITH_SERVERS) env AIGEN_OUTAGE=$(OUTAGE) $(GO) test -count=1 -timeout 60m -v -run 'BrokerAway|DatabaseRestarted|RedisGone|Odoo|ReplicasKilled' ./test/e2e/

e2e-odoo: ## The addon in a real Odoo: ODOO_DIR=a source tree of Odoo 17, 18 or 19 (10 minutes)
	@test -n '$(ODOO_DIR)' || { echo 'name a source tree of Odoo 17, 18 or 19: make e2e-odoo ODOO_DIR=/src/odoo'; exit 2; }
	ODOO_DIR='$(abspath $(ODOO_DIR))' $(GO) test -tags odoo -count=1 -timeout 40m -v $(E2E_FLAGS) ./test/odoo/

S3_SERVERS := $(TOOLS)/s3
MINIO := github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
VERSITYGW := github.com/versity/versitygw/cmd/versitygw@v1.8.0
e2e-s3: $(S3_SERVERS)/minio $(S3_SERVERS)/versitygw ## The stores of pictures against real S3 servers, built at first (3 minutes)
	S3_SERVERS=$(S3_SERVERS) $(GO) test -tags s3 -count=1 -timeout 10m -v ./internal/s3store

$(S3_SERVERS)/minio:
	GOBIN=$(S3_SERVERS) $(GO) install $(MINIO)

$(S3_SERVERS)/versitygw:
	GOBIN=$(S3_SERVERS) $(GO) install $(VERSITYGW)

bench: ## Measure everything against baselines, ten million rows included (about half an hour, 30 GB); appends to bench/RESULTS.md
	$(GO) run ./bench -record $(BENCH)

bench-quick: ## The main measures, in about two minutes
	$(GO) run ./bench -quick $(BENCH)

profile: ## CPU, allocation, mutex and block profiles of the service under load, and the statements of PostgreSQL, into bench/out/profiles
	$(GO) run ./bench -quick -only accept,callbacks,relay,lives,sqlite -profile bench/out/profiles $(BENCH)

faults: ## Break the service on purpose for FAULTS_SECONDS (600) by the schedule of FAULTS_SEED (0: random), FAULTS_STORE postgres or sqlite
	$(GO) build -o bin/aigen-faults ./cmd/aigen-faults
	./bin/aigen-faults --seconds $(FAULTS_SECONDS) --seed $(FAULTS_SEED) --store $(FAULTS_STORE)

check-bare: ## What README and AGENTS.md tell to type, in an empty Debian 12, as root: BARE=quick (10 minutes), all, or steps
	test/bare/check.sh $(BARE)

test-matrix: ## The tests of servers against newer ones, as root: MATRIX='trixie pg16 pg17 pg18' (20 minutes), forky
	test/matrix/run.sh $(MATRIX)

lint: $(GOLANGCI) ## golangci-lint with the import rule, gofmt
	$(GOLANGCI) run ./...
	cd bench/river && $(GOLANGCI) run ./...
	@test -z "$$(git ls-files '*.go' | xargs gofmt -l)" || { echo "run gofmt on:"; git ls-files '*.go' | xargs gofmt -l; exit 1; }

$(GOLANGCI):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS)/new $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(TOOLS)/new/golangci-lint $@

generate: ## Write what is generated: the OpenAPI documents, docs/configuration.md, the n8n workflows
	$(GO) generate ./...

licenses: ## Write the licences of all modules (part of `generate`; after a new dependency)
	$(GO) generate ./internal/licenses

check-generated: generate ## Fail if a generated file was not up to date
	git diff --exit-code -- api docs integrations/n8n internal/licenses

fuzz: ## Run each fuzz target for FUZZTIME (30s); FUZZ='Cursor|SSE' chooses some
	GO=$(GO) FUZZTIME=$(FUZZTIME) FUZZ='$(FUZZ)' test/fuzz.sh

vulncheck: ## Known vulnerabilities in what the program calls, where their database can be reached
	@mkdir -p $(TOOLS)
	@test -x $(GOVULNCHECK) || { GOBIN=$(TOOLS)/new $(GO) install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) && \
	  mv $(TOOLS)/new/govulncheck $(GOVULNCHECK); } || true
	@GO=$(GO) test/vulncheck.sh $(GOVULNCHECK)

NODES := integrations/n8n/nodes-aigen
test-nodes: $(NODES)/node_modules/.package-lock.json ## n8n's linter, build and tests of the n8n node package (1 minute and 700 MB at first)
	cd $(NODES) && npm run --silent lint && npm run --silent build >build.log 2>&1 || { cat build.log; exit 1; }
	cd $(NODES) && npm test --silent

$(NODES)/node_modules/.package-lock.json: $(NODES)/package-lock.json
	cd $(NODES) && npm ci --no-audit --no-fund

# How this machine reaches Go modules is handed in: the build has no other way to know.
IMAGE ?= aigen
DOCKER ?= docker
image: ## Build the container image aigen:VERSION
	$(DOCKER) build --tag $(IMAGE):$(VERSION) --build-arg VERSION=$(VERSION) \
	  --build-arg REVISION="$$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
	  --build-arg CREATED="$$(git log -1 --format=%cI 2>/dev/null || echo unknown)" \
	  $(foreach v,GOPROXY GOSUMDB GONOSUMDB GOPRIVATE GOFLAGS,--build-arg $(v)="$$($(GO) env $(v))") $(DOCKER_BUILD_FLAGS) .

e2e-image: ## Build the image and run whole generations in it, with Docker (2 minutes)
	test/deploy/e2e-image.sh

# n8n is installed into N8N_CACHE (.cache/n8n) the first time, which takes minutes and 3 GB.
e2e-n8n: ## The workflows of integrations/n8n in the real n8n, with PostgreSQL and RabbitMQ (10 minutes)
	$(GO) test -tags n8n -count=1 -timeout 40m -v ./test/n8n/...

# Node and Chromium are for these tests alone; the console itself needs neither.
CHROMIUM ?= /usr/bin/chromium
CONSOLE ?=
e2e-console: build ## The console in Debian's Chromium, with Node (5 minutes on 2 cores); CONSOLE=plain.test.mjs runs one file
	@test -x $(CHROMIUM) || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; }
	cd test/console && npm ci --no-audit --no-fund --loglevel=error
	cd test/console && CHROMIUM=$(CHROMIUM) node --test --test-concurrency=1 --test-reporter=spec $(CONSOLE)

# What checks the files in deploy/. The schemas come from the source of Kubernetes and
# of the Prometheus operator, in the versions named here; nothing else is downloaded.
HELM := $(TOOLS)/helm-v3.22.0
KUBECONFORM := $(TOOLS)/kubeconform-v0.8.0
KUBERNETES := k8s.io/kubernetes@v1.35.4
OPERATOR := github.com/prometheus-operator/prometheus-operator@v0.85.0
SCHEMAS := $(CURDIR)/.cache/schemas
check-deploy: $(HELM) $(KUBECONFORM) $(SCHEMAS)/.done ## Check compose.yaml, the chart, alerts and dashboard with their tools (5 minutes at first)
	HELM=$(HELM) KUBECONFORM=$(KUBECONFORM) SCHEMAS=$(SCHEMAS) test/deploy/check.sh

chart-files: ## Bring what the chart repeats up to date: alerts, dashboard, names of settings
	$(GO) run ./test/deploy/chartfiles

$(HELM):
	GOBIN=$(TOOLS)/new $(GO) install helm.sh/helm/v3/cmd/helm@v3.22.0
	mv $(TOOLS)/new/helm $@

$(KUBECONFORM):
	GOBIN=$(TOOLS)/new $(GO) install github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0
	mv $(TOOLS)/new/kubeconform $@

$(SCHEMAS)/.done: $(wildcard test/deploy/schemas/*.go)
	rm -rf $(SCHEMAS)
	dir() { $(GO) mod download -json "$$1" | sed -n 's/^\t"Dir": "\(.*\)",$$/\1/p'; }; \
	cd $(CURDIR) && $(GO) run ./test/deploy/schemas $(SCHEMAS) \
	  "$$(dir $(KUBERNETES))/api/openapi-spec/swagger.json" \
	  "$$(dir $(OPERATOR))"/example/prometheus-operator-crd/monitoring.coreos.com_{prometheusrules,servicemonitors}.yaml
	touch $@

clean: ## Remove what was built; data/ stays
	rm -rf bin dist
