// SPDX-License-Identifier: MIT
#include "nn/safetensors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>

#include "controllers/error.hpp"

namespace batchlab::safetensors_test {

using testing::ElementsAre;
using testing::HasSubstr;

std::string repeated(const std::string& text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

class Safetensors : public testing::Test {
 protected:
  Safetensors() {
    std::string pattern = testing::TempDir() + "batchlab-safetensors-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    path_ = folder_ + "/tensors.safetensors";
  }
  ~Safetensors() override { std::filesystem::remove_all(folder_); }

  void write_bytes(const std::string& content) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
  }

  void write_raw(const std::string& header, std::size_t data_bytes) const {
    const std::uint64_t bytes = header.size();
    std::string content(sizeof(bytes), '\0');
    std::memcpy(content.data(), &bytes, sizeof(bytes));
    write_bytes(content + header + std::string(data_bytes, '\0'));
  }

  [[nodiscard]] std::string content() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  [[nodiscard]] std::optional<ErrorKind> kind_of_refusal() const {
    try {
      (void)read_safetensors(path_);
    } catch (const Error& error) {
      message_ = error.what();
      return error.kind();
    }
    return std::nullopt;
  }

  void expect_corrupt(const std::string& header, std::size_t data_bytes) const {
    write_raw(header, data_bytes);
    const std::string shown = header.substr(0, 200);
    EXPECT_EQ(kind_of_refusal(), ErrorKind::corrupt) << shown;
    EXPECT_THAT(message_, HasSubstr(path_)) << shown;
    EXPECT_LT(message_.size(), 500U);
  }

  [[nodiscard]] std::size_t files_in_folder() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_),
                      std::filesystem::directory_iterator()));
  }

  std::string folder_, path_;
  mutable std::string message_;
};

TensorFile example() {
  return {{{"weights", {2, 3}, {1, 2, 3, 4, 5, 6}}, {"bias", {1}, {-0.5F}}},
          {{"step", "17"}, {"note", "\"quoted\"\n"}}};
}

TEST_F(Safetensors, AreReadBackAsWritten) {
  write_safetensors(path_, example());
  const TensorFile found = read_safetensors(path_);
  EXPECT_EQ(found.metadata, example().metadata);
  ASSERT_EQ(found.tensors.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(found.tensors[i].name, example().tensors[i].name);
    EXPECT_EQ(found.tensors[i].shape, example().tensors[i].shape);
    EXPECT_EQ(found.tensors[i].values, example().tensors[i].values);
  }
}

TEST_F(Safetensors, KeepEveryBit) {
  std::vector<float> values = {-0.0F, std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::denorm_min()};
  for (const std::uint32_t bits : {0x7fc00001U, 0xffc12345U, 0x7f800001U}) {  // NaNs
    float value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    values.push_back(value);
  }
  write_safetensors(path_, {{{"x", {6}, values}}, {}});
  const std::vector<float> found = read_safetensors(path_).tensors.at(0).values;
  ASSERT_EQ(found.size(), values.size());
  EXPECT_EQ(std::memcmp(found.data(), values.data(), 6 * sizeof(float)), 0);
}

TEST_F(Safetensors, KeepTheOrderOfEmptyTensorsAndScalars) {
  const TensorFile file = {{{"z", {0}, {}},
                            {"b", {}, {3}},
                            {"y", {2, 0}, {}},
                            {"a", {0}, {}},
                            {"c", {1}, {4}}},
                           {}};
  write_safetensors(path_, file);
  std::vector<std::string> names;
  for (const NamedTensor& tensor : read_safetensors(path_).tensors) {
    names.push_back(tensor.name);
  }
  EXPECT_THAT(names, ElementsAre("z", "b", "y", "a", "c"));
  EXPECT_THAT(read_safetensors(path_).tensors[1].values, ElementsAre(3.0F));
  EXPECT_TRUE(read_safetensors(path_).tensors[1].shape.empty());
}

TEST_F(Safetensors, MayHoldNothing) {
  write_safetensors(path_, {});
  EXPECT_TRUE(read_safetensors(path_).tensors.empty());
  EXPECT_TRUE(read_safetensors(path_).metadata.empty());
}

