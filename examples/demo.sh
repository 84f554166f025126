#!/usr/bin/env bash
# The main job on one course, from import to a page to look at. Called by `make demo`; leaves its stores in demo-store/.
set -euo pipefail
cd "$(dirname "$0")/.."
course=$1 serve=$2 port=$3
exec target/release/courseware demo "$course" --store demo-store --serve "$serve" --port "$port"
