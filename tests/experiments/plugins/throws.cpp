// SPDX-License-Identifier: MIT
//
// hostile.c as C++, for what it throws across the interface.
#include <stdexcept>

#include "tests/experiments/plugins/hostile.c"
