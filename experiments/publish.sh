#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a recipe afresh and writes its comparison to results/published/<recipe>/.
#
#   experiments/publish.sh four-families [options of batchlab reproduce]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tests/setup.sh

recipe=${1:?usage: experiments/publish.sh RECIPE [options]}
shift
install_packages
build release batchlab
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
# The kernels that OpenBLAS chooses by itself: a pinned one may halve the speed.
env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE \
  build/release/batchlab reproduce "$recipe" --out "$runs" "$@" >/dev/null

folder=results/published/$recipe
mkdir -p "$folder"
build/release/batchlab compare "$runs" >"$folder/comparison.txt"
build/release/batchlab compare "$runs" --csv >"$folder/comparison.csv"
build/release/batchlab compare "$runs" --json >"$folder/comparison.json"
first=$(ls -d "$runs/$recipe"/*/ | head -n 1)
cp "$first/run.json" "$folder/first-run.json"
cp "$first/config.json" "$folder/first-config.json"
{
  echo "# $recipe"
  echo
  echo "Made by \`experiments/publish.sh ${recipe}${*:+ $*}\`. The machine is described in"
  echo "\`first-run.json\`."
  echo
  build/release/batchlab compare "$runs" --markdown
} >"$folder/README.md"
echo "written: $folder"