// The layout that other programs expect, byte by byte.
TEST_F(Safetensors, HaveTheDocumentedLayout) {
  write_safetensors(path_, {{{"a", {1}, {1.0F}}}, {}});
  std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  ASSERT_EQ(header.size(), 54U);
  header += "  ";  // to 56, a multiple of 8
  EXPECT_EQ(content(), std::string("\x38\0\0\0\0\0\0\0", 8) + header +
                           std::string("\0\0\x80\x3f", 4));
}

TEST_F(Safetensors, AreReadInTheOrderOfTheirData) {
  write_raw(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},
                "b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
            8);
  EXPECT_EQ(read_safetensors(path_).tensors.at(0).name, "b");
}

// ---- writing

TEST_F(Safetensors, ReplaceTheFileAndLeaveNoOther) {
  write_bytes("something older");
  write_safetensors(path_, example());
  write_safetensors(path_, example());
  EXPECT_EQ(read_safetensors(path_).tensors.size(), 2U);
  EXPECT_EQ(files_in_folder(), 1U);
}

TEST_F(Safetensors, AreWrittenIntoTheCurrentFolderByABareName) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  write_safetensors("bare", example());
  std::filesystem::current_path(before);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/bare"));
}

ErrorKind kind_of_failed_write(const std::string& path, const TensorFile& file) {
  try {
    write_safetensors(path, file);
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(path + ": "));
    return error.kind();
  }
  ADD_FAILURE() << "written after all";
  return ErrorKind::failed;
}

TEST_F(Safetensors, SayWhyTheyCannotBeWritten) {
  EXPECT_EQ(kind_of_failed_write(folder_ + "/none/x", example()), ErrorKind::disk);
  EXPECT_EQ(kind_of_failed_write(folder_, example()), ErrorKind::disk);
  std::filesystem::create_directory(path_);
  EXPECT_EQ(kind_of_failed_write(path_, example()), ErrorKind::disk);
  EXPECT_EQ(files_in_folder(), 1U);
}

// A limit on the size of files stands for a full disk.
TEST_F(Safetensors, LeaveTheOldFileWhenTheDiskIsFull) {
  write_safetensors(path_, example());
  const std::string before = content();
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{100'000, limit.rlim_max};
  const auto previous_handler = signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const TensorFile large{{{"x", {50'000}, std::vector<float>(50'000)}}, {}};
  const ErrorKind kind = kind_of_failed_write(path_, large);
  setrlimit(RLIMIT_FSIZE, &limit);
  signal(SIGXFSZ, previous_handler);
  EXPECT_EQ(kind, ErrorKind::disk);
  EXPECT_EQ(content(), before);
  EXPECT_EQ(files_in_folder(), 1U);
}

TEST_F(Safetensors, RefuseTextThatIsNotUtf8) {
  EXPECT_EQ(kind_of_failed_write(path_, {{}, {{"note", "\xff"}}}), ErrorKind::failed);
  EXPECT_EQ(files_in_folder(), 0U);
}

// ---- reading what is not whole

TEST_F(Safetensors, SayThatAFileIsMissing) {
  EXPECT_EQ(kind_of_refusal(), ErrorKind::data);
  EXPECT_THAT(message_, HasSubstr("no such file"));
  path_ = folder_;
  EXPECT_EQ(kind_of_refusal(), ErrorKind::data);
}

TEST_F(Safetensors, AreRefusedWithABadHeaderLength) {
  write_safetensors(path_, example());
  const std::string whole = content();
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{whole.size() - 7},
        std::uint64_t{100'000'001}, ~std::uint64_t{0}, ~std::uint64_t{0} - 7}) {
    std::string damaged = whole;
    std::memcpy(damaged.data(), &length, sizeof(length));
    write_bytes(damaged);
    EXPECT_EQ(kind_of_refusal(), ErrorKind::corrupt) << length;
  }
}

TEST_F(Safetensors, AreRefusedWithAHeaderThatIsNoJsonObject) {
  for (const std::string header :
       {"", "[]", "null", "{", "{}x", " {}", "{\"a\":}", "{\"a\":1e999}",
        "{\"\xff\":1}", "{\"__metadata__\":1}", "{\"__metadata__\":{\"a\":1}}"}) {
    expect_corrupt(header, 0);
  }
  expect_corrupt(std::string("{}\0{}", 5), 0);
}

