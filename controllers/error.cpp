// SPDX-License-Identifier: MIT
#include "controllers/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <numeric>

namespace batchlab {
namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return lower;
}

// Damerau's distance (insert, delete, replace, swap neighbours), whatever the case.
std::size_t edit_distance(std::string_view left, std::string_view right) {
  const std::string a = lower_case(left), b = lower_case(right);
  std::vector<std::size_t> before_last, last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = last;
    last = row;
  }
  return last.back();
}

// The first of `known` that `name`, without leading dashes, is a part of.
const std::string* containing(std::string_view name,
                              std::span<const std::string> known) {
  name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
  if (name.size() < 3) return nullptr;
  const auto found =
      std::find_if(known.begin(), known.end(), [&](const std::string& candidate) {
        return candidate.find(name) != std::string::npos;
      });
  return found == known.end() ? nullptr : &*found;
}

// The closest of `known` if a third of the letters or fewer are wrong, else one that
// contains the name, else nullptr.
const std::string* closest(std::string_view name, std::span<const std::string> known) {
  const std::string* best = nullptr;
  std::size_t best_distance = 0;
  for (const std::string& candidate : known) {
    const std::size_t shorter = std::min(name.size(), candidate.size());
    const std::size_t longer = std::max(name.size(), candidate.size());
    const std::size_t most = std::max<std::size_t>(1, longer / 3);
    if (longer - shorter > most) continue;  // also keeps huge names cheap
    const std::size_t distance = edit_distance(name, candidate);
    if (distance > most || distance >= longer) continue;
    if (best == nullptr || distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best != nullptr ? best : containing(name, known);
}

// Whether three bytes of UTF-8 are a mark that turns the direction of what follows:
// U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069.
bool turns_direction(unsigned char first, unsigned char second, unsigned char third) {
  if (first != 0xe2) return false;
  if (second == 0x81) return third >= 0xa6 && third <= 0xa9;
  return second == 0x80 &&
         (third == 0x8e || third == 0x8f || (third >= 0xaa && third <= 0xae));
}

// Bytes of the printable character that `text` starts with; 0 for a control character
// (also those of U+0080 to U+009F, which terminals obey, and those that turn the
// direction of text) and for malformed UTF-8.
std::size_t printable_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const std::size_t length = first >= 0xf0   ? 4
                             : first >= 0xe0 ? 3
                             : first >= 0xc2 ? 2
                                             : 0;
  if (length == 0 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (first == 0xc2 && byte(1) < 0xa0) return 0;
  const bool overlong =
      (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool out_of_range =
      (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  const bool turns = length == 3 && turns_direction(first, byte(1), byte(2));
  return overlong || out_of_range || turns ? 0 : length;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    const std::string piece =
        length > 0 ? std::string(text.substr(0, length))
                   : fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    if (result.size() + piece.size() > limit) return result + "...";
    result += piece;
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return result;
}

Error unknown_name(std::string_view what, std::string_view name,
                   std::span<const std::string> known) {
  std::string message = fmt::format("unknown {} \"{}\"", what, printable(name));
  if (const std::string* candidate = closest(name, known)) {
    message += fmt::format("; did you mean \"{}\"?", *candidate);
  }
  message += fmt::format(" (known: {})", fmt::join(known, ", "));
  return Error(ErrorKind::usage, message);
}

}  // namespace batchlab
