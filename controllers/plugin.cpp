// SPDX-License-Identifier: MIT
#include "controllers/plugin.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "controllers/error.hpp"
#include "controllers/plugin_values.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

static_assert(static_cast<int>(Option::Kind::text) == batchlab_text_kind &&
              static_cast<int>(Option::Kind::name_list) == batchlab_name_list);

// What a controller has said last stays here until it is asked again.
struct Instance {
  std::unique_ptr<Controller> controller;
  Decision decision;
  std::string state, error;
};

// Runs `action`; what it throws becomes `text`, which `error` then shows.
template <class Action>
int guarded(std::string& text, batchlab_text* error, Action action) noexcept {
  int result = batchlab_failed;
  try {
    try {
      action();
      return batchlab_ok;
    } catch (const Error& problem) {
      if (problem.kind() == ErrorKind::usage) result = batchlab_usage;
      text = problem.what();
    } catch (const std::exception& problem) {
      text = problem.what();
    } catch (...) {
      text = "threw what is no std::exception";
    }
    *error = to_plugin(text);
  } catch (...) {
    *error = BATCHLAB_TEXT("no memory is left");
  }
  return result;
}

// To the safety layer, a wish for less than one example is one for one example, and so
// for numbers beyond all data. Mistakes (not finite, not positive) stay what they are.
double sendable(double batch_size) {
  const bool is_wish = batch_size > 0 && std::isfinite(batch_size);
  return is_wish ? std::clamp(batch_size, 1.0, 1e15) : batch_size;
}

std::uint64_t flags_of(const Entry& entry) {
  std::uint64_t flags = 0;
  if (entry.open_loop) flags |= batchlab_open_loop;
  if (entry.extends_batches) flags |= batchlab_extends_batches;
  if (entry.branches) flags |= batchlab_branches;
  if (entry.plain_sgd_only) flags |= batchlab_plain_sgd_only;
  return flags;
}

Instance& at(void* instance) { return *static_cast<Instance*>(instance); }

json options_from(const batchlab_setting& setting) {
  json options = json::object();
  for (const auto& value : std::span(setting.values, setting.value_count)) {
    options[std::string(value.name.data, value.name.length)] =
        json::parse(std::string_view(value.json.data, value.json.length));
  }
  return options;
}

int create(const void* context, const batchlab_setting* setting, void** instance,
           batchlab_text* error) noexcept {
  static thread_local std::string text;
  return guarded(text, error, [&] {
    const auto& entry = *static_cast<const Entry*>(context);
    auto made = std::make_unique<Instance>();
    made->controller = entry.make(options_from(*setting), {setting->training_set_size});
    *instance = made.release();
  });
}

void destroy(void* instance) noexcept { delete static_cast<Instance*>(instance); }

int decide(void* instance, const batchlab_statistics* statistics,
           batchlab_decision* decision, batchlab_text* error) noexcept {
  Instance& self = at(instance);
  return guarded(self.error, error, [&] {
    self.decision = self.controller->decide(from_plugin(*statistics));
    self.decision.batch_size = sendable(self.decision.batch_size);
    *decision = to_plugin(self.decision);
  });
}

int save(void* instance, batchlab_text* state, batchlab_text* error) noexcept {
  Instance& self = at(instance);
  return guarded(self.error, error, [&] {
    self.state = self.controller->save().dump();
    *state = to_plugin(self.state);
  });
}

int load(void* instance, batchlab_text state, batchlab_text* error) noexcept {
  Instance& self = at(instance);
  return guarded(self.error, error, [&] {
    self.controller->load(json::parse(std::string_view(state.data, state.length)));
  });
}

int instance_needs(void* instance, std::uint64_t* needs,
                   batchlab_text* error) noexcept {
  Instance& self = at(instance);
  return guarded(self.error, error,
                 [&] { *needs = to_plugin(self.controller->needs()); });
}

int extended_batch_size(void* instance, const batchlab_statistics* statistics,
                        double* examples, batchlab_text* error) noexcept {
  Instance& self = at(instance);
  return guarded(self.error, error, [&] {
    *examples =
        sendable(self.controller->extended_batch_size(from_plugin(*statistics)));
  });
}

// The descriptor, and all that it points to.
class Description {
 public:
  Description(const char* version, std::vector<Entry> entries)
      : entries_(std::move(entries)) {
    for (const Entry& entry : entries_) described_.push_back(described(entry));
    descriptor_ = {BATCHLAB_DESCRIPTOR_HEAD, kept(version), described_.data(),
                   described_.size()};
  }
  [[nodiscard]] const batchlab_descriptor& descriptor() const { return descriptor_; }

 private:
  batchlab_text kept(std::string text) {
    texts_.push_back(std::move(text));
    return to_plugin(texts_.back());
  }

  const batchlab_text* kept(const std::vector<std::string>& words) {
    auto& list = lists_.emplace_back();
    for (const std::string& word : words) list.push_back(kept(word));
    return list.data();
  }

  // What crosses is a plain function; measured_where_unset() makes no other.
  batchlab_option described(const Option& option) {
    using Plain = double (*)(double, double);
    const Plain* measured = option.from_step_time.target<Plain>();
    return {kept(option.name),
            static_cast<std::int32_t>(option.kind),
            kept(option.default_value.dump()),
            option.minimum,
            option.maximum,
            kept(option.unit),
            kept(option.help),
            kept(option.choices),
            option.choices.size(),
            kept(option.only_for.choice),
            kept(option.only_for.values),
            option.only_for.values.size(),
            measured != nullptr ? *measured : nullptr};
  }

  batchlab_entry described(const Entry& entry) {
    auto& options = options_.emplace_back();
    for (const Option& option : entry.options) options.push_back(described(option));
    return {kept(entry.name),
            kept(entry.summary),
            kept(entry.source),
            options.data(),
            options.size(),
            flags_of(entry),
            0,
            kept(entry.limits.is_object() ? entry.limits.dump() : ""),
            &entry,
            create,
            destroy,
            decide,
            save,
            load,
            instance_needs,
            entry.extends_batches ? extended_batch_size : nullptr};
  }

  std::vector<Entry> entries_;
  std::deque<std::string> texts_;
  std::deque<std::vector<batchlab_text>> lists_;
  std::deque<std::vector<batchlab_option>> options_;
  std::vector<batchlab_entry> described_;
  batchlab_descriptor descriptor_{};
};

}  // namespace

const batchlab_descriptor* describe_plugin(const char* version,
                                           std::vector<Entry> entries) noexcept {
  try {
    static std::deque<Description> descriptions;  // as long as the library
    return &descriptions.emplace_back(version, std::move(entries)).descriptor();
  } catch (...) {
    return nullptr;
  }
}

}  // namespace batchlab
