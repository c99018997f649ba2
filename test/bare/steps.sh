#!/usr/bin/env bash
# One step of check.sh, inside of the empty Debian.
set -euo pipefail
blocks() { # MARK FILE: the bash blocks that follow <!-- MARK -->
  awk -v mark="<!-- $1 -->" '$0 == mark { armed = 1; next } armed && /^```bash/ { inside = 1; next } /^```/ { inside = armed = 0 } inside' "$2"
}
installed() { dpkg-query -W -f '${Package}\n' | sort; }

bash -euo pipefail -c "$(blocks bare README.md)" # what the README says to install
git config --global --add safe.directory /src
before=$(installed)
case $1 in
  run)
    # `make run`, and the tour as it is pasted into another terminal.
    port=${BARE_PORT:-8000}
    LISTEN_ADDR=127.0.0.1:$port make run &
    for _ in $(seq 600); do
      if curl -fsS "http://127.0.0.1:$port/readyz" 2>/dev/null; then break; fi
      kill -0 $! || { echo "make run ended"; exit 1; }
      sleep 1
    done
    tour=$(blocks tour README.md)
    bash -euo pipefail -c "${tour//127.0.0.1:8000/127.0.0.1:$port}"
    ./bin/aigen generate "a red fox, watercolour" --samples 4 --pick 2 --server "http://127.0.0.1:$port" --out second.png
    file second.png | grep -q PNG
    ./bin/aigen doctor
    ;;
  short) make test-short ;;
  test) make test KILLS="${KILLS:-20}" ;;
  console) make e2e-console CONSOLE=plain.test.mjs ;;
  nodes) make test-nodes ;;
  n8n) test/n8n/install.sh && command -v gm ;;
  deploy) make check-deploy ;;
  lint) make lint && make check-generated && make vulncheck && FUZZTIME=1s FUZZ=Cursor make fuzz ;;
  *) echo "no step $1" >&2; exit 2 ;;
esac
# What the step's own scripts installed.
echo "bare: installed" $(comm -13 <(echo "$before") <(installed) | grep -cv '^$') "packages by itself"
