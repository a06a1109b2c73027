// SPDX-License-Identifier: MIT
//
// The same controllers as a shared library.
#include "controllers/plugin.hpp"
#include "tests/experiments/plugins/example_entries.hpp"

using namespace batchlab::test;

BATCHLAB_PLUGIN("1.3", doubling(), simple_entry<Crashing>("crashing"),
                simple_entry<Hanging>("hanging"), needy());
