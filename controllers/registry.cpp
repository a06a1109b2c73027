// SPDX-License-Identifier: MIT
#include "controllers/registry.hpp"

#include <nlohmann/json.hpp>

#include "controllers/builtin.hpp"
#include "controllers/error.hpp"

namespace batchlab {
namespace {

// Named here, so that the linker keeps every rule: entries that register themselves
// from a static library are dropped.
#define BATCHLAB_POINT_TO_RULE(name) &builtin::name,
constexpr const Entry* table[] = {BATCHLAB_BUILTIN_RULES(BATCHLAB_POINT_TO_RULE)};
#undef BATCHLAB_POINT_TO_RULE

}  // namespace

std::span<const Entry* const> controllers() { return table; }

const Entry& find_controller(const std::string& name) {
  std::vector<std::string> known;
  for (const Entry* entry : controllers()) {
    if (entry->name == name) return *entry;
    known.push_back(entry->name);
  }
  throw unknown_name("controller", name, known);
}

std::unique_ptr<Controller> make_controller(const std::string& name,
                                            const nlohmann::json& given,
                                            const Setting& setting) {
  const Entry& entry = find_controller(name);
  return entry.make(checked_options(entry.name, entry.options, given), setting);
}

}  // namespace batchlab