TEST_F(Safetensors, AreRefusedWithAHeaderNestedDeeply) {
  expect_corrupt("{\"a\":" + repeated("[", 100'000), 0);
  expect_corrupt("{\"a\":" + repeated("[", 100'000) + repeated("]", 100'000) + "}", 0);
  expect_corrupt(repeated("{\"a\":", 100'000) + "1" + repeated("}", 100'000), 0);
  EXPECT_THAT(message_, HasSubstr("nested"));
}

TEST_F(Safetensors, AreRefusedWithBadTensorEntries) {
  for (const std::string entry : {
           R"(1)",
           R"([])",
           R"({})",
           R"({"dtype":"F32","shape":[1]})",
           R"({"dtype":"F32","data_offsets":[0,4]})",
           R"({"shape":[1],"data_offsets":[0,4]})",
           R"({"dtype":"F16","shape":[2],"data_offsets":[0,4]})",
           R"({"dtype":4,"shape":[1],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":1,"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":["1"],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[1],"data_offsets":[0]})",
           R"({"dtype":"F32","shape":[1],"data_offsets":[0,4,4]})",
           R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})",
           R"({"dtype":"F32","shape":[1],"data_offsets":[0,8]})",
           R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]})",
       }) {
    expect_corrupt("{\"a\":" + entry + "}", 4);
  }
  write_raw(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4);
  EXPECT_EQ(kind_of_refusal(), std::nullopt);  // the rival that is right
}

// 2^62 x 4 bytes and 2^32 x 2^32 wrap to the zero bytes there are; 2^64 does not fit.
TEST_F(Safetensors, AreRefusedWithSizesThatOverflow) {
  for (const std::string shape :
       {"4611686018427387904", "4294967296,4294967296", "18446744073709551616"}) {
    expect_corrupt(
        R"({"a":{"dtype":"F32","data_offsets":[0,0],"shape":[)" + shape + "]}}", 0);
  }
}

std::string two_tensors(const std::string& first_offsets,
                        const std::string& second_offsets,
                        const std::string& second_name = "b") {
  return R"({"a":{"dtype":"F32","shape":[1],"data_offsets":)" + first_offsets +
         R"(},")" + second_name + R"(":{"dtype":"F32","shape":[1],"data_offsets":)" +
         second_offsets + "}}";
}

TEST_F(Safetensors, AreRefusedWithOffsetsThatDoNotCoverTheData) {
  write_raw(two_tensors("[0,4]", "[4,8]"), 8);
  EXPECT_EQ(kind_of_refusal(), std::nullopt);
  expect_corrupt(two_tensors("[0,4]", "[0,4]"), 4);    // overlap
  expect_corrupt(two_tensors("[0,4]", "[2,6]"), 6);    // overlap in part
  expect_corrupt(two_tensors("[0,4]", "[8,12]"), 12);  // gap
  expect_corrupt(two_tensors("[4,8]", "[8,12]"), 12);  // gap at the beginning
  expect_corrupt(two_tensors("[0,4]", "[4,8]"), 12);   // bytes left over
  expect_corrupt(two_tensors("[0,4]", "[4,8]"), 7);    // leaves the file
  expect_corrupt(two_tensors("[0,4]", "[4,8]"), 0);
}

TEST_F(Safetensors, AreRefusedWithANameGivenTwice) {
  expect_corrupt(two_tensors("[0,4]", "[4,8]", "a"), 8);
  EXPECT_THAT(message_, HasSubstr("\"a\" occurs twice"));
  expect_corrupt(two_tensors("[0,4]", "[4,8]", "\\u0061"), 8);
  expect_corrupt(R"({"__metadata__":{},"__metadata__":{}})", 0);
  expect_corrupt(R"({"__metadata__":{"x":"1","x":"2"}})", 0);
}

TEST_F(Safetensors, AreRefusedWhenCutShortAtAnyLength) {
  write_safetensors(path_, example());
  const std::string whole = content();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write_bytes(whole.substr(0, length));
    ASSERT_EQ(kind_of_refusal(), ErrorKind::corrupt) << length;
  }
}

TEST_F(Safetensors, AreReadOrRefusedWithAnyByteChanged) {
  write_safetensors(path_, example());
  const std::string whole = content();
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int change : {0x01, 0x02, 0x10, 0x20, 0x80, 0xff, int{whole[at]}}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      write_bytes(damaged);
      const std::optional<ErrorKind> kind = kind_of_refusal();
      ASSERT_TRUE(!kind || kind == ErrorKind::corrupt) << at << " " << change;
      refused += kind.has_value() ? 1 : 0;
    }
  }
  EXPECT_GT(refused, 500);
}

}  // namespace batchlab::safetensors_test
