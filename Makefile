# Run `make` to see what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

ARCH   ?= arm64
GOARCH  = $(if $(filter x86_64,$(ARCH)),amd64,$(ARCH))
# As small as Go makes it: no RPC mode of old runtimes, no HTTP/2 (API Gateway, Notion and AWS all speak 1.1 to us), no inlining, which
# what waits for others does not notice, and no symbols.
COMPILE = -tags lambda.norpc,nethttpomithttp2 -gcflags=all=-l
GOBUILD = CGO_ENABLED=0 go build $(COMPILE) -buildvcs=false -ldflags '-s -w'
# Builds the local system, and runs what follows with it.
LOCAL   = infra/tools/local.sh $(GOBUILD) --
TOOL    = go tool -modfile=infra/tools/go.mod
SAM     = .local/venv-sam/bin/sam
CHECKOV = .local/venv-checkov/bin/checkov

BUILD  ?= .aws-sam/build

# What tests need of Debian's: the package, and how to see that it is there.
WITH_PGBOUNCER = infra/tools/with-debian.sh pgbouncer 'command -v pgbouncer'
WITH_POSTGRES  = infra/tools/with-debian.sh postgresql "compgen -G '/usr/lib/postgresql/*/bin/initdb'"

FUNCTIONS := $(notdir $(wildcard functions/*))

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Run

.PHONY: run
run: ## Start the whole system on this machine. Ctrl-C stops it
	@$(LOCAL) run

.PHONY: reset
reset: ## Delete the local data, after asking. YES=1 does not ask
	@$(LOCAL) reset

.PHONY: uninstall
uninstall: ## Remove the project from the database at DATABASE_URL, after asking. The synced tables stay
	@$(LOCAL) uninstall

##@ Use

.PHONY: sync
sync: ## Sync the running system and show the progress
	@$(LOCAL) sync

# The statement goes through the environment, so that the shell leaves its quotes alone.
export Q
.PHONY: sql
sql: ## Open the database with psql, or run one statement without it: Q="select name from partners"
	@$(LOCAL) sql "$$Q"

.PHONY: key
key: ## Manage API keys: DO="create desk read sync", DO=list, DO="revoke <id>"
	@$(LOCAL) key $(DO)

.PHONY: schema
schema: ## Print what is needed to sync another Notion database: DATABASE=<id> NAME=events
	@$(LOCAL) schema $(DATABASE) $(NAME)

.PHONY: migrate
migrate: ## Bring the database at DATABASE_URL to the newest schema
	@$(LOCAL) migrate

##@ Test

# Compiled as the functions are, which the tests build as well: so each package is compiled once. Of long tables of cases a third
# (shared/internal/sample); make race goes through all of them.
.PHONY: test
test: ## Run the tests: under five minutes on two cores, plus one or two to compile the first time
	CGO_ENABLED=0 go test -short -timeout 20m -vet=off $(COMPILE) ./...

# The histories are left out: the detector makes JSON four times as dear, and they are mostly that, one thing after the other. They follow without.
.PHONY: race
race: ## Run the tests at full length with the race detector, and 500 random histories
	go test -race -timeout 40m $$(go list ./... | grep -v '/oracle$$')
	CGO_ENABLED=0 go test -count=1 -timeout 20m -vet=off $(COMPILE) ./shared/internal/oracle

.PHONY: verify
verify: ## Run everything that must pass before a change lands
	@test -z "$$($(TOOL) golangci-lint fmt --diff ./... | tee /dev/stderr)"
	go vet ./...
	@$(MAKE) --no-print-directory lint
	go mod tidy -diff
	go -C infra/tools mod tidy -diff
	@$(MAKE) --no-print-directory test race
	@$(MAKE) --no-print-directory conformance
	@$(MAKE) --no-print-directory sam-validate sam-build sizes

.PHONY: lint
lint: ## Run the linters
	$(TOOL) golangci-lint run --allow-parallel-runners ./...

.PHONY: fmt
fmt: ## Format the code
	$(TOOL) golangci-lint fmt ./...

.PHONY: conformance
conformance: ## Compare simulator, client, local cloud and traces with Notion's OpenAPI document and other clients
	go test -tags conformance -count=1 ./infra/notionsim/... ./shared/notion ./shared/sync/property ./shared/telemetry/trace
	go test -tags conformance -run Conformance -count=1 -v ./infra/local/cloud/... ./infra/local/postgres/... ./infra/local/receiver/...

.PHONY: browser
browser: ## Test the dashboard and OAuth in Chromium. BROWSER_PICTURES=folder keeps screenshots
	go test -tags browser -run InABrowser -count=1 -v ./infra/local

.PHONY: bench
bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: pooler
pooler: ## Test behind PgBouncer in transaction mode. Installs it on Debian as root
	$(WITH_PGBOUNCER) go test -race -tags pooler -run '^TestEightClients$$' -count=1 -timeout 5m -v ./shared/postgres
	TEST_POOLER=1 $(WITH_PGBOUNCER) go test -count=1 -timeout 10m ./shared/postgres ./shared/postgres/records
	$(WITH_PGBOUNCER) go test -tags 'soak pooler' -run '^TestBehindPooler$$' -count=1 -timeout 10m -v ./infra/local

.PHONY: dump-test
dump-test: ## Test pg_dump and pg_restore of a synced database. Installs PostgreSQL on Debian as root
	$(WITH_POSTGRES) go test -tags dump -run '^TestDumpAndRestore$$' -count=1 -timeout 5m -v ./shared/sync/engine

.PHONY: previous
previous: ## Run an earlier version's store tests on this schema: VERSION=<tag>, or the newest tag
	@infra/tools/previous.sh $(VERSION)

.PHONY: sam-local-test
sam-local-test: $(SAM) ## Compare sam local with make run. Installs Docker on Debian as root
	@infra/tools/with-docker.sh
	@$(MAKE) --no-print-directory sam-build ARCH=x86_64 BUILD=.local/sam-local/build
	infra/tools/with-docker.sh go test -tags samlocal -run '^TestSAMLocal$$' -count=1 -timeout 15m -v ./infra/local

.PHONY: soak
soak: ## Run the system for minutes with lost workers, failing subscribers and bursts
	go test -tags soak -run Soak -count=1 -timeout 1h -v ./infra/local

.PHONY: day
day: ## Run the system through a day of work and look for secrets in its output (minutes)
	go test -tags day -run '^TestDay$$' -count=1 -timeout 1h -v ./infra/local

.PHONY: outage
outage: ## Take the database away during syncs (minutes)
	go test -tags outage -run '^TestOutage' -count=1 -timeout 30m -v ./infra/local
	go test -tags outage -run '^TestApplicationsBesideSyncs$$' -count=1 -timeout 1h -v ./shared/sync/engine -transactions=5000

.PHONY: kill
kill: ## Kill the worker at a hundred random moments
	go test -run TestKilled -count=1 -timeout 1h -v ./shared/internal/killed -kills=100

.PHONY: scale
scale: ## Sync databases of 25,000 and 100,000 pages and show what that costs
	go test -tags scale -run 'TestScale|TestBackfill' -count=1 -timeout 1h -v -p 1 ./infra/local ./shared/postgres

# What has passed is kept by the code that it tests: documents may change, and it may take several sittings (make deep FOR=2h), on several
# machines too, where the folder of the results is taken along (make deep RESULTS=docs/deep).
RESULTS ?= .local/deep

.PHONY: test-deep
test-deep: ## Run the long random tests. Continues where it stopped
	@go run ./infra/deep -results $(RESULTS) laws freshness histories

.PHONY: deep
deep: ## Run the long tests that have not passed on this code. FOR=2h starts nothing new after two hours
	@go run ./infra/deep -results $(RESULTS) $(if $(FOR),-for $(FOR)) -write docs/PERFORMANCE.md

##@ Deploy

.PHONY: deploy
deploy: $(SAM) ## Build and deploy STAGE (dev, staging or prod), as samconfig.toml says
	@test -n '$(STAGE)' || { echo 'say which: make deploy STAGE=dev'; exit 1; }
	@$(MAKE) --no-print-directory sam-build sizes
	SAM_CLI_TELEMETRY=0 $(SAM) deploy --config-env $(if $(filter dev,$(STAGE)),default,$(STAGE)) $(DEPLOYFLAGS)

.PHONY: build
build: $(addprefix .local/build/,$(FUNCTIONS)) ## Build every function for ARCH (arm64 or x86_64)

.PHONY: .local/build/%
.local/build/%:
	@GOOS=linux GOARCH=$(GOARCH) $(GOBUILD) -trimpath -o $@/bootstrap ./functions/$*

# sam build calls this for each function: build-SyncTriggerFunction makes functions/sync-trigger.

build-%Function:
	@name=$$(sed -E 's/([a-z0-9])([A-Z])/\1-\2/g' <<<'$*' | tr '[:upper:]' '[:lower:]'); \
	GOOS=linux GOARCH=$(GOARCH) $(GOBUILD) -trimpath -o '$(ARTIFACTS_DIR)/bootstrap' "./functions/$$name"

$(SAM): infra/tools/sam-requirements.txt
	@python3 -m venv .local/venv-sam
	@.local/venv-sam/bin/pip install -q --disable-pip-version-check -r $<
	@touch $@

$(CHECKOV): infra/tools/checkov-requirements.txt
	@python3 -m venv .local/venv-checkov
	@.local/venv-checkov/bin/pip install -q --disable-pip-version-check -r $<
	@touch $@

.PHONY: sam-validate
sam-validate: $(SAM) $(CHECKOV) ## Check the template with cfn-lint and checkov
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint
	$(CHECKOV) -f template.yaml --config-file infra/tools/checkov.yaml

.PHONY: sam-build
sam-build: $(SAM) ## Build for deployment, for ARCH
	ARCH=$(ARCH) SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(SAM) build --build-dir $(BUILD) --parameter-overrides Architecture=$(ARCH)

.PHONY: sizes
sizes: ## Show the sizes of what sam-build built. More than 12.5 MB is an error
	@find $(BUILD) -name bootstrap -printf '%s %P\n' | sort -n | awk '{printf "%6.2f MB  %s\n", $$1/1e6, $$2; if ($$1 > 12.5e6) big=1} END {exit big || NR==0}'

##@ Maintain

.PHONY: api
api: ## Write the OpenAPI document and the endpoints in docs/API.md from the routes of shared/api
	go test ./shared/api -run '^TestDocuments$$' -count=1 -update

.PHONY: permissions
permissions: ## Write docs/PERMISSIONS.md from the template
	go test ./infra/guard -run '^TestPermissions$$' -count=1 -update

.PHONY: redrive
redrive: ## Retry dead letters (first: source .local/env, or export the addresses of AWS and the API)
	@go run ./infra/redrive

.PHONY: reproducible
reproducible: $(SAM) ## Build the last commit twice and compare the archives
	@infra/tools/reproducible.sh

.PHONY: sbom
sbom: ## List what each function contains, as CycloneDX, in .local/sbom
	@mkdir -p .local/sbom
	@for f in $(BUILD)/*/bootstrap; do \
		$(TOOL) cyclonedx-gomod bin -json -std -output ".local/sbom/$$(basename "$$(dirname "$$f")").json" "$$f" 2> .local/sbom/log || { cat .local/sbom/log; exit 1; }; \
	done; ls .local/sbom/*.json
