// SPDX-License-Identifier: MIT
//
// The data set of the noisy quadratic: loss_i = (theta - x_i) Q (theta - x_i)^T / 2.
#pragma once

#include "nn/dataset.hpp"

namespace batchlab {

// Independent bytes, uniform in [0, 255]; one class, which means nothing. Of the test
// set there are a fifth as many. More examples begin with the same ones.
[[nodiscard]] DataSource make_noisy_quadratic(const GeneratedData& options);

}  // namespace batchlab
