// SPDX-License-Identifier: MIT
#include "results/report/frame.hpp"

#include <fmt/format.h>

#include "report_assets.hpp"
#include "results/report_text.hpp"
#include "results/sha256.hpp"

namespace batchlab {
namespace {

// Where a debugger would look for the source: nothing is to be looked for.
std::string without_source_map(std::string_view text) {
  for (const std::string_view mark : {"//# sourceMappingURL", "/*# sourceMappingURL"}) {
    text = text.substr(0, text.find(mark));
  }
  return std::string(text);
}

std::string policy(const std::string& style, const std::vector<std::string>& scripts) {
  std::string sources = scripts.empty() ? " 'none'" : "";
  for (const std::string& one : scripts) {
    sources += fmt::format(" '{}'", sha256_source(one));
  }
  return fmt::format(
      "default-src 'none'; script-src{}; style-src '{}'; img-src data:; base-uri "
      "'none'; form-action 'none'",
      sources, sha256_source(style));
}

std::string made_line(const ReportOptions& options) {
  const std::string line = fmt::format(
      "Made by {} at {}.", markup_text(options.made_by), markup_text(options.made_at));
  if (!options.refresh_seconds) return line;
  return fmt::format(
      "<span class=\"live\">Live</span>: runs are going on, and the page loads itself "
      "anew every {} s. {}",
      *options.refresh_seconds, line);
}

std::string refresh(const ReportOptions& options) {
  if (!options.refresh_seconds) return "";
  return fmt::format(
      "<meta name=\"refresh\" content=\"{0}\">\n<noscript><meta "
      "http-equiv=\"refresh\" content=\"{0}\"></noscript>\n",
      *options.refresh_seconds);
}

std::string scripts_html(const PageParts& parts,
                         const std::vector<std::string>& scripts) {
  std::string html;
  if (!parts.data.empty()) {
    html =
        "<script type=\"application/json\" id=\"data\">" + parts.data + "</script>\n";
  }
  for (const std::string& script : scripts) {
    html += "<script>" + script + "</script>\n";
  }
  return html;
}

}  // namespace

std::string filled(std::string_view page,
                   const std::map<std::string, std::string>& values) {
  std::string text;
  while (true) {
    const std::size_t begin = page.find('@');
    if (begin == page.npos) return text.append(page);
    const std::size_t end = page.find('@', begin + 1);
    text.append(page.substr(0, begin));
    text += values.at(std::string(page.substr(begin + 1, end - begin - 1)));
    page.remove_prefix(end + 1);
  }
}

std::string drawings_html(const std::vector<DrawnChart>& charts) {
  std::string html, section;
  for (const DrawnChart& drawn : charts) {
    if (!drawn.in_page) continue;
    if (drawn.section != section) {
      html += fmt::format("{}<section><h2>{}</h2>\n",
                          section.empty() ? "" : "</section>\n", drawn.section);
      section = drawn.section;
    }
    html += fmt::format(
        "<div class=\"drawing\">{}<details><summary class=\"words\">in words</summary>"
        "<p class=\"words\">{}</p></details></div>\n{}",
        to_svg(drawn.chart, ChartUse::in_page), isolated(drawn.words, 4000),
        drawn.below);
  }
  return section.empty() ? "" : html + "</section>\n";
}

std::string command_html(const ReportOptions& options) {
  return "<h2>How this page was made</h2>\n<pre>" + markup_text(options.command, 4000) +
         "</pre>\n";
}

std::string framed_page(const PageParts& parts, const ReportOptions& options) {
  const std::string style =
      without_source_map(parts.library_style) + std::string(report_assets::style);
  std::vector<std::string> scripts;
  for (const std::string& one : parts.scripts) {
    scripts.push_back(without_source_map(one));
  }
  return filled(report_assets::page, {{"POLICY", policy(style, scripts)},
                                      {"REFRESH", refresh(options)},
                                      {"TITLE", markup_text(options.title)},
                                      {"HEADING", isolated(options.title)},
                                      {"STYLE", style},
                                      {"MADE", made_line(options)},
                                      {"MAIN", parts.main},
                                      {"SCRIPTS", scripts_html(parts, scripts)}});
}

}  // namespace batchlab
