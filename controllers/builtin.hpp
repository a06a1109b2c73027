// SPDX-License-Identifier: MIT
//
// The built-in rules. Adding one costs a word here and a line in CMakeLists.txt.
#pragma once

#include "controllers/registry.hpp"

// The order is that of `batchlab controllers`.
#define BATCHLAB_BUILTIN_RULES(RULE) \
  RULE(constant)                     \
  RULE(phases)                       \
  RULE(cyclic)                       \
  RULE(ramp)                         \
  RULE(adabatch)                     \
  RULE(dont_decay)                   \
  RULE(seesaw)                       \
  RULE(late_switch)                  \
  RULE(geodamp)                      \
  RULE(padadamp)                     \
  RULE(plateau)                      \
  RULE(noise_scale)                  \
  RULE(norm_test)                    \
  RULE(inner_product_test)           \
  RULE(adadagrad)                    \
  RULE(cabs)                         \
  RULE(big_batch)                    \
  RULE(gradient_diversity)           \
  RULE(simigrad)                     \
  RULE(adadamp)                      \
  RULE(radadamp)                     \
  RULE(goodput)                      \
  RULE(critical_batch)

namespace batchlab::builtin {

#define BATCHLAB_DECLARE_RULE(name) extern const Entry name;
BATCHLAB_BUILTIN_RULES(BATCHLAB_DECLARE_RULE)
#undef BATCHLAB_DECLARE_RULE

}  // namespace batchlab::builtin
