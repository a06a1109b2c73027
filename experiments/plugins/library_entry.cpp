// SPDX-License-Identifier: MIT
#include "experiments/plugins/library_entry.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "controllers/error.hpp"
#include "controllers/plugin_values.hpp"
#include "experiments/plugins/call_guard.hpp"
#include "experiments/plugins/documents.hpp"
#include "experiments/plugins/library_controller.hpp"
#include "experiments/plugins/outside_decision.hpp"
#include "experiments/plugins/outside_entry.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

constexpr std::size_t longest_text = 400, longest_json = longest_line;
constexpr std::size_t most_options = 1000, most_words = 1000;
constexpr std::uint64_t known_flags = batchlab_open_loop | batchlab_extends_batches |
                                      batchlab_branches | batchlab_plain_sgd_only;

static_assert(static_cast<int>(Option::Kind::integer) == batchlab_integer &&
              static_cast<int>(Option::Kind::text) == batchlab_text_kind &&
              static_cast<int>(Option::Kind::name_list) == batchlab_name_list);

[[noreturn]] void refuse(const std::string& who, const std::string& why) {
  throw Error(ErrorKind::plugin, who + ": " + why);
}

// `what`: "controller 2", "option 1". Which names may be: outside_entry.hpp.
std::string name_from(const std::string& who, const std::string& what,
                      batchlab_text text) {
  const std::string_view name = from_plugin(text, longest_text);
  if (name.empty()) refuse(who, what + " has no name");
  return std::string(name);
}

std::string shown_text(batchlab_text text) {
  return printable(from_plugin(text, longest_text + 1), longest_text);
}

json json_from(const std::string& who, const std::string& what, batchlab_text text,
               const json& where_empty) {
  if (text.data == nullptr || text.length == 0) return where_empty;
  if (text.length > longest_json) {
    refuse(who, fmt::format("{} must have at most {} bytes, got {}", what, longest_json,
                            text.length));
  }
  return document_of(from_plugin(text, longest_json), fmt::format("{}: {}", who, what));
}

std::vector<std::string> words_from(const std::string& who, const std::string& what,
                                    const batchlab_text* words, std::size_t count) {
  if (count > most_words || (count > 0 && words == nullptr)) {
    refuse(who, fmt::format("{} must be at most {}, got {}{}", what, most_words, count,
                            words == nullptr ? " at a null pointer" : ""));
  }
  std::vector<std::string> list;
  for (std::size_t i = 0; i < count; ++i) {
    list.emplace_back(from_plugin(words[i], longest_text));
  }
  return list;
}

Option option_from(const std::string& who, const batchlab_option& given,
                   const std::string& name) {
  const std::string shown = printable(name);
  if (given.kind < batchlab_integer || given.kind > batchlab_name_list) {
    refuse(who, fmt::format("kind of {} must be in [{}, {}], got {}", shown,
                            static_cast<int>(batchlab_integer),
                            static_cast<int>(batchlab_name_list), given.kind));
  }
  if (given.from_step_time != nullptr && given.kind != batchlab_number) {
    refuse(who, fmt::format("kind of {} must be a number, for it is measured", shown));
  }
  Option option;
  option.name = name;
  option.kind = static_cast<Option::Kind>(given.kind);
  option.default_value = json_from(who, "default of " + shown, given.default_json, {});
  option.minimum = given.minimum;
  option.maximum = given.maximum;
  option.choices =
      words_from(who, "choices of " + shown, given.choices, given.choice_count);
  option.unit = shown_text(given.unit);
  option.help = shown_text(given.help);
  option.only_for = {std::string(from_plugin(given.only_for, longest_text)),
                     words_from(who, "conditions of " + shown, given.only_for_values,
                                given.only_for_value_count)};
  if (given.from_step_time != nullptr) {
    option.from_step_time = [=, measured = given.from_step_time](double a, double b) {
      const double value = call_guarded(who, [&] { return measured(a, b); });
      return checked_measured(value, shown, who);
    };
  }
  return option;
}

std::vector<Option> options_from(const std::string& who, const LibraryLayout& layout,
                                 const batchlab_entry& entry) {
  if (entry.option_count > most_options ||
      (entry.option_count > 0 && entry.options == nullptr)) {
    refuse(who, fmt::format("options must be at most {}, got {}{}", most_options,
                            entry.option_count,
                            entry.options == nullptr ? " at a null pointer" : ""));
  }
  std::vector<Option> options;
  for (std::size_t i = 0; i < entry.option_count; ++i) {
    const auto given = struct_at<batchlab_option>(entry.options, i, layout.option_size);
    const std::string name =
        name_from(who, fmt::format("option {}", i + 1), given.name);
    options.push_back(option_from(who, given, name));
  }
  return options;
}

void check_functions(const std::string& who, const batchlab_entry& entry) {
  const auto need = [&](bool present, const char* what) {
    if (!present) refuse(who, fmt::format("has no function {}", what));
  };
  need(entry.create != nullptr, "create");
  need(entry.destroy != nullptr, "destroy");
  need(entry.decide != nullptr, "decide");
  need(entry.save != nullptr || entry.load == nullptr, "save, but load");
  need(entry.load != nullptr || entry.save == nullptr, "load, but save");
  const bool extends = (entry.flags & batchlab_extends_batches) != 0;
  need(entry.extended_batch_size != nullptr || !extends,
       "extended_batch_size, but the flag for it");
}

// Bits without a meaning are mistakes, and would have one in a later version.
void check_bits(const std::string& who, const batchlab_entry& entry) {
  if ((entry.flags & ~known_flags) != 0) {
    refuse(who, fmt::format("has flags that do not exist (bits {:#x})",
                            entry.flags & ~known_flags));
  }
  check_needs(entry.needs, who);
}

}  // namespace

Entry library_entry(const LibraryLayout& layout, const batchlab_entry* entries,
                    std::size_t index) {
  const std::string path = printable(layout.path, longest_text);
  auto code = std::make_shared<LibraryCode>();
  code->entry = struct_at<batchlab_entry>(entries, index, layout.entry_size);
  const batchlab_entry& given = code->entry;
  Entry entry;
  entry.name = name_from(path, fmt::format("controller {}", index + 1), given.name);
  code->who = fmt::format("{} ({})", printable(entry.name), path);
  check_functions(code->who, given);
  check_bits(code->who, given);
  entry.summary = shown_text(given.summary);
  entry.source = shown_text(given.source);
  entry.options = options_from(code->who, layout, given);
  entry.open_loop = (given.flags & batchlab_open_loop) != 0;
  entry.extends_batches = (given.flags & batchlab_extends_batches) != 0;
  entry.branches = (given.flags & batchlab_branches) != 0;
  entry.plain_sgd_only = (given.flags & batchlab_plain_sgd_only) != 0;
  entry.limits = json_from(code->who, "limits", given.limits_json, json::object());
  entry.plugin = layout.path;
  entry.make = [code](const json& options, const Setting& setting) {
    return make_library_controller(code, options, setting);
  };
  return checked(std::move(entry), path);
}

}  // namespace batchlab
