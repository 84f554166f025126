#!/usr/bin/env bash
# Tests the served pages in real headless Chromium. Says loudly when there is no Chromium to test with.
set -euo pipefail
cd "$(dirname "$0")"

find_chromium() {
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$name" ] && command -v "$name" >/dev/null; then command -v "$name"; return; fi
  done
  return 1
}

if ! find_chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing chromium for the browser tests" >&2
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium) >/tmp/chromium-install.$$ 2>&1 \
    || { echo "chromium could not be installed:" >&2; tail -5 /tmp/chromium-install.$$ >&2; }
  rm -f /tmp/chromium-install.$$
fi
if ! CHROMIUM=$(find_chromium); then
  echo "SKIPPED: browser tests: no Chromium here (install it, or name it in CHROMIUM)" >&2
  exit 0
fi
if ! command -v npm >/dev/null; then
  echo "SKIPPED: browser tests: no npm here" >&2
  exit 0
fi
export CHROMIUM
npm ci --silent --no-audit --no-fund
exec node --test --test-reporter=spec
