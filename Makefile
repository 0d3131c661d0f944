# Each target installs what it needs into .venv, or .venv-build; they need Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin
PIP := -m pip --disable-pip-version-check --quiet install
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1

.PHONY: help run reference invoke sessionctl test test-browser test-examples conformance check build rehearse verify instructions bench page soak mutants lock release clean

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /make \1	/p' $(MAKEFILE_LIST) | expand -t 18

run: .venv/run ## the service on this machine; OPTIONS="--port 3001" and more, see --help
	@$(BIN)/python -m local $(OPTIONS)

reference: node_modules/ready ## what `make run` shows the API's reference with, at /docs; needs npm

invoke: .venv/run ## one function on its event: make invoke FUNCTION=get_session AS=joe
	@test -n "$(FUNCTION)" || { echo "FUNCTION=..., a folder in functions/; AS=joe puts a live token into its event" >&2; exit 2; }
	@$(BIN)/python -m local invoke $(FUNCTION) -e $(or $(EVENT),events/$(FUNCTION).json) $(if $(AS),--as "$(AS)") $(OPTIONS)

sessionctl: .venv/run ## the operators' command, .venv/bin/python -m sessionctl
	@$(BIN)/python -m sessionctl --help

# The suite starts some hundred processes of Python: where none keeps its bytecode, each compiles ours anew.
test: export PYTHONDONTWRITEBYTECODE :=
test: .venv/test ## every test; OPTIONS="-n 0 tests/layer" for some of them, one after the other
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(OPTIONS)

test-browser: .venv/browser node_modules/ready ## the page, the reference and the published examples, in chromium and Firefox
	@for browser in chromium firefox-esr; do \
	    command -v $$browser >/dev/null || { echo "$$browser is needed: apt-get install $$browser" >&2; exit 1; }; \
	done
	$(BIN)/python -m pytest tests/browser $(OPTIONS)

test-examples: .venv/examples examples/node_modules/ready ## the programs of examples/, on a service that runs; needs npm
	$(BIN)/python -m pytest tests/examples $(OPTIONS)

conformance: .venv/test ## what the store promises, on a DynamoDB: ENDPOINT=http://... or ENDPOINT=aws
	@test -n "$(ENDPOINT)" || { echo "ENDPOINT=http://..., or ENDPOINT=aws: your account in AWS_DEFAULT_REGION. The tables are its own, conformance-..., and deleted." >&2; exit 2; }
	CONFORMANCE_ENDPOINT=$(ENDPOINT) $(BIN)/python -m pytest tests/conformance --force-enable-socket $(OPTIONS)

check: .venv/generators .venv-build/ready node_modules/ready ## lint, types, the template, the reference and clients made of it, known vulnerabilities
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	.venv-build/bin/sam validate --lint
	.venv-build/bin/sam validate --lint --template examples/authorizer/template.yaml
	.venv-build/bin/cfn-lint template.yaml
	@mkdir -p build && sed '/^    Condition: /d' template.yaml > build/template-of-all.yaml
	.venv-build/bin/checkov
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true node_modules/.bin/redocly lint docs/openapi.yaml
	$(BIN)/python -m pytest tests/generators
	@.venv-build/bin/python requirements/audit.py

build: .venv-build/ready .aws-sam/recipe ## the artefacts that `sam deploy` ships, and what they are made of; needs no Docker
	.venv-build/bin/sam build
	@.venv-build/bin/python -m layers.sbom .aws-sam/build

rehearse: build .venv/e2e ## what was built: run as Lambda would, and deployed on this machine
	$(BIN)/python -m pytest tests/e2e $(OPTIONS)

# Without tests/conftest.py, which makes the environment one of no account; in the region of the profile,
# unless the environment names one, and not in the default above.
verify: .venv/test ## try a deployment: STACK=... or URL=..., CHANGE=1; docs/deploy.md says what it does
	@test -n "$(STACK)$(URL)" || { echo "STACK=..., by your AWS profile; or URL=https://.../api LOGIN=... PASSWORD=..." >&2; exit 2; }
	@$(if $(filter file,$(origin AWS_DEFAULT_REGION)),env -u AWS_DEFAULT_REGION) \
	    $(BIN)/python -m pytest tests/verify --confcutdir=tests/verify --force-enable-socket --tb=short \
	    $(if $(STACK),--stack "$(STACK)") $(if $(URL),--url "$(URL)") $(if $(LOGIN),--login "$(LOGIN)") \
	    $(if $(CHANGE),--change) $(OPTIONS)

# The functions find the layer by themselves; what measures them needs its errors, too.
BENCHMARK := PYTHONPATH=layers/sessions $(BIN)/python -m benchmarks

instructions: build .venv/test ## count those of cold starts, and compare with what is recorded
	@command -v valgrind >/dev/null || { echo "valgrind is needed: apt-get install valgrind" >&2; exit 1; }
	@$(BENCHMARK).instructions $(OPTIONS)

bench: instructions .venv/e2e ## what requests cost, in time, units and dollars; 15 minutes
	@$(BENCHMARK).cold
	@$(BENCHMARK).cold --runtime --rounds 9
	@$(BENCHMARK).warm --json build/bench/warm.json
	@$(BENCHMARK).capacity
	@$(BENCHMARK).growth
	@$(BENCHMARK).bodies
	@$(BENCHMARK).shard
	@$(BENCHMARK).verify
	@$(BENCHMARK).unknown_users
	@$(BENCHMARK).money
	@$(BENCHMARK).size

