// SPDX-License-Identifier: MIT
//
// The safetensors file format: 8 bytes little-endian header length, a JSON header (name
// -> dtype, shape, data_offsets; "__metadata__": strings), then the data.
// https://github.com/huggingface/safetensors
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace batchlab {

struct NamedTensor {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<float> values;  // row-major, product of shape
};

struct TensorFile {
  std::vector<NamedTensor> tensors;             // in file order
  std::map<std::string, std::string> metadata;  // free text
};

// Writes F32 tensors to `path`: temporary name beside it, fsync, rename, folder fsync.
// Throws Error(disk) naming the path and the system's reason; `path` is then as before.
void write_safetensors(const std::string& path, const TensorFile& file);

// Reads a file of F32 tensors. Throws Error(data) when missing, Error(corrupt) when it
// is no whole safetensors file: header length, JSON, dtype other than F32, offsets that
// overlap, leave gaps or leave the file, sizes that do not match shapes or overflow.
[[nodiscard]] TensorFile read_safetensors(const std::string& path);

}  // namespace batchlab
