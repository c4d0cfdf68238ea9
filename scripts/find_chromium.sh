#!/usr/bin/env bash
# Prints the path of a Chromium: one that is there, else Debian's by apt-get as root, else Playwright's own.
set -euo pipefail

find_one() {
  local name
  for name in chromium chromium-browser google-chrome-stable google-chrome; do
    if command -v "$name"; then return 0; fi
  done
  local mac="/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
  if [ -x "$mac" ]; then echo "$mac"; return 0; fi
  return 1
}

if find_one; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Chromium with apt-get" >&2
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >&2
  find_one
  exit 0
fi
echo "Installing Playwright's Chromium" >&2
"$UV" run --frozen --no-sync playwright install chromium >&2
"$UV" run --frozen --no-sync python -c \
  "from playwright.sync_api import sync_playwright as p
with p() as q: print(q.chromium.executable_path)"
