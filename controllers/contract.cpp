// SPDX-License-Identifier: MIT
#include "controllers/contract.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "controllers/contract_checks.hpp"
#include "controllers/error.hpp"

namespace batchlab {

namespace {

using nlohmann::json;

template <void (*check)(const Subject&)>
Verdict outcome(const Subject& subject) {
  try {
    check(subject);
    return {};
  } catch (const promise::Broken& broken) {
    return {broken.what, broken.untried};
  } catch (const std::exception& error) {
    return {std::string("fails: ") + error.what()};
  }
}

}  // namespace

std::span<const Promise> contract() {
  using namespace promise;
  static const std::array all{
      Promise{"described", "it and each of its options say what they are",
              outcome<describes_itself>},
      Promise{"default_limits", "the limits that it comes with are accepted",
              outcome<limits_accepted>},
      Promise{"defaults", "its defaults work, or the error shows an example",
              outcome<defaults_work>},
      Promise{"unknown_options", "an unknown option is refused, naming the closest",
              outcome<unknown_options_refused>},
      Promise{"ranges", "a number is refused just outside its range, and only there",
              outcome<ranges_hold>},
      Promise{"sound", "a decision is finite, positive, and has a reason",
              outcome<sound>},
      Promise{"sound_for_ever", "decisions stay sound however long the run",
              outcome<sound_however_long>},
      Promise{"repeatable", "the same statistics give the same decisions",
              outcome<repeatable>},
      Promise{"declares_all", "it reads only the statistics that it declares",
              outcome<reads_only_what_it_declares>},
      Promise{"reads_all", "it reads each statistic that it declares",
              outcome<reads_what_it_declares>},
      Promise{"open_loop", "where it says open loop, it reads counts alone",
              outcome<open_loop_reads_counts>},
      Promise{"extensions", "it extends batches and branches if it says so, else not",
              outcome<extends_and_branches_as_said>},
      Promise{"divergence", "it stays sound where a run diverges or a batch is tiny",
              outcome<survives_divergence>},
      Promise{"state", "its state, saved and restored, gives the same future",
              outcome<goes_on_from_its_state>},
      Promise{"ends", "it ends in order where the run is over",
              outcome<ends_in_order>}};
  return all;
}

std::string missing_options(const Entry& entry, const json& options) {
  try {
    (void)promise::made(entry, options);
  } catch (const Error& error) {
    const std::string what = error.what();
    const bool shown = what.find("for example") != std::string::npos;
    if (error.kind() == ErrorKind::usage && shown) return what;
  }
  return "";
}

// A choice that needs a further option, and says which, is left out.
std::vector<json> option_variants(const Entry& entry) {
  std::vector<json> variants{json::object()};
  for (const Option& option : entry.options) {
    if (!option.only_for.choice.empty()) continue;
    for (const std::string& choice : option.choices) {
      if (choice == option.default_value) continue;
      json options{{option.name, choice}};
      if (missing_options(entry, options).empty())
        variants.push_back(std::move(options));
    }
  }
  return variants;
}

Statistics statistics_at(std::int64_t step) {
  Statistics statistics;
  statistics.training_set_size = promise::setting_tried.training_set_size;
  if (step == 0) return statistics;
  const auto time = static_cast<double>(step);
  statistics.step = step;
  statistics.examples_seen = 48 * step;
  statistics.epochs_completed = step / 20;
  statistics.batch_size = 48;
  statistics.learning_rate = 0.1;
  statistics.batch_loss = 0.5 + 1 / time;
  statistics.gradient_norm_squared = 2 / time;
  statistics.gradient_variance_trace = 3.0;
  statistics.true_gradient_norm_squared = 1 / time;
  statistics.example_gradient_norm_squared_mean = 2 / time + 3.0 * 47 / 48;
  statistics.inner_product_variance = 1.5 * 2 / time;
  statistics.orthogonal_variance = 1.5;
  statistics.half_batch_cosine = 0.2 + 0.3 * std::sin(time / 10);
  statistics.step_seconds = 1e-4 * (2 + std::sin(time));
  if (step % 4 != 1) {
    const double noise_scale = 3 * time * (1 + std::sin(time) / 2);
    statistics.noise_scale = noise_scale;
    statistics.noise_scale_low = noise_scale / 2;
    statistics.noise_scale_high = noise_scale * 2;
  }
  if (step % 5 == 0) {
    statistics.validation_loss = std::max(0.6, 2 - time / 10);
    statistics.validation_accuracy = std::min(0.8, time / 40);
    statistics.training_loss = std::max(0.5, 2 - time / 10);
  }
  return statistics;
}

}  // namespace batchlab
