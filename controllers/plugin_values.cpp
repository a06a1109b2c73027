// SPDX-License-Identifier: MIT
#include "controllers/plugin_values.hpp"

#include <algorithm>
#include <limits>

namespace batchlab {
namespace {

// One row per quantity: the same word here, in plugin_abi.h and in statistics.hpp.
struct PluginQuantity {
  std::string_view name;
  std::uint64_t bit;
  double batchlab_statistics::*field;
};

#define BATCHLAB_QUANTITY(name) \
  { #name, batchlab_need_##name, &batchlab_statistics::name }
constexpr PluginQuantity plugin_quantities[] = {
    BATCHLAB_QUANTITY(gradient_norm_squared),
    BATCHLAB_QUANTITY(gradient_variance_trace),
    BATCHLAB_QUANTITY(true_gradient_norm_squared),
    BATCHLAB_QUANTITY(noise_scale),
    BATCHLAB_QUANTITY(noise_scale_low),
    BATCHLAB_QUANTITY(noise_scale_high),
    BATCHLAB_QUANTITY(example_gradient_norm_squared_mean),
    BATCHLAB_QUANTITY(inner_product_variance),
    BATCHLAB_QUANTITY(orthogonal_variance),
    BATCHLAB_QUANTITY(half_batch_cosine),
    BATCHLAB_QUANTITY(step_seconds),
    BATCHLAB_QUANTITY(validation_loss),
    BATCHLAB_QUANTITY(validation_accuracy),
    BATCHLAB_QUANTITY(training_loss),
};
#undef BATCHLAB_QUANTITY

constexpr bool same_quantities() {
  for (std::size_t i = 0; i < quantities.size(); ++i) {
    if (plugin_quantities[i].name != quantities[i].name) return false;
    if (plugin_quantities[i].bit != std::uint64_t{1} << i) return false;
  }
  return true;
}
static_assert(std::size(plugin_quantities) == quantities.size() && same_quantities(),
              "a new quantity is appended here and in plugin_abi.h, where "
              "BATCHLAB_ABI_VERSION grows by one");

// Likewise the fields that are always present, so that none is forgotten.
static_assert(sizeof(batchlab_statistics) ==
                  sizeof(std::size_t) + sizeof(std::uint64_t) +
                      5 * sizeof(std::int64_t) + 2 * sizeof(double) +
                      quantities.size() * sizeof(double) &&
              sizeof(Statistics) ==
                  5 * sizeof(std::int64_t) + 2 * sizeof(double) +
                      quantities.size() * sizeof(std::optional<double>));

constexpr std::size_t longest_reason = 10'000;

}  // namespace

batchlab_statistics to_plugin(const Statistics& statistics) {
  batchlab_statistics sent{};
  sent.size = sizeof sent;
  sent.step = statistics.step;
  sent.examples_seen = statistics.examples_seen;
  sent.epochs_completed = statistics.epochs_completed;
  sent.batch_size = statistics.batch_size;
  sent.training_set_size = statistics.training_set_size;
  sent.learning_rate = statistics.learning_rate;
  sent.batch_loss = statistics.batch_loss;
  for (std::size_t i = 0; i < quantities.size(); ++i) {
    const auto& value = statistics.*quantities[i].field;
    sent.*plugin_quantities[i].field =
        value.value_or(std::numeric_limits<double>::quiet_NaN());
    if (value) sent.measured |= plugin_quantities[i].bit;
  }
  return sent;
}

Statistics from_plugin(const batchlab_statistics& sent) {
  Statistics statistics;
  statistics.step = sent.step;
  statistics.examples_seen = sent.examples_seen;
  statistics.epochs_completed = sent.epochs_completed;
  statistics.batch_size = sent.batch_size;
  statistics.training_set_size = sent.training_set_size;
  statistics.learning_rate = sent.learning_rate;
  statistics.batch_loss = sent.batch_loss;
  for (std::size_t i = 0; i < quantities.size(); ++i) {
    if ((sent.measured & plugin_quantities[i].bit) != 0) {
      statistics.*quantities[i].field = sent.*plugin_quantities[i].field;
    }
  }
  return statistics;
}

std::uint64_t to_plugin(Needs needs) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < quantities.size(); ++i) {
    if (needs.has(quantities[i].field)) bits |= plugin_quantities[i].bit;
  }
  return bits;
}

Needs needs_from_plugin(std::uint64_t bits) {
  Needs needs;
  for (std::size_t i = 0; i < quantities.size(); ++i) {
    if ((bits & plugin_quantities[i].bit) != 0) {
      needs = needs | Needs{quantities[i].field};
    }
  }
  return needs;
}

batchlab_decision undecided() {
  batchlab_decision decision{};
  decision.size = sizeof decision;
  decision.learning_rate_factor = 1;
  return decision;
}

batchlab_decision to_plugin(const Decision& decision) {
  batchlab_decision sent = undecided();
  sent.batch_size = decision.batch_size;
  sent.reason = to_plugin(decision.reason);
  sent.learning_rate_factor = decision.learning_rate_factor;
  if (decision.learning_rate) {
    sent.given |= batchlab_given_learning_rate;
    sent.learning_rate = *decision.learning_rate;
  }
  if (decision.subset) {
    sent.given |= batchlab_given_subset;
    sent.subset_first = decision.subset->first;
    sent.subset_count = decision.subset->count;
  }
  if (decision.branching.keep_as) {
    sent.given |= batchlab_given_keep_as;
    sent.keep_as = *decision.branching.keep_as;
  }
  if (decision.branching.go_back_to) {
    sent.given |= batchlab_given_go_back_to;
    sent.go_back_to = *decision.branching.go_back_to;
  }
  sent.trial = decision.branching.trial ? 1 : 0;
  return sent;
}

Decision from_plugin(const batchlab_decision& sent) {
  Decision decision{sent.batch_size,
                    std::string(from_plugin(sent.reason, longest_reason))};
  decision.learning_rate_factor = sent.learning_rate_factor;
  if ((sent.given & batchlab_given_learning_rate) != 0) {
    decision.learning_rate = sent.learning_rate;
  }
  if ((sent.given & batchlab_given_subset) != 0) {
    decision.subset = Subset{sent.subset_first, sent.subset_count};
  }
  if ((sent.given & batchlab_given_keep_as) != 0) {
    decision.branching.keep_as = sent.keep_as;
  }
  if ((sent.given & batchlab_given_go_back_to) != 0) {
    decision.branching.go_back_to = sent.go_back_to;
  }
  decision.branching.trial = sent.trial != 0;
  return decision;
}

batchlab_text to_plugin(std::string_view text) { return {text.data(), text.size()}; }

std::string_view from_plugin(batchlab_text text, std::size_t limit) {
  if (text.data == nullptr) return {};
  return {text.data, std::min(text.length, limit)};
}

}  // namespace batchlab
