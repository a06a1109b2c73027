// SPDX-License-Identifier: MIT
//
// The registry: every controller by name. Built-ins are listed by hand in builtin.hpp;
// those of plugins are added before the first run.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "controllers/controller.hpp"
#include "controllers/option.hpp"

namespace batchlab {

// What a rule may know of the run before it starts.
struct Setting {
  std::int64_t training_set_size = 0;  // examples of the training split
};

struct Entry {
  std::string name;     // as in a specification
  std::string summary;  // one line
  std::string source;   // paper or code, with year
  std::vector<Option> options;
  // The rule reads steps, examples and epochs alone, so that a run can be planned.
  bool open_loop = false;
  // The rule extends a batch within its step (Controller::extended_batch_size).
  bool extends_batches = false;
  // The rule tries several ways before it chooses one (Branching): not as a shadow.
  bool branches = false;
  // Defaults of the safety layer that differ from its own for this rule (a table of
  // limits_options()), for rules with positive feedback.
  nlohmann::json limits;
  // The rule holds for SGD without momentum only; a specification with another
  // optimizer is refused.
  bool plain_sgd_only = false;
  // `options` complete and checked. Throws Error(usage) for what a range cannot say (an
  // order, a batch size larger than the training set).
  std::function<std::unique_ptr<Controller>(const nlohmann::json& options,
                                            const Setting& setting)>
      make;
  std::string plugin{};  // the file that it came from; empty: built in
};

// All entries, in the order of builtin.hpp, then the added. Never empty.
[[nodiscard]] std::span<const Entry* const> controllers();

// Adds the controllers of a plugin, all or none. Before other threads ask. Throws
// Error(plugin) where a name is taken, naming who has it.
void add_controllers(std::vector<Entry> entries);

// Throws Error(usage) naming the closest entry.
[[nodiscard]] const Entry& find_controller(const std::string& name);

// Checks `given` against the entry's options and makes the rule.
[[nodiscard]] std::unique_ptr<Controller> make_controller(const std::string& name,
                                                          const nlohmann::json& given,
                                                          const Setting& setting);

}  // namespace batchlab
