// SPDX-License-Identifier: MIT
#include "experiments/option_help.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "controllers/learning_rate_schedule.hpp"
#include "controllers/limits.hpp"
#include "experiments/intervention.hpp"
#include "experiments/specification_options.hpp"

namespace batchlab {

namespace {

std::string default_text(const Option& option) {
  if (option.from_step_time) return "measured before the first run";
  if (option.default_value.is_null()) return "unset";
  return option.default_value.is_string() ? option.default_value.get<std::string>()
                                          : option.default_value.dump();
}

std::string values_text(const Option& option) {
  if (!option.choices.empty())
    return fmt::format("{}", fmt::join(option.choices, " | "));
  const std::string unit = option.unit.empty() ? "" : ' ' + option.unit;
  if (option.minimum <= -1e300 && option.maximum >= 1e300) return unit;
  if (option.minimum >= option.maximum) return unit;
  return fmt::format("{} to {}{}", option.minimum, option.maximum, unit);
}

}  // namespace

void print_options(const std::string& title, std::span<const Option> options) {
  fmt::print("\n{}\n", title);
  for (const Option& option : options) {
    const std::string values = values_text(option);
    const auto& [choice, choices] = option.only_for;
    const std::string condition =
        choice.empty()
            ? ""
            : fmt::format("; only for {} = {}", choice, fmt::join(choices, ", "));
    fmt::print("  {:<22} {}\n  {:<22} default {}{}{}{}\n", option.name, option.help, "",
               default_text(option), values.empty() ? "" : "; ", values, condition);
  }
}

void print_specification_options() {
  print_options("top level", top_options());
  print_options("[budget]", budget_options());
  print_options("[target]", target_options());
  print_options("[data]", data_options());
  print_options("[model] layers = [{ ... }, ...]", layer_options());
  print_options("[optimizer]", optimizer_options());
  print_options("[schedule]", schedule_options());
  print_options("[evaluation]", evaluation_options());
  print_options("[statistics]", statistics_options());
  print_options("[engine]", engine_options());
  print_options("[[controllers]] (beside the options of the rule)",
                controller_entry_options());
  print_options("[[controllers]] limits = { ... }", limits_options());
  print_options("shadow = [\"NAME\", { ... }, ...] (beside the options of the rule)",
                shadow_options());
  print_options("a file of --control", intervention_options());
}

}  // namespace batchlab
