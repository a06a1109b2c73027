// SPDX-License-Identifier: MIT
//
// A plugin with a copy of every built-in rule: geodamp is plugin_geodamp.
#include "controllers/plugin.hpp"

namespace {

std::vector<batchlab::Entry> renamed() {
  std::vector<batchlab::Entry> entries;
  for (const batchlab::Entry* entry : batchlab::controllers()) {
    entries.push_back(*entry);
    entries.back().name = "plugin_" + entry->name;
  }
  return entries;
}

}  // namespace

// What BATCHLAB_PLUGIN would write for a list that is known beforehand.
const batchlab_descriptor* batchlab_plugin() {
  static const auto* descriptor = batchlab::describe_plugin("2.3.4", renamed());
  return descriptor;
}
