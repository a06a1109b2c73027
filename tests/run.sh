#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing, builds, and runs every test.
#
#   tests/run.sh [release|dev|sanitize|threads|baseline]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tests/setup.sh

preset=${1:-release}
case $preset in
  release | dev | sanitize | threads | baseline) ;;
  *) echo "tests/run.sh: preset must be release, dev, sanitize, threads or baseline, got \"$preset\"" >&2
     exit 2 ;;
esac
install_packages
install_browser_tests
build "$preset" all all_verify_interface_header_sets
ctest --preset "$preset" --parallel "$(nproc)"
