// SPDX-License-Identifier: MIT
//
// Controllers for plugins of the tests: a sound one, one that ends its process where a
// run diverges, one that does not answer in a very long run, one that lacks an option.
#pragma once

#include <unistd.h>

#include <cmath>
#include <csignal>

#include "controllers/batch_size_option.hpp"
#include "controllers/error.hpp"
#include "controllers/registry.hpp"

namespace batchlab::test {

class Doubling final : public Controller {
 public:
  explicit Doubling(double size) : size_(size) {}
  Decision decide(const Statistics& statistics) override {
    return {statistics.epochs_completed == 0 ? size_ : 2 * size_,
            "doubles after the first epoch"};
  }

 private:
  double size_;
};

class Crashing final : public Controller {
 public:
  Decision decide(const Statistics& statistics) override {
    if (std::isnan(statistics.batch_loss)) std::raise(SIGKILL);
    return {32, "ends where a run diverges"};
  }
};

class Hanging final : public Controller {
 public:
  Decision decide(const Statistics& statistics) override {
    while (statistics.step == 1'000'000'000'000'000) ::pause();
    return {32, "hangs in a very long run"};
  }
};

template <class Rule>
Entry simple_entry(const char* name) {
  Entry entry;
  entry.name = name;
  entry.summary = "for tests";
  entry.source = "made up";
  entry.limits = nlohmann::json::object();
  entry.make = [](const nlohmann::json&,
                  const Setting&) -> std::unique_ptr<Controller> {
    return std::make_unique<Rule>();
  };
  return entry;
}

inline Entry doubling() {
  Entry entry = simple_entry<Crashing>("doubling");
  entry.open_loop = true;
  entry.options = {count_option("size", 16, "examples", "the first batch size"),
                   choice_option("mood", {"good", "bad"}, "of no matter")};
  entry.make = [](const nlohmann::json& options,
                  const Setting&) -> std::unique_ptr<Controller> {
    return std::make_unique<Doubling>(options.at("size").get<double>());
  };
  return entry;
}

// It cannot be made without an option.
inline Entry needy() {
  Entry entry = doubling();
  entry.name = "needy";
  entry.make = [](const nlohmann::json&,
                  const Setting&) -> std::unique_ptr<Controller> {
    throw Error(ErrorKind::usage, "needy: wants more, for example more = 1");
  };
  return entry;
}

inline std::vector<Entry> example_entries() {
  return {doubling(), simple_entry<Crashing>("crashing"),
          simple_entry<Hanging>("hanging"), needy()};
}

}  // namespace batchlab::test
