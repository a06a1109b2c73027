// SPDX-License-Identifier: MIT
#include "results/event_file.hpp"

#include <gtest/gtest.h>

namespace batchlab::test::event_file_test {

TEST(EventFile, TheChecksumIsThatOfRfc3720) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
}

// 0x8a9136aa: its upper 17 bits 0x11522, its lower 15 bits 0x36aa. Rotated by 15:
// 0x36aa << 17 | 0x11522 = 0x6d551522; + 0xa282ead8 = 0x10fd7fffa, of which 32 bits
// stay.
TEST(EventFile, TheMaskRotatesBy15AndAdds) {
  EXPECT_EQ(masked_crc32c(std::string(32, '\0')), 0x0fd7fffaU);
}

// As every event file that TensorFlow writes: 24 bytes follow.
TEST(EventFile, BeginsAsAnyEventFile) {
  const std::string record = version_record(0);
  EXPECT_EQ(record.substr(0, 12), std::string("\x18\0\0\0\0\0\0\0\xa3\x7fK\"", 12));
  EXPECT_EQ(record.substr(12, 24), std::string("\x09\0\0\0\0\0\0\0\0\x1a\x0d"
                                               "brain.Event:2",
                                               24));
  EXPECT_EQ(record.size(), 12U + 24 + 4);
}

// 300 = 2 * 128 + 44: bytes 0x80 | 44 = 0xac and 2. 2.0 in single precision:
// 0x40000000. The value: 2 + 1 bytes of tag, 1 + 4 of the number; 2 more around it.
TEST(EventFile, AValueIsAProtocolBuffer) {
  const Scalar scalar{"a", 2.0};
  const std::string record = scalars_record(0, 300, {&scalar, 1});
  const std::string value("\x0a\x01\x61\x15\0\0\0\x40", 8);
  std::string event("\x09\0\0\0\0\0\0\0\0\x10\xac\x02\x2a\x0a\x0a\x08", 16);
  event += value;
  EXPECT_EQ(record.substr(12, event.size()), event);
  EXPECT_EQ(record.size(), 12 + event.size() + 4);
}

}  // namespace batchlab::test::event_file_test
