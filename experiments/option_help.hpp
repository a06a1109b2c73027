// SPDX-License-Identifier: MIT
//
// Option tables as help on standard output.
#pragma once

#include <span>
#include <string>

#include "controllers/option.hpp"

namespace batchlab {

// A title, then each option with its help, default, range, and the choice that it is
// for.
void print_options(const std::string& title, std::span<const Option> options);

// All sections of a specification.
void print_specification_options();

}  // namespace batchlab
