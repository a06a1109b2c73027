#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Writes the table of known answers to results/published/known-answers/. Took eighteen
# minutes on two cores of Zen 3, with a build beside it for some of them.
#
#   tests/known_answers/publish.sh [SEEDS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/setup.sh

install_packages
build release known_answers
env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE \
  build/release/tests/known_answers results/published/known-answers "$@"
