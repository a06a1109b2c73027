// SPDX-License-Identifier: MIT
//
// Interventions from a file that a person edits while a run goes on.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "experiments/intervention.hpp"

namespace batchlab {

// What stat() tells of a file: another one with each time that it is saved.
struct FileVersion {
  int failure = 0;  // errno, where it cannot be looked at
  mode_t type = 0;  // S_IFREG, S_IFDIR and so on: one that takes the inode is another
  dev_t device = 0;
  ino_t inode = 0;
  off_t bytes = 0;
  std::int64_t modified = 0, changed = 0;  // nanoseconds
  bool operator==(const FileVersion&) const = default;
};

// Nothing stops a run or makes it wait: what cannot be read as an intervention is
// refused, once for each version, and what was in force stays. A file that is not there
// leaves all to the rule.
class ControlFile final : public InterventionSource {
 public:
  using Refused = std::function<void(const std::string& why)>;

  // Looks at the file every so often at most. What was not there at the first look is
  // read once two looks in a row have found it: it may be half-written.
  ControlFile(std::string path, OwnLimits own, Refused refused,
              std::chrono::milliseconds every = std::chrono::milliseconds(100));

  [[nodiscard]] std::optional<Intervention> after(const Statistics& step) override;

 private:
  [[nodiscard]] bool is_new_and_settled();
  [[nodiscard]] std::optional<Intervention> read();

  std::string path_;
  OwnLimits own_;
  Refused refused_;
  std::chrono::milliseconds every_;
  std::optional<std::chrono::steady_clock::time_point> looked_;
  std::optional<FileVersion> seen_, read_;  // at the last look; the last one read
  Intervention in_force_;
};

// Whether there is a file. Throws Error(usage) for one that would be refused.
[[nodiscard]] bool check_control_file(const std::string& path, const OwnLimits& own);

}  // namespace batchlab
