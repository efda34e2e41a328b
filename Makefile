# Run `make` to see what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

ARCH   ?= arm64
GOARCH  = $(if $(filter x86_64,$(ARCH)),amd64,$(ARCH))
# As small as Go makes it: no RPC mode of old runtimes, no HTTP/2 (API Gateway, Notion and AWS all speak 1.1 to us), no symbols.
GOBUILD = CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags lambda.norpc,nethttpomithttp2 -ldflags '-s -w'
RACE   := $(shell command -v gcc >/dev/null 2>&1 && echo -race)
TOOL    = go tool -modfile=infra/tools/go.mod
SAM     = .local/venv-sam/bin/sam

FUNCTIONS := $(notdir $(wildcard functions/*))

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: run
run: ## Start the whole system on this machine; Ctrl-C stops it
	@$(GOBUILD) -o .local/bin/local ./infra/local && exec .local/bin/local run

.PHONY: sync
sync: ## Start a full sync of the running system and show how far it is
	@$(GOBUILD) -o .local/bin/local ./infra/local && exec .local/bin/local sync

.PHONY: reset
reset: ## Forget the local system's data
	@$(GOBUILD) -o .local/bin/local ./infra/local && exec .local/bin/local reset

.PHONY: migrate
migrate: ## Bring the database at DATABASE_URL up to the newest schema
	@$(GOBUILD) -o .local/bin/local ./infra/local && exec .local/bin/local migrate

.PHONY: test
test: ## Run the tests
	go test $(RACE) ./...
	go test ./shared/internal/oracle

.PHONY: test-deep
test-deep: ## Run the long tests: many more drawn cases
	go test -timeout 24h -v ./shared/internal/oracle -rapid.checks=100000
	go test $(RACE) -timeout 6h ./shared/merge ./shared/property ./shared/record ./shared/notion -rapid.checks=100000

.PHONY: bench
bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: kill
kill: ## Kill the worker with SIGKILL at a hundred random moments of runs that read and write
	go test -run TestKilled -count=1 -timeout 1h -v ./shared/internal/killed -kills=100

.PHONY: scale
scale: ## Take in databases of 25,000 and 100,000 pages through the whole system, and show what that costs (ten minutes)
	go test -tags scale -run TestScale -count=1 -timeout 1h -v ./infra/local

.PHONY: build
build: $(addprefix .local/build/,$(FUNCTIONS)) ## Build every function for ARCH (arm64 or x86_64)

.PHONY: .local/build/%
.local/build/%:
	@GOOS=linux GOARCH=$(GOARCH) $(GOBUILD) -o $@/bootstrap ./functions/$*

# sam build calls this for each function: build-SyncTriggerFunction makes functions/sync-trigger.
build-%Function:
	@name=$$(sed -E 's/([a-z0-9])([A-Z])/\1-\2/g' <<<'$*' | tr '[:upper:]' '[:lower:]'); \
	GOOS=linux GOARCH=$(GOARCH) $(GOBUILD) -o '$(ARTIFACTS_DIR)/bootstrap' "./functions/$$name"

.PHONY: lint
lint: ## Look for what the compiler does not
	$(TOOL) golangci-lint run --allow-parallel-runners ./...

.PHONY: fmt
fmt: ## Format the code
	$(TOOL) golangci-lint fmt ./...

.PHONY: verify
verify: ## Everything that must hold before a change lands
	@test -z "$$($(TOOL) golangci-lint fmt --diff ./... | tee /dev/stderr)"
	go vet ./...
	@$(MAKE) --no-print-directory lint
	go mod tidy -diff
	go -C infra/tools mod tidy -diff
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory conformance
	@$(MAKE) --no-print-directory sam-validate sam-build sizes

.PHONY: conformance
conformance: ## Hold the simulator and the local cloud against others' clients
	go test -tags conformance -run Conformance -count=1 -v ./infra/notionsim/... ./infra/local/cloud/... ./infra/local/postgres/...

$(SAM): infra/tools/sam-requirements.txt
	@python3 -m venv .local/venv-sam
	@.local/venv-sam/bin/pip install -q --disable-pip-version-check -r $<
	@touch $@

.PHONY: sam-validate
sam-validate: $(SAM) ## Check the template
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint

.PHONY: sam-build
sam-build: $(SAM) ## Build for deployment, for ARCH
	ARCH=$(ARCH) SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(SAM) build --parameter-overrides Architecture=$(ARCH)

.PHONY: sizes
sizes: ## Show what sam-build made; a function over 12 MB is an error
	@find .aws-sam/build -name bootstrap -printf '%s %P\n' | sort -n | awk '{printf "%6.2f MB  %s\n", $$1/1e6, $$2; if ($$1 > 12e6) big=1} END {exit big || NR==0}'
