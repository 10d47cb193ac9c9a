#!/usr/bin/env bash
# Builds or checks the approvers' console: `console.sh build | check | ready`.
#
# Without a Node that suffices, or without a way to its packages, it says so and ends well: the plain page is served
# instead. A build that fails in the console's own sources is a failure. `ready` says by its status whether a build is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../console"

LEAST_NODE=18.18

node_suffices() {
  command -v node >/dev/null && command -v npm >/dev/null || return 1
  [ "$(printf '%s\n%s\n' "$LEAST_NODE" "$(node --version | tr -d v)" | sort -V | head -1)" = "$LEAST_NODE" ]
}

# What a build is made from: the sources, the lock, the schema and this script.
fingerprint() {
  { find . \( -name node_modules -o -name dist -o -name generated \) -prune -o -type f -print0 | LC_ALL=C sort -z |
    xargs -0 sha256sum; sha256sum ../schema.graphql ../scripts/console.sh; } | sha256sum | cut -d' ' -f1
}

packages() {
  local wanted
  wanted="$(sha256sum package.json package-lock.json | sha256sum | cut -d' ' -f1)"
  [ "$(cat node_modules/.made-from 2>/dev/null)" = "$wanted" ] && return
  echo "console: fetching its packages"
  if ! npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/tmp/console-npm.$$ 2>&1; then
    tail -5 "/tmp/console-npm.$$" >&2
    rm -f "/tmp/console-npm.$$"
    echo "console: its packages could not be fetched" >&2
    return 1
  fi
  rm -f "/tmp/console-npm.$$"
  echo "$wanted" > node_modules/.made-from
}

case "${1:-}" in
  ready)
    [ "$(cat dist/.made-from 2>/dev/null)" = "$(fingerprint)" ]
    ;;
  build)
    made_from="$(fingerprint)"
    [ "$(cat dist/.made-from 2>/dev/null)" != "$made_from" ] || exit 0
    if ! node_suffices; then
      echo "console: not built, there is no Node $LEAST_NODE or newer with npm; the plain page is served"
      exit 0
    fi
    packages || { echo "console: not built; the plain page is served"; exit 0; }
    echo "console: building"
    npm run --silent build
    # So that a server which runs known documents only knows the console's.
    cat src/operations/*.graphql > dist/operations.graphql
    echo "$made_from" > dist/.made-from
    ;;
  check)
    if ! node_suffices; then
      echo "console: not checked, there is no Node $LEAST_NODE or newer with npm"
      exit 0
    fi
    packages || { echo "console: not checked"; exit 0; }
    npm run --silent generate
    npx --no-install tsc --noEmit
    npx --no-install eslint .
    npx --no-install vitest run --silent --reporter=dot
    ;;
  *)
    echo "usage: $0 build | check | ready" >&2
    exit 2
    ;;
esac
