// SPDX-License-Identifier: MIT
#include "nn/idx.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <string>

#include "controllers/error.hpp"
#include "experiments/plugins/sanitized.hpp"

namespace batchlab::idx_test {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::string_literals;

// Two rows of three bytes.
const std::string whole =
    "\x00\x00\x08\x02\x00\x00\x00\x02\x00\x00\x00\x03"s + "abcdef";

class ReadIdx : public testing::Test {
 protected:
  ReadIdx() {
    std::string pattern = testing::TempDir() + "batchlab-idx-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~ReadIdx() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& content) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  std::string write_gzip(const std::string& name, const std::string& content) const {
    const std::string path = folder_ + "/" + name;
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    gzclose(file);
    return path;
  }

  static std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // The message of the error, which must be of kind data and begin with the path.
  static std::string refusal(const std::string& path,
                             std::size_t maximum_bytes = 1000) {
    try {
      (void)read_idx(path, maximum_bytes);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
      EXPECT_THAT(error.what(), StartsWith(path + ": "));
      return error.what();
    }
    return "no error";
  }

  std::string folder_;
};

TEST_F(ReadIdx, ReadsPlainFiles) {
  const IdxArray array = read_idx(write("plain", whole));
  EXPECT_THAT(array.shape, ElementsAre(2, 3));
  EXPECT_THAT(array.bytes, ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
}

TEST_F(ReadIdx, ReadsGzipWhateverTheName) {
  for (const char* name : {"array.gz", "array"}) {
    const IdxArray array = read_idx(write_gzip(name, whole));
    EXPECT_THAT(array.shape, ElementsAre(2, 3));
    EXPECT_THAT(array.bytes, ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
  }
}

TEST_F(ReadIdx, ReadsPlainContentUnderTheNameOfGzip) {
  EXPECT_THAT(read_idx(write("plain.gz", whole)).shape, ElementsAre(2, 3));
}

TEST_F(ReadIdx, ReadsMoreThanOneBlock) {
  std::string content = "\x00\x00\x08\x01\x00\x30\x00\x01"s;  // 3 x 2^20 + 1 bytes
  for (int i = 0; i < 0x300001; ++i) content += static_cast<char>(i % 251);
  const IdxArray array = read_idx(write_gzip("large", content));
  ASSERT_EQ(array.bytes.size(), 0x300001U);
  EXPECT_TRUE(std::equal(array.bytes.begin(), array.bytes.end(), content.begin() + 8,
                         [](std::uint8_t byte, char letter) {
                           return byte == static_cast<std::uint8_t>(letter);
                         }));
}

TEST_F(ReadIdx, ReadsAnEmptyArray) {
  const IdxArray array = read_idx(write("empty", "\x00\x00\x08\x01\x00\x00\x00\x00"s));
  EXPECT_THAT(array.shape, ElementsAre(0));
  EXPECT_TRUE(array.bytes.empty());
}

TEST_F(ReadIdx, SaysThatAFileIsMissing) {
  EXPECT_THAT(refusal(folder_ + "/none"), HasSubstr("no such file"));
}

TEST_F(ReadIdx, RefusesAFolder) {
  EXPECT_THAT(refusal(folder_), HasSubstr("directory"));
}

TEST_F(ReadIdx, SaysWhichMagicItFound) {
  EXPECT_THAT(refusal(write("text", "Hello, world")),
              AllOf(HasSubstr("wrong magic"), HasSubstr("48 65 6c 6c")));
  EXPECT_THAT(refusal(write_gzip("text.gz", "Hello, world")), HasSubstr("wrong magic"));
  const std::string floats = "\x00\x00\x0d\x01\x00\x00\x00\x01"s + "abcd";
  EXPECT_THAT(refusal(write("floats", floats)), HasSubstr("00 00 0d 01"));
  EXPECT_THAT(refusal(write("no axes", "\x00\x00\x08\x00z"s)),
              HasSubstr("wrong magic"));
}

TEST_F(ReadIdx, RefusesAFileCutShortAtEveryLength) {
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THAT(refusal(write("cut", whole.substr(0, length))), HasSubstr("truncated"));
  }
  EXPECT_THAT(refusal(write("cut", whole.substr(0, 16))),
              HasSubstr("6 bytes of data expected, 4 found"));
  EXPECT_THAT(refusal(write("cut", whole.substr(0, 7))),
              HasSubstr("8 bytes expected here, 3 found"));
}

TEST_F(ReadIdx, RefusesTrailingBytes) {
  EXPECT_THAT(refusal(write("plain", whole + "g")), HasSubstr("trailing bytes"));
  EXPECT_THAT(refusal(write_gzip("gzip", whole + "g")), HasSubstr("trailing bytes"));
}

TEST_F(ReadIdx, RefusesAGzipCutShortAtEveryLength) {
  const std::string gzip = content_of(write_gzip("whole.gz", whole));
  for (std::size_t length = 2; length < gzip.size(); ++length) {
    EXPECT_THAT(refusal(write("cut.gz", gzip.substr(0, length))), HasSubstr("gzip"));
  }
}

TEST_F(ReadIdx, RefusesAGzipWhoseCrcOrLengthIsWrong) {
  const std::string gzip = content_of(write_gzip("whole.gz", whole));
  for (std::size_t back = 1; back <= 8; ++back) {  // CRC and length: the last 8 bytes
    std::string damaged = gzip;
    damaged[gzip.size() - back] = static_cast<char>(damaged[gzip.size() - back] ^ 1);
    EXPECT_THAT(refusal(write("damaged.gz", damaged)), HasSubstr("damaged gzip"));
  }
}

TEST_F(ReadIdx, RefusesAGzipWithDamagedData) {
  std::string gzip = content_of(write_gzip("whole.gz", whole));
  gzip[12] = static_cast<char>(gzip[12] ^ 0x55);
  EXPECT_NE(refusal(write("damaged.gz", gzip)), "no error");
}

// Not a damaged file: whoever reads that may throw it away.
TEST_F(ReadIdx, ThrowsBadAllocWhereMemoryIsRefused) {
  if (sanitized) GTEST_SKIP() << "a sanitizer needs terabytes of addresses";
  const std::string path = write_gzip("array", whole);
  const auto read_without_memory = [&] {
    const rlimit none{1, 1};
    setrlimit(RLIMIT_AS, &none);
    void* volatile block = nullptr;  // volatile: an unused one may be left out
    do block = std::malloc(std::size_t{1} << 16);
    while (block != nullptr);
    try {
      (void)read_idx(path);
    } catch (const std::bad_alloc&) {
      std::_Exit(0);
    } catch (...) {
    }
    std::_Exit(1);
  };
  EXPECT_EXIT(read_without_memory(), testing::ExitedWithCode(0), "");
}

TEST_F(ReadIdx, RefusesMoreThanTheMaximumButNotTheMaximum) {
  const std::string path = write_gzip("array", whole);
  EXPECT_NO_THROW((void)read_idx(path, 6));
  EXPECT_THAT(refusal(path, 5),
              AllOf(HasSubstr("[2, 3]"), HasSubstr("than the 5 bytes")));
}

TEST_F(ReadIdx, RefusesSizesThatOverflow) {
  std::string header = "\x00\x00\x08\x03"s;
  header.append(12, '\xff');
  EXPECT_THAT(refusal(write("huge", header), ~std::size_t{0}), HasSubstr("more than"));
  header = "\x00\x00\x08\x02\x80\x00\x00\x00\x00\x00\x00\x04"s;  // 2^31 x 4
  EXPECT_THAT(refusal(write("huge", header), std::size_t{1} << 31),
              HasSubstr("more than"));
}

// With 2^62 bytes promised and allowed, only what the file holds may be allocated.
TEST_F(ReadIdx, DoesNotAllocateWhatAHeaderPromises) {
  const std::string header = "\x00\x00\x08\x02\x80\x00\x00\x00\x80\x00\x00\x00"s;
  EXPECT_THAT(refusal(write("promise", header + "abc"), ~std::size_t{0}),
              HasSubstr("4611686018427387904 bytes of data expected, 3 found"));
}

}  // namespace batchlab::idx_test
