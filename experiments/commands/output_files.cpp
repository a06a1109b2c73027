// SPDX-License-Identifier: MIT
#include "experiments/commands/output_files.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <string_view>

#include "controllers/error.hpp"
#include "results/run_store.hpp"

namespace batchlab {

namespace {

namespace fs = std::filesystem;

// A word as a shell takes it.
std::string quoted(const std::string& word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
  if (!word.empty() && word.find_first_not_of(plain) == word.npos) return word;
  std::string text = "'";
  for (const char letter : word) {
    text += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  }
  return text + "'";
}

void make_folder(const fs::path& folder) {
  std::error_code problem;
  if (!folder.empty()) fs::create_directories(folder, problem);
  if (!problem) return;
  throw Error(ErrorKind::disk, fmt::format("{}: cannot make this folder: {}",
                                           folder.string(), problem.message()));
}

}  // namespace

void write_output(const std::string& command, const std::string& path,
                  const std::string& text) {
  if (path.empty()) return;
  make_folder(fs::path(path).parent_path());
  if (fs::is_directory(path)) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: {} is a folder, a file is needed", command, path));
  }
  write_text(path, text);
}

void write_figures(const std::string& command, const std::string& folder,
                   const std::vector<ReportFigure>& figures) {
  if (folder.empty()) return;
  for (const ReportFigure& figure : figures) {
    write_output(command, (fs::path(folder) / (figure.name + ".svg")).string(),
                 figure.svg);
  }
}

std::string command_text(const std::string& command,
                         const std::vector<std::string>& arguments) {
  std::string text = "batchlab " + command;
  for (const std::string& word : arguments) text += ' ' + quoted(word);
  return text;
}

}  // namespace batchlab
