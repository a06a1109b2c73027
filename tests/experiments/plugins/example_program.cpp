// SPDX-License-Identifier: MIT
//
// A plugin that is a program.
#include "experiments/plugins/serve.hpp"
#include "tests/experiments/plugins/example_entries.hpp"

int main() {
  return batchlab::serve([] {
    return batchlab::Served{batchlab::test::example_entries(), "1.2"};
  });
}
