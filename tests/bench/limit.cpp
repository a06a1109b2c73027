// SPDX-License-Identifier: MIT
//
// The limit of a training step: its matrix products alone, on the whole batch,
// preallocated. One JSON line a row, as `batchlab bench --json` names them.
//
//   limit [mlp|wide] [8,32,128,512,4096] [1]
//   limit [mlp|wide] varied
//
// mlp: 784-128-10; wide: 784-1024-1024-10. The last: so many such steps at once, on as
// many threads, each with arrays of its own, which tells what the machine's cores take
// from each other where nothing is shared. varied: what steps of sizes drawn anew from
// 32 to 512 take, times as many of a constant size with the same sum.
#include <cblas.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <numeric>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
#include <xsimd/xsimd.hpp>

namespace {

using Clock = std::chrono::steady_clock;

// Aligned as the arrays of batchlab are.
using Values = std::vector<float, xsimd::aligned_allocator<float, 64>>;

struct Layer {
  int inputs, outputs;
  Values weight, gradient, output, delta;
};

Values filled(std::size_t size) {
  Values values(size);
  for (std::size_t i = 0; i < size; ++i) {
    values[i] = static_cast<float>(i * 2654435761U % 1000) / 1000 - 0.5F;
  }
  return values;
}

void product(CBLAS_TRANSPOSE left, CBLAS_TRANSPOSE right, int m, int n, int k,
             const float* a, int lda, const float* b, int ldb, float* c) {
  cblas_sgemm(CblasRowMajor, left, right, m, n, k, 1, a, lda, b, ldb, 0, c, n);
}

// output = input W; W gradient = input^T delta; input's delta = delta W^T, but for the
// first.
void step(std::vector<Layer>& layers, const Values& images, int rows) {
  const float* input = images.data();
  for (Layer& layer : layers) {
    product(CblasNoTrans, CblasNoTrans, rows, layer.outputs, layer.inputs, input,
            layer.inputs, layer.weight.data(), layer.outputs, layer.output.data());
    input = layer.output.data();
  }
  for (std::size_t i = layers.size(); i-- > 0;) {
    Layer& layer = layers[i];
    const float* below = i > 0 ? layers[i - 1].output.data() : images.data();
    product(CblasTrans, CblasNoTrans, layer.inputs, layer.outputs, rows, below,
            layer.inputs, layer.delta.data(), layer.outputs, layer.gradient.data());
    if (i == 0) return;
    product(CblasNoTrans, CblasTrans, rows, layer.inputs, layer.outputs,
            layer.delta.data(), layer.outputs, layer.weight.data(), layer.outputs,
            layers[i - 1].delta.data());
  }
}

struct Step {
  std::vector<Layer> layers;
  Values images;

  Step(const std::vector<int>& widths, int rows) {
    const auto size = [](int a, int b) {
      return static_cast<std::size_t>(a) * static_cast<std::size_t>(b);
    };
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
      const int in = widths[i], out = widths[i + 1];
      layers.push_back({in, out, filled(size(in, out)), filled(size(in, out)),
                        filled(size(rows, out)), filled(size(rows, out))});
    }
    images = filled(size(rows, widths[0]));
  }
};

// Seconds until each thread has made so many steps.
double seconds_of(std::vector<Step>& steps, int rows, int count) {
  const auto start = Clock::now();
  const auto work = [&](Step& own) {
    for (int i = 0; i < count; ++i) step(own.layers, own.images, rows);
  };
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    others.emplace_back(work, std::ref(steps[i]));
  }
  work(steps[0]);
  others.clear();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void measure(const std::string& network, const std::vector<int>& widths, int rows,
             int threads) {
  std::vector<Step> steps;
  for (int i = 0; i < threads; ++i) steps.emplace_back(widths, rows);
  int count = 1;  // of at least a quarter of a second
  while (seconds_of(steps, rows, count) < 0.25) count *= 2;
  std::vector<double> seconds;
  for (int repeat = 0; repeat < 7; ++repeat) {
    seconds.push_back(seconds_of(steps, rows, count) / count);
  }
  std::sort(seconds.begin(), seconds.end());
  fmt::print(
      "{{\"peer\": \"limit\", \"network\": \"{}\", \"batch_size\": {}, "
      "\"threads\": {}, \"variant\": \"plain\", "
      "\"step_seconds\": {:.9f}, \"step_seconds_min\": {:.9f}, "
      "\"step_seconds_max\": {:.9f}, \"examples_per_second\": {:.0f}}}\n",
      network, rows, threads, seconds[3], seconds[0], seconds[6],
      threads * rows / seconds[3]);
  std::fflush(stdout);
}

// The median over pairs measured in turn, as the benchmark VariedSizesCost has it for
// whole steps, of other sizes from the same range.
void measure_varied(const std::string& network, const std::vector<int>& widths) {
  Step own(widths, 512);
  const auto seconds_for = [&](const std::vector<int>& sizes) {
    const auto start = Clock::now();
    for (const int rows : sizes) step(own.layers, own.images, rows);
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  std::mt19937 generator;
  std::uniform_int_distribution<int> size(32, 512);
  std::vector<double> ratios;
  for (int pair = 0; pair < 75; ++pair) {
    std::vector<int> varied(40);
    for (int& rows : varied) rows = size(generator);
    const int sum = std::accumulate(varied.begin(), varied.end(), 0);
    std::vector<int> constant(40, sum / 40);
    constant.back() += sum % 40;
    const double without = seconds_for(constant);
    ratios.push_back(seconds_for(varied) / without);
  }
  std::sort(ratios.begin(), ratios.end());
  fmt::print("{{\"peer\": \"limit\", \"network\": \"{}\", \"varied_ratio\": {:.4f}}}\n",
             network, ratios[ratios.size() / 2]);
}

}  // namespace

int main(int count, char** arguments) {
  openblas_set_num_threads(1);
  const std::string network = count > 1 ? arguments[1] : "mlp";
  const std::vector<int> widths = network == "wide"
                                      ? std::vector<int>{784, 1024, 1024, 10}
                                      : std::vector<int>{784, 128, 10};
  if (count > 2 && std::string(arguments[2]) == "varied") {
    measure_varied(network, widths);
    return 0;
  }
  std::stringstream sizes(count > 2 ? arguments[2] : "8,32,128,512,4096");
  const int threads = count > 3 ? std::stoi(arguments[3]) : 1;
  for (std::string rows; std::getline(sizes, rows, ',');) {
    measure(network, widths, std::stoi(rows), threads);
  }
}
