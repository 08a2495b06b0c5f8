#!/usr/bin/env bash
# Tests infra/terraform: format, validate, terraform test of every module and
# example, an example that must be refused, and what Go asserts of what the
# examples make.
#
# With the stand-in for the AWS provider of ../shared/terraform-schema the
# examples are applied as well (nothing is made anywhere); with the real
# provider only what needs no account is run: the tests with a mocked provider.
# Skipped, by name, without terraform, or where neither provider can be had.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
	printf 'test-infra: skipped: %s\n' "$*" >&2
	exit 0
}

command -v terraform >/dev/null || skip "there is no terraform"

# Nothing of the caller's set-up may leak in.
while IFS='=' read -r name _; do
	case $name in TF_* | AWS_*) unset "$name" ;; esac
done < <(env)
export CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1 TF_INPUT=0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

stand_in=${TERRAFORM_STAND_IN:-../shared/terraform-schema}/check.sh
provider=real
if [ -x "$stand_in" ]; then
	provider=stand-in
	TF_CLI_CONFIG_FILE=$("$stand_in" --cli-config)
	export TF_CLI_CONFIG_FILE
fi

# The whole of infra/, so that modules and settings.json resolve.
tar -C infra --exclude=.terraform --exclude=.terraform.lock.hcl --exclude='*.tfstate*' -cf - . | (mkdir "$work/infra" && tar -C "$work/infra" -xf -)
tree=$work/infra/terraform
mkdir "$work/packages" "$work/states"
for name in tiles metadata import; do
	echo 'a package, as far as terraform is concerned' >"$work/packages/$name-arm64.zip"
done
export TF_VAR_packages_directory=$work/packages

step() { # step NAME COMMAND...: prints the output only of what fails
	local name=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		printf 'ok    %s\n' "$name"
		return
	fi
	printf 'FAIL  %s\n' "$name" >&2
	sed 's/^/      /' "$work/out" >&2
	exit 1
}

in_root() { # in_root ROOT COMMAND...
	local root=$1
	shift
	terraform -chdir="$tree/$root" "$@"
}

step "fmt" terraform -chdir="$tree" fmt -check -recursive -diff -no-color

init() {
	if [ "$provider" = real ]; then
		# One folder of providers for all roots.
		export TF_PLUGIN_CACHE_DIR=$work/plugins TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE=1
		mkdir -p "$TF_PLUGIN_CACHE_DIR"
		timeout 300 terraform -chdir="$tree/$1" init -no-color -backend=false >"$work/out" 2>&1 ||
			{ grep -qiE 'registry|provider' "$work/out" && skip "the AWS provider cannot be had, nor is its stand-in here"; }
	fi
	in_root "$1" init -no-color -backend=false
}

tests() { # the tests that the provider at hand can run
	local filters=()
	[ "$provider" = stand-in ] || filters=(-filter=tests/mocked.tftest.hcl)
	in_root "$1" test -no-color "${filters[@]}"
}

apply() { # applies an example, keeps what it made, and wants the second plan empty
	local root=$1 name=$2
	shift 2
	step "apply $name" in_root "$root" apply -no-color -auto-approve -state="$work/$name.tfstate" "$@"
	in_root "$root" show -json "$work/$name.tfstate" >"$work/states/$name.json"
	step "second plan is empty: $name" in_root "$root" plan -no-color -detailed-exitcode -state="$work/$name.tfstate" "$@"
}

# A test validates first, so that nothing else has to.
for root in $(cd "$tree" && ls -d modules/* examples/*); do
	init "$root" >"$work/out" 2>&1 || step "init $root" init "$root"
	step "test $root" tests "$root"
done

# What must be refused, each mistake for its own reason.
refused() {
	local root=$1 reason
	init "$root" >"$work/out" 2>&1 || step "init $root" init "$root"
	if in_root "$root" test -no-color >"$work/out" 2>&1; then
		echo "FAIL  $root was not refused" >&2
		exit 1
	fi
	tr -s ' \n│' ' ' <"$work/out" >"$work/flat"
	while read -r reason; do
		case $reason in '' | '#'*) continue ;; esac
		if ! grep -qF -- "$reason" "$work/flat"; then
			printf 'FAIL  %s was refused, but not for this: %s\n' "$root" "$reason" >&2
			sed 's/^/      /' "$work/out" >&2
			exit 1
		fi
		printf 'ok    refused: %s\n' "$reason"
	done <"$tree/$root/reasons.txt"
}
refused tests/broken-values
refused tests/broken-wiring

if [ "$provider" = real ]; then
	echo "test-infra: the examples were not applied: that needs the stand-in"
	exit 0
fi

apply examples/minimal minimal
apply examples/full full -var-file=tests/everything.tfvars
step "what the examples make" env INFRA_STATES="$work/states" go test -count=1 ./infra/
