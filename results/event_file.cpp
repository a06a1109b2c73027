// SPDX-License-Identifier: MIT
//
// A record, in TensorFlow's TFRecord framing; numbers are little endian:
//
//     length (8 bytes)  masked(length) (4)  data (length)  masked(data) (4)
//     masked(bytes)  =  rotate_right(crc32c(bytes), 15) + 0xa282ead8
//
// The data are a protocol buffer, written by hand: a key is (field << 3) | wire type,
// with wire types 0 (varint), 1 (8 bytes), 2 (length, bytes), 5 (4 bytes).
//
//     Event          wall_time = 1 (double)  step = 2 (int64)
//                    file_version = 3 (string)  summary = 5 (Summary)
//     Summary        value = 1 (Value, repeated)
//     Summary.Value  tag = 1 (string)  simple_value = 2 (float)
//
// TensorFlow: core/lib/io/record_writer.h, core/lib/hash/crc32c.h, and TensorBoard:
// compat/proto/event.proto, summary.proto. CRC-32C: RFC 3720, appendix B.4. Its bytes
// come from Boost.CRC, which needs no further package: Debian 12 has no crc32c library,
// zlib another polynomial.

#include "results/event_file.hpp"

#include <bit>
#include <boost/crc.hpp>

namespace batchlab {
namespace {

enum WireType : unsigned { varint = 0, eight_bytes = 1, delimited = 2, four_bytes = 5 };

template <class Integer>
void add_little_endian(std::string& bytes, Integer value) {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    bytes.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
  }
}

// Seven bits a byte, the lowest first; the eighth says that more follow.
void add_varint(std::string& bytes, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    bytes.push_back(static_cast<char>((value & 0x7f) | 0x80));
  }
  bytes.push_back(static_cast<char>(value));
}

void add_key(std::string& bytes, unsigned field, WireType type) {
  add_varint(bytes, field << 3 | type);
}

void add_text(std::string& bytes, unsigned field, std::string_view text) {
  add_key(bytes, field, delimited);
  add_varint(bytes, text.size());
  bytes.append(text);
}

void add_wall_time(std::string& event, double wall_time) {
  add_key(event, 1, eight_bytes);
  add_little_endian(event, std::bit_cast<std::uint64_t>(wall_time));
}

std::string framed(std::string_view data) {
  std::string record;
  add_little_endian(record, std::uint64_t{data.size()});
  add_little_endian(record, masked_crc32c(record));
  record.append(data);
  add_little_endian(record, masked_crc32c(data));
  return record;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xa282ead8U;
}

std::string version_record(double wall_time) {
  std::string event;
  add_wall_time(event, wall_time);
  add_text(event, 3, "brain.Event:2");
  return framed(event);
}

std::string scalars_record(double wall_time, std::int64_t step,
                           std::span<const Scalar> scalars) {
  std::string summary;
  for (const Scalar& scalar : scalars) {
    std::string value;
    add_text(value, 1, scalar.tag);
    add_key(value, 2, four_bytes);
    add_little_endian(value,
                      std::bit_cast<std::uint32_t>(static_cast<float>(scalar.value)));
    add_text(summary, 1, value);
  }
  std::string event;
  add_wall_time(event, wall_time);
  add_key(event, 2, varint);
  add_varint(event, static_cast<std::uint64_t>(step));
  add_text(event, 5, summary);
  return framed(event);
}

}  // namespace batchlab
