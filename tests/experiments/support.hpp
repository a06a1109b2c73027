// SPDX-License-Identifier: MIT
//
// For the tests of experiments/: a small data set that can be learned, specifications
// on it, runs that are recorded in memory.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <vector>

#include "experiments/specification.hpp"
#include "experiments/toml_file.hpp"
#include "experiments/training.hpp"
#include "tests/results/support.hpp"

namespace batchlab::test {

constexpr std::size_t tiny_training = 600, tiny_test = 200, tiny_classes = 4;

// The same numbers on every machine.
class Noise {
 public:
  explicit Noise(std::uint32_t seed) : state_(seed) {}
  std::uint32_t below(std::uint32_t bound) {
    state_ = state_ * 1664525U + 1013904223U;
    return (state_ >> 8) % bound;
  }

 private:
  std::uint32_t state_;
};

inline std::string idx_text(const std::vector<std::uint32_t>& shape,
                            const std::string& bytes) {
  std::string text{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const std::uint32_t size : shape) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
      text.push_back(static_cast<char>((size >> shift) & 255U));
    }
  }
  return text + bytes;
}

// `count` images of 4 x 4 bytes: a class lights four pixels a little more than noise.
inline void write_tiny_split(const std::filesystem::path& folder,
                             const std::string& name, std::uint32_t count) {
  Noise noise(count);
  std::string images, labels;
  for (std::uint32_t example = 0; example < count; ++example) {
    const std::uint32_t label = noise.below(tiny_classes);
    labels.push_back(static_cast<char>(label));
    for (std::uint32_t pixel = 0; pixel < 16; ++pixel) {
      const std::uint32_t light = pixel % tiny_classes == label ? 90 : 0;
      images.push_back(static_cast<char>(light + noise.below(160)));
    }
  }
  write_file(folder / (name + "-images-idx3-ubyte"), idx_text({count, 4, 4}, images));
  write_file(folder / (name + "-labels-idx1-ubyte"), idx_text({count}, labels));
}

inline void write_tiny_data(const std::filesystem::path& folder) {
  write_tiny_split(folder, "train", tiny_training);
  write_tiny_split(folder, "t10k", tiny_test);
}

// The data in a folder that lives as long as the program.
inline const std::filesystem::path& tiny_folder() {
  static const TemporaryFolder folder;
  static const bool written = (write_tiny_data(folder.path()), true);
  static_cast<void>(written);
  return folder.path();
}

inline const DataSource& tiny_source() {
  static const DataSource source = load_data("idx", tiny_folder().string());
  return source;
}

// A specification on the data: two epochs, one seed, sgd; `controllers` in TOML.
inline std::string tiny_text(const std::string& controllers =
                                 "[[controllers]]\nname = \"constant\"\n"
                                 "batch_size = 32\n") {
  return "name = \"tiny\"\nseeds = [0]\nbudget = { epochs = 2 }\n"
         "[data]\nset = \"idx\"\nfolder = \"" +
         tiny_folder().string() +
         "\"\n"
         "[model]\nlayers = [\n"
         "  { type = \"dense\", units = 8, activation = \"relu\" },\n"
         "  { type = \"dense\", units = 4 },\n]\n"
         "[optimizer]\nname = \"sgd\"\nlearning_rate = 0.1\n" +
         controllers;
}

inline nlohmann::json tiny_document(const std::vector<std::string>& settings = {}) {
  nlohmann::json document = parse_toml(tiny_text(), "tiny");
  for (const std::string& setting : settings) apply_setting(document, setting);
  return document;
}

// The first run of the specification with `settings`.
inline RunConfiguration tiny_run(const std::vector<std::string>& settings = {}) {
  return expand(tiny_document(settings)).front();
}

// Everything that a run tells.
struct Recording final : RunObserver {
  struct Evaluated {
    Statistics at;
    std::string split;
    EvaluationResult result;
  };
  std::vector<Statistics> steps;
  std::vector<double> seconds;
  std::vector<Evaluated> evaluations;
  std::vector<Decision> wanted;
  std::vector<LimitedDecision> used;
  struct Shadowed {
    std::vector<Decision> wanted;
    std::vector<LimitedDecision> used;
  };
  std::map<std::string, Shadowed> shadows;  // by label
  std::function<void()> after_decision = [] {};
  std::function<void(const Statistics&)> after_step = [](const Statistics&) {};

  void on_decision(const Statistics&, const Decision& decision,
                   const LimitedDecision& limited) override {
    wanted.push_back(decision);
    used.push_back(limited);
    after_decision();
  }
  void on_shadow_decision(const Statistics&, const std::string& label,
                          const Decision& decision,
                          const LimitedDecision& limited) override {
    shadows[label].wanted.push_back(decision);
    shadows[label].used.push_back(limited);
    after_decision();
  }
  void on_step(const Statistics& after, double training_seconds) override {
    steps.push_back(after);
    seconds.push_back(training_seconds);
    after_step(after);
  }
  void on_evaluation(const Statistics& at, double, const std::string& split,
                     const EvaluationResult& result) override {
    evaluations.push_back({at, split, result});
  }

  [[nodiscard]] std::vector<std::int64_t> batch_sizes() const {
    std::vector<std::int64_t> sizes;
    for (const Statistics& step : steps) sizes.push_back(step.batch_size);
    return sizes;
  }
  [[nodiscard]] std::vector<double> losses() const {
    std::vector<double> losses;
    for (const Statistics& step : steps) losses.push_back(step.batch_loss);
    return losses;
  }
};

struct Trained {
  Recording recording;
  RunResult result;
};

inline Trained train_run(const RunConfiguration& configuration,
                         std::size_t threads = 1) {
  Trained trained;
  const std::atomic<int> never{0};
  trained.result = TrainingRun(configuration, tiny_source(), threads)
                       .train(trained.recording, never);
  return trained;
}

inline Trained train(const std::vector<std::string>& settings,
                     std::size_t threads = 1) {
  return train_run(tiny_run(settings), threads);
}

}  // namespace batchlab::test
