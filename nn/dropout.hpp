// SPDX-License-Identifier: MIT
//
// Dropout: each value is zeroed with probability `rate` in training, the others divided
// by 1 - rate. The mask of an example is a function of (seed, epoch, example, layer):
// cutting a batch into tiles cannot change it. Srivastava et al. 2014, in its inverted
// form.
#pragma once

#include <memory>

#include "nn/layer.hpp"

namespace batchlab {

// `rate` in [0, 1); `number`: of the layer in its network.
[[nodiscard]] std::unique_ptr<Layer> make_dropout_layer(std::size_t inputs, double rate,
                                                        std::uint32_t number);

}  // namespace batchlab
