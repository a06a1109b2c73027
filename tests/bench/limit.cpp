// SPDX-License-Identifier: MIT
//
// The limit of a training step: its matrix products alone, on the whole batch,
// preallocated. One JSON line a row, as `batchlab bench --json` names them.
//
//   limit [mlp|wide] [8,32,128,512,4096] [1] [meeting]
//   limit [mlp|wide] varied
//
// mlp: 784-128-10; wide: 784-1024-1024-10. 1: so many such steps at once, on as many
// threads, each with arrays of its own, which tells what the machine's cores take from
// each other where nothing is shared. meeting: each has its share of the rows, and all
// wait for each other as the threads of a training step do, after the first product,
// before the last and after it; then step_seconds are of a step of all rows. varied:
// what steps of sizes drawn anew from 32 to 512 take, times as many of a constant size
// with the same sum.
#include <cblas.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
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

// Threads wait here for all the others.
class Meeting {
 public:
  explicit Meeting(std::size_t threads) : threads_(threads) {}
  void wait() {
    const std::size_t all = (arrived_++ / threads_ + 1) * threads_;
    while (arrived_ < all) {
    }
  }

 private:
  std::size_t threads_;
  std::atomic<std::size_t> arrived_{0};
};

// output = input W; W gradient = input^T delta; input's delta = delta W^T, but for the
// first. meeting: null for none.
void step(std::vector<Layer>& layers, const Values& images, int rows,
          Meeting* meeting = nullptr) {
  const float* input = images.data();
  for (Layer& layer : layers) {
    if (meeting && &layer == &layers[1]) meeting->wait();
    product(CblasNoTrans, CblasNoTrans, rows, layer.outputs, layer.inputs, input,
            layer.inputs, layer.weight.data(), layer.outputs, layer.output.data());
    input = layer.output.data();
  }
  for (std::size_t i = layers.size(); i-- > 0;) {
    Layer& layer = layers[i];
    const float* below = i > 0 ? layers[i - 1].output.data() : images.data();
    if (meeting && i == 0) meeting->wait();
    product(CblasTrans, CblasNoTrans, layer.inputs, layer.outputs, rows, below,
            layer.inputs, layer.delta.data(), layer.outputs, layer.gradient.data());
    if (i == 0) break;
    product(CblasNoTrans, CblasTrans, rows, layer.inputs, layer.outputs,
            layer.delta.data(), layer.outputs, layer.weight.data(), layer.outputs,
            layers[i - 1].delta.data());
  }
  if (meeting) meeting->wait();
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
double seconds_of(std::vector<Step>& steps, int rows, int count, bool meet) {
  Meeting meeting(steps.size());
  const auto start = Clock::now();
  const auto work = [&](Step& own) {
    for (int i = 0; i < count; ++i) {
      step(own.layers, own.images, rows, meet ? &meeting : nullptr);
    }
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
             int threads, bool meet) {
  std::vector<Step> steps;
  const int own_rows = meet ? rows / threads : rows;
  for (int i = 0; i < threads; ++i) steps.emplace_back(widths, own_rows);
  int count = 1;  // of at least a quarter of a second
  while (seconds_of(steps, own_rows, count, meet) < 0.25) count *= 2;
  std::vector<double> seconds;
  for (int repeat = 0; repeat < 7; ++repeat) {
    seconds.push_back(seconds_of(steps, own_rows, count, meet) / count);
  }
  std::sort(seconds.begin(), seconds.end());
  fmt::print(
      "{{\"peer\": \"limit\", \"network\": \"{}\", \"batch_size\": {}, "
      "\"threads\": {}, \"variant\": \"{}\", "
      "\"step_seconds\": {:.9f}, \"step_seconds_min\": {:.9f}, "
      "\"step_seconds_max\": {:.9f}, \"examples_per_second\": {:.0f}}}\n",
      network, rows, threads, meet ? "meeting" : "plain", seconds[3], seconds[0],
      seconds[6], threads * own_rows / seconds[3]);
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
  const bool meet = count > 4 && std::string(arguments[4]) == "meeting";
  for (std::string rows; std::getline(sizes, rows, ',');) {
    measure(network, widths, std::stoi(rows), threads, meet);
  }
}
