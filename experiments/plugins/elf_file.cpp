// SPDX-License-Identifier: MIT
#include "experiments/plugins/elf_file.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "controllers/error.hpp"

namespace batchlab {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::plugin,
              fmt::format("{}: {}", printable(path.string(), 400), why));
}

// The header of an ELF file of 64 bits; its first bytes alone are of every ELF file.
Elf64_Ehdr header_of(const fs::path& path) {
  if (fs::is_directory(path)) refuse(path, "is a folder; a shared library is expected");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    refuse(path,
           fmt::format("cannot be read: {}", std::generic_category().message(errno)));
  }
  Elf64_Ehdr header{};
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    refuse(path, "is no shared library (an ELF file is expected)");
  }
  if (!file) refuse(path, "is cut short: its header is not complete");
  return header;
}

std::string machine_name(unsigned machine) {
  switch (machine) {
    case EM_386:
      return "x86 of 32 bits";
    case EM_X86_64:
      return "x86-64";
    case EM_ARM:
      return "ARM of 32 bits";
    case EM_AARCH64:
      return "AArch64";
    case EM_PPC64:
      return "PowerPC";
    case EM_RISCV:
      return "RISC-V";
    default:
      return fmt::format("machine {}", machine);
  }
}

// The end of the last part that the loader would map.
std::uint64_t end_of_contents(std::ifstream& file, const Elf64_Ehdr& header) {
  std::uint64_t end = 0;
  file.seekg(static_cast<std::streamoff>(header.e_phoff));
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr part{};
    if (!file.read(reinterpret_cast<char*>(&part), sizeof part)) return UINT64_MAX;
    if (part.p_type != PT_LOAD) continue;
    if (part.p_filesz > UINT64_MAX - part.p_offset) return UINT64_MAX;
    end = std::max(end, part.p_offset + part.p_filesz);
  }
  return end;
}

}  // namespace

void check_shared_library_file(const fs::path& path) {
  const Elf64_Ehdr header = header_of(path);
  const Elf64_Ehdr own = header_of("/proc/self/exe");
  if (header.e_machine != own.e_machine ||
      header.e_ident[EI_CLASS] != own.e_ident[EI_CLASS] ||
      header.e_ident[EI_DATA] != own.e_ident[EI_DATA]) {
    refuse(path,
           fmt::format("is for another kind of machine ({}; this is {}); compile "
                       "it on this one",
                       machine_name(header.e_machine), machine_name(own.e_machine)));
  }
  if (header.e_type != ET_DYN) {
    refuse(path, "is an ELF file but no shared library; link it with -shared");
  }
  std::ifstream file(path, std::ios::binary);
  if (end_of_contents(file, header) > fs::file_size(path)) {
    refuse(path, "is cut short: it ends before what its header announces");
  }
}

}  // namespace batchlab
