// What an ELF file says about itself, read with bounds checks and without mapping or running any of
// it. Pure but for reading the given source; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "result.h"

namespace openclaw::plugin {

// Random access to the bytes of a file.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  // All of `out` or false.
  virtual bool read(std::uint64_t offset, std::span<std::byte> out) const = 0;
};

// Borrows the descriptor.
class DescriptorSource final : public ByteSource {
 public:
  explicit DescriptorSource(int fd);
  std::uint64_t size() const override { return size_; }
  bool read(std::uint64_t offset, std::span<std::byte> out) const override;

 private:
  int fd_;
  std::uint64_t size_ = 0;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  bool read(std::uint64_t offset, std::span<std::byte> out) const override;

 private:
  std::span<const std::byte> bytes_;
};

struct ElfFacts {
  // The note `.note.openclaw`.
  bool has_note = false;
  std::uint16_t note_abi_major = 0, note_abi_minor = 0;
  std::string note_id;
  // Defined dynamic symbols, at most a few thousand; a good plugin has one.
  std::vector<std::string> exports;
  // The head of openclaw_plugin_v1, as it lies in the file.
  bool has_entry = false;
  std::uint32_t entry_magic = 0, entry_size = 0;
  std::uint16_t entry_abi_major = 0, entry_abi_minor = 0, entry_host_min_minor = 0;
};

// Fails on anything that is not a well-formed 64-bit little-endian shared object of this machine.
// Messages do not name the file; the caller does.
Result<ElfFacts> read_elf(const ByteSource& file);

}  // namespace openclaw::plugin