# `no-cache`: a browser asks whether a file is still the same, CloudFront after a second.
page: ## the page into its bucket: BUCKET=... (docs/deploy.md)
	@test -n "$(BUCKET)" || { echo "BUCKET=..., the output PageBucket of a stack with Page=true" >&2; exit 2; }
	aws s3 cp clients/js/sessions.js "s3://$(BUCKET)/client/sessions.js" --cache-control no-cache
	aws s3 sync web "s3://$(BUCKET)" --exclude headers.json --exclude "client/*" --delete --cache-control no-cache

soak: .venv/test ## ten minutes of everything at once, with faults; OPTIONS="--seconds 120"
	@$(BIN)/python -m pytest tests/soak -s $(OPTIONS)

mutants: .venv/mutants ## which small faults in the core no test notices; MODULES="model tokens"; an hour
	@$(BIN)/python -m tests.mutants $(MODULES)

# A version that is locked stays, unless UPGRADE names it. The layers take the versions of the lock,
# for the Python and the machine that template.yaml names. pip installs nothing but files of these hashes.
COMPILE = $(BIN)/uv pip compile --quiet --no-annotate --generate-hashes --custom-compile-command "make lock" $(if $(filter all,$(UPGRADE)),--upgrade,$(UPGRADE:%=--upgrade-package %))
LAYERS := sessions passwords

lock: .venv/lock ## pin what pyproject.toml's groups need; UPGRADE="moto ruff" or UPGRADE=all takes new versions
	$(COMPILE) --universal --group e2e --group browser --group examples --group generators --group mutants --group lock -o requirements/lock.txt
	$(COMPILE) --universal --group build -o requirements/build.txt
	@for layer in $(LAYERS); do \
	    $(COMPILE) --python-version 3.13 --python-platform aarch64-manylinux_2_28 --constraint requirements/lock.txt \
	        --group "layer-$$(echo $$layer | tr _ -)" -o "layers/$$layer/requirements.txt" || exit; \
	done

release: ## a version: VERSION=1.2.0 changes template.yaml and CHANGELOG.md, and says what is next
	@$(PYTHON) release.py "$(VERSION)"

clean: ## all that was made
	@test ! -e .local/sessions-service.json || rm -rf .local
	rm -rf .venv .venv-build node_modules examples/node_modules examples/next/.next clients/python/build .aws-sam .hypothesis .mypy_cache .pytest_cache .ruff_cache layers/sessions/build build *.egg-info clients/python/*.egg-info layers/sessions/*.egg-info

.venv/python .venv-build/python: %/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; name one with PYTHON=...")'
	@echo "Making $*, an environment of Python; this happens once, and takes some seconds..." >&2
	@$(PYTHON) -m venv $*
	@touch $@

# pip first, as a requirement: the one of an older Python knows neither groups nor hashes of constraints.
# Each group but `lock` has `run` in it.
LOCKED_PIP = sed -n '/^pip==/,/[^\\]$$/p'
.venv/%: pyproject.toml requirements/lock.txt | .venv/python
	@echo "Installing what $* needs into .venv; this happens once, and takes a minute or two..." >&2
	@$(LOCKED_PIP) requirements/lock.txt | $(BIN)/python $(PIP) --require-hashes --requirement /dev/stdin
	@$(BIN)/python $(PIP) --require-hashes --constraint requirements/lock.txt --group $*
	@touch $@ $(if $(filter lock,$*),,.venv/run)

.venv-build/ready: pyproject.toml requirements/build.txt | .venv-build/python
	@echo "Installing what builds and checks into .venv-build; this happens once, and takes some minutes..." >&2
	@$(LOCKED_PIP) requirements/build.txt | .venv-build/bin/python $(PIP) --require-hashes --requirement /dev/stdin
	@.venv-build/bin/python $(PIP) --require-hashes --constraint requirements/build.txt --group build
	@touch $@

# The viewer of the reference, what looks through pages in tests, and what makes a client of the
# reference, which asks for TypeScript 5 and works with ours.
node_modules/ready: package-lock.json package.json .npmrc
	@command -v npm >/dev/null || { echo "npm is needed; it comes with Node.js" >&2; exit 1; }
	@echo "Installing the reference's viewer by npm; this happens once, and takes some seconds..." >&2
	@npm ci --no-audit --no-fund --silent
	@touch $@

# The frameworks of the examples in JavaScript, which nothing else needs: Next.js alone has 300 MB.
examples/node_modules/ready: examples/package-lock.json examples/package.json examples/.npmrc
	@command -v npm >/dev/null || { echo "npm is needed; it comes with Node.js" >&2; exit 1; }
	@echo "Installing the frameworks of the examples by npm; this happens once, and takes a minute..." >&2
	@npm ci --prefix examples --no-audit --no-fund --silent
	@touch $@

# How layers are made is not in their folders, where SAM's cache looks for changes.
.aws-sam/recipe: layers/Makefile layers/trim.py
	@rm -rf .aws-sam/cache
	@mkdir -p .aws-sam
	@touch $@
