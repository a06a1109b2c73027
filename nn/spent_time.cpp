// SPDX-License-Identifier: MIT
#include "nn/spent_time.hpp"

#include <algorithm>

namespace batchlab {

SpentTime::Clock::duration SpentTime::reading() {
  static const Clock::duration least = [] {
    Clock::duration found = Clock::duration::max();
    for (int i = 0; i < 100; ++i) {
      const Clock::time_point begin = Clock::now();
      found = std::min(found, Clock::now() - begin);
    }
    return found;
  }();
  return least;
}

double SpentTime::statistics_seconds() const {
  if (timed_pieces_ == 0) return seconds(statistics_);
  const auto readings = static_cast<Clock::rep>(timed_pieces_) * reading();
  const double timed = std::max(0.0, seconds(timed_ - readings));
  return seconds(statistics_) + timed * static_cast<double>(all_parameters_) /
                                    static_cast<double>(timed_parameters_);
}

}  // namespace batchlab
