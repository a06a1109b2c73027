// SPDX-License-Identifier: MIT
//
// Inside results/ only: what a reader must know before believing a comparison.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "results/comparison.hpp"

namespace batchlab {

// `runs` are those of one specification; `comparison` is complete but for its notes.
[[nodiscard]] std::vector<std::string> comparison_notes(
    std::span<const Run* const> runs, const Comparison& comparison);

// Whether a note is of what may turn the figures themselves: runs of a newer format, or
// not like for like.
[[nodiscard]] bool stands_first(const std::string& note);

}  // namespace batchlab
