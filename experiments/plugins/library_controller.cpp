// SPDX-License-Identifier: MIT
#include "experiments/plugins/library_controller.hpp"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "controllers/error.hpp"
#include "controllers/plugin_values.hpp"
#include "experiments/plugins/call_guard.hpp"
#include "experiments/plugins/documents.hpp"
#include "experiments/plugins/outside_decision.hpp"

namespace batchlab {
namespace {

using nlohmann::json;

constexpr std::size_t most_of_an_error = 400;  // bytes shown
constexpr std::uint64_t known_given = batchlab_given_learning_rate |
                                      batchlab_given_subset | batchlab_given_keep_as |
                                      batchlab_given_go_back_to;

// The values of a table, and the texts that they view.
class Values {
 public:
  explicit Values(const json& options) {
    texts_.reserve(3 * options.size());
    for (const auto& [name, value] : options.items()) {
      const bool is_text = value.is_string();
      values_.push_back({kept(name), number_in(value),
                         kept(is_text ? value.get<std::string>() : ""),
                         kept(value.dump(-1, ' ', true))});
    }
  }
  [[nodiscard]] batchlab_setting setting(const Setting& setting) const {
    return {sizeof(batchlab_setting), setting.training_set_size, values_.data(),
            values_.size()};
  }

 private:
  static double number_in(const json& value) {
    if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
    return value.is_number() ? value.get<double>()
                             : std::numeric_limits<double>::quiet_NaN();
  }
  batchlab_text kept(std::string text) {
    texts_.push_back(std::move(text));
    return to_plugin(texts_.back());
  }

  std::vector<std::string> texts_;
  std::vector<batchlab_value> values_;
};

class LibraryController final : public Controller {
 public:
  LibraryController(std::shared_ptr<const LibraryCode> code, const json& options,
                    const Setting& setting)
      : code_(std::move(code)) {
    const Values values(options);
    const batchlab_setting given = values.setting(setting);
    call([&](batchlab_text* error) {
      return entry().create(entry().context, &given, &instance_, error);
    });
    try {
      needs_ = asked_needs();
    } catch (...) {
      destroy();
      throw;
    }
  }
  ~LibraryController() override { destroy(); }
  LibraryController(const LibraryController&) = delete;
  LibraryController& operator=(const LibraryController&) = delete;

  Needs needs() const override { return needs_; }

  Decision decide(const Statistics& statistics) override {
    const batchlab_statistics given = to_plugin(statistics);
    batchlab_decision answer = undecided();
    call([&](batchlab_text* error) {
      return entry().decide(instance_, &given, &answer, error);
    });
    if ((answer.given & ~known_given) != 0) {
      refuse(fmt::format("gives what does not exist (bits {:#x} of given)",
                         answer.given & ~known_given));
    }
    Decision decision = checked(from_plugin(answer), code_->who);
    const bool branches = (entry().flags & batchlab_branches) != 0;
    if (!branches && decision.branching != Branching{}) {
      refuse(
          "asks to keep or to return to a state, but its entry lacks the flag "
          "batchlab_branches");
    }
    return decision;
  }

  double extended_batch_size(const Statistics& statistics) override {
    if (entry().extended_batch_size == nullptr) return 0;
    const batchlab_statistics given = to_plugin(statistics);
    double examples = 0;
    call([&](batchlab_text* error) {
      return entry().extended_batch_size(instance_, &given, &examples, error);
    });
    return checked_extension(examples, code_->who);
  }

  json save() const override {
    if (entry().save == nullptr) return json::object();
    batchlab_text state{};
    call([&](batchlab_text* error) { return entry().save(instance_, &state, error); });
    if (state.length > longest_state) {
      refuse(fmt::format("state to save must have at most {} bytes, got {}",
                         longest_state, state.length));
    }
    return document_of(from_plugin(state, longest_state),
                       code_->who + ": state to save");
  }

  void load(const json& state) override {
    if (entry().load == nullptr) return;
    const std::string text = state.dump();
    call([&](batchlab_text* error) {
      return entry().load(instance_, to_plugin(text), error);
    });
  }

 private:
  [[nodiscard]] const batchlab_entry& entry() const { return code_->entry; }

  [[noreturn]] void refuse(const std::string& why,
                           ErrorKind kind = ErrorKind::plugin) const {
    throw Error(kind, code_->who + ": " + why);
  }

  template <class Action>
  void call(Action action) const {
    batchlab_text error{};
    const int result = call_guarded(code_->who, [&] { return action(&error); });
    if (result == batchlab_ok) return;
    // Not so much as looked at beyond the bytes that are shown.
    const std::string text(
        printable(from_plugin(error, most_of_an_error + 1), most_of_an_error));
    refuse(text.empty() ? fmt::format("failed ({}) and did not say why", result) : text,
           result == batchlab_usage ? ErrorKind::usage : ErrorKind::plugin);
  }

  [[nodiscard]] Needs asked_needs() const {
    std::uint64_t bits = entry().needs;
    if (entry().instance_needs != nullptr) {
      call([&](batchlab_text* error) {
        return entry().instance_needs(instance_, &bits, error);
      });
    }
    check_needs(bits, code_->who);
    return needs_from_plugin(bits);
  }

  // A destructor cannot report what goes wrong here.
  void destroy() noexcept {
    try {
      call_guarded(code_->who, [&] { entry().destroy(instance_); });
    } catch (const Error&) {
    }
  }

  std::shared_ptr<const LibraryCode> code_;
  void* instance_ = nullptr;
  Needs needs_;
};

}  // namespace

void check_needs(std::uint64_t needs, const std::string& who) {
  if (to_plugin(needs_from_plugin(needs)) == needs) return;
  throw Error(
      ErrorKind::plugin,
      fmt::format("{}: needs statistics that do not exist (bits {:#x})", who, needs));
}

std::unique_ptr<Controller> make_library_controller(
    std::shared_ptr<const LibraryCode> code, const json& options,
    const Setting& setting) {
  return std::make_unique<LibraryController>(std::move(code), options, setting);
}

}  // namespace batchlab
