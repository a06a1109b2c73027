// SPDX-License-Identifier: MIT
//
// Text is escaped once, here, when it becomes markup or script.
#include "results/report_text.hpp"

#include <fmt/format.h>

#include <cmath>

namespace batchlab {
namespace {

// How many bytes the character at the start of `text` has; 0 where it is not UTF-8.
std::size_t character_bytes(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0U) != 0x80) return 0;
  }
  const unsigned second = at(1);  // overlong forms, surrogates, beyond U+10FFFF
  if (first == 0xe0 && second < 0xa0) return 0;
  if (first == 0xed && second > 0x9f) return 0;
  if (first == 0xf0 && second < 0x90) return 0;
  if (first == 0xf4 && second > 0x8f) return 0;
  return length;
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  const auto second = static_cast<unsigned char>(character[1]);
  return first == 0xc2 && second < 0xa0;  // U+0080 to U+009F
}

// U+FFFE and U+FFFF, which XML forbids.
bool is_noncharacter(std::string_view character) {
  return character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf";
}

}  // namespace

std::string clean_text(std::string_view text, std::size_t limit) {
  std::string clean;
  while (!text.empty()) {
    if (clean.size() >= limit) return clean + "\u2026";
    const std::size_t length = character_bytes(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(1, length));
    if (length == 0 || is_noncharacter(character)) {
      clean += "\ufffd";
    } else if (is_control(character)) {
      clean += fmt::format("\\x{:02x}", static_cast<unsigned char>(character.back()));
    } else {
      clean += character;
    }
    text.remove_prefix(character.size());
  }
  return clean;
}

std::string markup_text(std::string_view text, std::size_t limit) {
  std::string markup;
  for (const char letter : clean_text(text, limit)) {
    switch (letter) {
      case '&':
        markup += "&amp;";
        break;
      case '<':
        markup += "&lt;";
        break;
      case '>':
        markup += "&gt;";
        break;
      case '"':
        markup += "&quot;";
        break;
      case '\'':
        markup += "&#39;";
        break;
      default:
        markup.push_back(letter);
    }
  }
  return markup;
}

std::string isolated(std::string_view text, std::size_t limit) {
  return "<bdi>" + markup_text(text, limit) + "</bdi>";
}

std::string script_json(const nlohmann::json& value) {
  constexpr auto replace = nlohmann::json::error_handler_t::replace;
  std::string safe;
  for (const char letter : value.dump(-1, ' ', true, replace)) {
    if (letter == '<' || letter == '>' || letter == '&') {
      safe += fmt::format("\\u{:04x}", static_cast<unsigned>(letter));
    } else {
      safe.push_back(letter);
    }
  }
  return safe;
}

std::string figure_text(double value) {
  if (!std::isfinite(value)) return fmt::format("{}", value);
  const double size = std::abs(value);
  if (size != 0 && (size < 1e-4 || size >= 1e15)) return fmt::format("{:.4g}", value);
  if (size >= 1000) {
    std::string digits = fmt::format("{:.0f}", value);
    const std::ptrdiff_t first = value < 0 ? 1 : 0;
    for (auto i = std::ptrdiff_t(digits.size()) - 3; i > first; i -= 3) {
      digits.insert(digits.begin() + i, ',');
    }
    return digits;
  }
  return fmt::format("{:.4g}", value);
}

std::string chart_number(double value) {
  if (!std::isfinite(value)) return "null";
  if (std::abs(value) < 1e15 && value == std::trunc(value)) {
    return fmt::format("{:.0f}", value + 0.0);
  }
  return fmt::format("{:.5g}", value);
}

std::string markdown_text(std::string_view text, std::size_t limit) {
  std::string safe;
  for (const char letter : clean_text(text, limit)) {
    if (std::string_view("\\|`*_[<#").find(letter) != std::string_view::npos)
      safe += '\\';
    safe += letter;
  }
  return safe;
}

std::string file_part(std::string_view text) {
  std::string part;
  for (const char letter : text.substr(0, 60)) {
    const bool plain = (letter >= 'a' && letter <= 'z') ||
                       (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') || letter == '_';
    part += plain ? letter : '-';
  }
  return part;
}

HtmlTable::HtmlTable(std::string_view caption, const std::vector<std::string>& heads)
    : columns_(heads.size()) {
  html_ = fmt::format(
      "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{0}\">"
      "<table><caption><span>{0}</span></caption>\n<thead><tr>",
      markup_text(caption, 300));
  for (const std::string& head : heads) {
    html_ += "<th scope=\"col\">" + head + "</th>";
  }
  html_ += "</tr></thead>\n<tbody>\n";
}

void HtmlTable::row(const std::vector<std::string>& cells) {
  html_ += "<tr><th scope=\"row\">" + cells.front() + "</th>";
  for (std::size_t i = 1; i < cells.size(); ++i) html_ += "<td>" + cells[i] + "</td>";
  html_ += "</tr>\n";
}

void HtmlTable::group(std::string_view name) {
  html_ += fmt::format(
      "</tbody>\n<tbody><tr class=\"group\"><th scope=\"rowgroup\" colspan=\"{}\">{}"
      "</th></tr>\n",
      columns_, markup_text(name));
}

std::string HtmlTable::html() const { return html_ + "</tbody></table></div>\n"; }

}  // namespace batchlab
