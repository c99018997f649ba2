# What a person types. `make help` lists the targets; README and AGENTS.md explain them.
SHELL := /bin/bash
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
TOOLS := $(CURDIR)/.cache/bin
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)
FUZZTIME ?= 30s
KILLS ?= 200
OUTAGE ?= 30s
WITH_SERVERS := $(GO) run ./internal/testenv/withservers

.DEFAULT_GOAL := help
.PHONY: bench bench-quick profile help run build test test-all test-short test-kill test-outages lint generate check-generated fuzz clean image e2e-image check-deploy chart-files

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Build and serve on 127.0.0.1:8000, everything embedded, new users start with 100 credits
	LEDGER_INITIAL_CREDITS=$${LEDGER_INITIAL_CREDITS:-100} ./bin/aigen serve

build: ## Build bin/aigen
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/aigen ./cmd/aigen

test: ## All tests with the race detector, the kill test included (about 5 minutes on 2 cores)
	$(GO) vet ./...
	$(WITH_SERVERS) $(MAKE) --no-print-directory test-all

# With servers at hand: see internal/testenv.
test-all:
	$(GO) test -race -timeout 20m $$($(GO) list ./... | grep -v /test/)
	AIGEN_KILLS=$(KILLS) $(GO) test -timeout 20m ./test/...

test-short: ## The tests that take seconds, without the race detector
	$(GO) test -short -timeout 5m ./...

test-kill: ## kill -9 the real program at random moments, KILLS times (200)
	AIGEN_KILLS=$(KILLS) $(GO) test -count=1 -timeout 60m -v -run TestKill ./test/e2e/

test-outages: ## The broker away for OUTAGE (30s) under load, and the other outages
	$(WITH_SERVERS) env AIGEN_OUTAGE=$(OUTAGE) $(GO) test -count=1 -timeout 30m -v -run 'BrokerAway|DatabaseRestarted|RedisGone|Odoo|ReplicasKilled' ./test/e2e/

bench: ## Measure everything against baselines, ten million rows included (over half an hour, 30 GB); appends to bench/RESULTS.md
	$(GO) run ./bench -record $(BENCH)

bench-quick: ## The main measures, in about two minutes
	$(GO) run ./bench -quick $(BENCH)

profile: ## CPU, allocation, mutex and block profiles of the service under load, and the statements of PostgreSQL, into bench/out/profiles
	$(GO) run ./bench -quick -only accept,callbacks,relay,lives,sqlite -profile bench/out/profiles $(BENCH)

lint: $(GOLANGCI) ## golangci-lint with the import rule, gofmt
	$(GOLANGCI) run ./...
	cd bench/river && $(GOLANGCI) run ./...
	@test -z "$$(git ls-files '*.go' | xargs gofmt -l)" || { echo "run gofmt on:"; git ls-files '*.go' | xargs gofmt -l; exit 1; }

$(GOLANGCI):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS)/new $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(TOOLS)/new/golangci-lint $@

generate: ## Write what is generated: the OpenAPI documents, docs/configuration.md
	$(GO) generate ./...

check-generated: generate ## Fail if a generated file was not up to date
	git diff --exit-code -- api docs

fuzz: ## Run each fuzz target for FUZZTIME (30s)
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "== $$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; done

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
