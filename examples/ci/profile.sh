#!/bin/sh
# What does the service do under load? Starts it, loads it, and leaves its profiles in profiles/.
#   SERVICE='./shop' LOAD='hey -z 40s http://localhost:8080/' ADDRESS=localhost:6060 ./profile.sh
set -eu
: "${SERVICE:?the command that starts the service}"
: "${LOAD:?the command that loads it for longer than WINDOW}"
ADDRESS=${ADDRESS:-localhost:6060}
WINDOW=${WINDOW:-30s}

$SERVICE &
service=$!
trap 'kill "$service" 2>/dev/null || true' EXIT

for _ in $(seq 100); do
  curl --silent --fail --output /dev/null "http://$ADDRESS/debug/pprof/cmdline" && break
  kill -0 "$service" # it has not ended by itself
  sleep 0.2
done

$LOAD &
load=$!
trap 'kill "$load" "$service" 2>/dev/null || true' EXIT

# Two snapshots, WINDOW apart, and a CPU profile of the time between; exit code 1 where any of them is missing.
npx --yes pyro-pull scrape "$ADDRESS" --window "$WINDOW" --out profiles --label "commit=${GITHUB_SHA:-local}"
