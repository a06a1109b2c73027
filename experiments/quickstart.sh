#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing, builds the release, runs the recipe four-families and says where
# its results are. Options go to the run: experiments/quickstart.sh --jobs 2
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tests/setup.sh

install_packages
build release batchlab
exec build/release/batchlab reproduce four-families "$@"
