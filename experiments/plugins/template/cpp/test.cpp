#include "controller.cpp"  // the rule itself

// A number by hand: B = S progress / (1 - progress) = 300 x 0.75 / 0.25 = 900.
int main() {
  const auto rule = entry.make({{"progress", 0.75}}, {.training_set_size = 60000});
  Statistics statistics;
  const bool starts_small = rule->decide(statistics).batch_size == 32;
  statistics.noise_scale = 300;
  const double batch_size = rule->decide(statistics).batch_size;
  fmt::print("batch size {}, expected 900\n", batch_size);
  return starts_small && std::abs(batch_size - 900) < 1e-9 ? 0 : 1;
}
