#include "plugin/elf_file.h"

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include <openclaw/plugin.h>

namespace openclaw::plugin {
namespace {

// Bounds far above what a real plugin has; a file beyond them is refused, not scanned.
constexpr std::uint64_t kMaxProgramHeaders = 128;
constexpr std::uint64_t kMaxNoteBytes = 64 * 1024;
constexpr std::uint64_t kMaxDynamicEntries = 1024;
constexpr std::uint64_t kMaxSymbols = 64 * 1024;
constexpr std::uint64_t kMaxStringBytes = 8 * 1024 * 1024;
constexpr std::size_t kMaxExports = 4096;
constexpr std::size_t kMaxNameBytes = 512;

#if defined(__x86_64__)
constexpr std::uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t kMachine = EM_AARCH64;
#else
#error "the plugin ABI is defined for 64-bit little-endian Linux"
#endif

Error broken(std::string what) {
  return make_error(Code::kInvalidArgument, "not a loadable library: " + std::move(what));
}

// Reads structures at file offsets and at virtual addresses.
class Reader {
 public:
  explicit Reader(const ByteSource& file) : file_(file) {}

  template <class T>
  bool at(std::uint64_t offset, T& out) const {
    static_assert(std::is_trivially_copyable_v<T>);
    return file_.read(offset, std::as_writable_bytes(std::span<T, 1>(&out, 1)));
  }
  // `count` values of T, already bounded by the caller.
  template <class T>
  bool array(std::uint64_t offset, std::uint64_t count, std::vector<T>& out) const {
    if (offset > file_.size() || count > (file_.size() - offset) / sizeof(T)) return false;
    out.resize(static_cast<std::size_t>(count));
    return file_.read(offset, std::as_writable_bytes(std::span<T>(out)));
  }
  Result<void> load_headers();
  const std::vector<Elf64_Phdr>& headers() const { return headers_; }
  // Where the `length` bytes at virtual address `address` lie in the file; false when they do not.
  bool offset_of(std::uint64_t address, std::uint64_t length, std::uint64_t& offset) const;

 private:
  const ByteSource& file_;
  std::vector<Elf64_Phdr> headers_;
};

Result<void> Reader::load_headers() {
  Elf64_Ehdr head{};
  if (!at(0, head)) return broken("the file is shorter than an ELF header");
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
    return broken("it does not begin as an ELF file");
  if (head.e_ident[EI_CLASS] != ELFCLASS64) return broken("it is not 64-bit");
  if (head.e_ident[EI_DATA] != ELFDATA2LSB) return broken("it is not little-endian");
  if (head.e_machine != kMachine) {
    return broken("it is for another machine (ELF machine " + std::to_string(head.e_machine) +
                  ", here " + std::to_string(kMachine) + ")");
  }
  if (head.e_type != ET_DYN) return broken("it is not a shared object");
  if (head.e_phentsize != sizeof(Elf64_Phdr) || head.e_phnum == 0 ||
      head.e_phnum > kMaxProgramHeaders || !array(head.e_phoff, head.e_phnum, headers_)) {
    return broken("its program headers are truncated or malformed");
  }
  for (const auto& header : headers_) {
    if (header.p_type != PT_LOAD && header.p_type != PT_NOTE && header.p_type != PT_DYNAMIC)
      continue;
    if (header.p_offset > file_.size() || header.p_filesz > file_.size() - header.p_offset) {
      return broken("it is truncated: a segment ends after the end of the file");
    }
  }
  return {};
}

bool Reader::offset_of(std::uint64_t address, std::uint64_t length, std::uint64_t& offset) const {
  for (const auto& header : headers_) {
    if (header.p_type != PT_LOAD || address < header.p_vaddr) continue;
    const std::uint64_t inside = address - header.p_vaddr;
    if (inside <= header.p_filesz && length <= header.p_filesz - inside) {
      offset = header.p_offset + inside;
      return true;
    }
  }
  return false;
}

// Up to the first NUL, printable ASCII only: ids and symbol names end up in messages.
std::string text_of(const char* data, std::size_t limit) {
  std::string text(data, strnlen(data, limit));
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return text;
}

Result<void> read_note_segment(const Reader& reader, const Elf64_Phdr& segment, ElfFacts& facts) {
  if (segment.p_filesz > kMaxNoteBytes) return broken("a note segment is larger than 64 KiB");
  std::vector<std::byte> bytes;
  if (!reader.array(segment.p_offset, segment.p_filesz, bytes))
    return broken("a note segment is truncated");
  // Notes are aligned to 4, ours among them. The GNU property note, aligned to 8, has only sizes that make no
  // difference; and mold puts both kinds into one segment, so that its alignment says nothing.
  constexpr std::uint64_t align = 4;
  std::uint64_t at = 0;
  while (at + sizeof(Elf64_Nhdr) <= bytes.size()) {
    Elf64_Nhdr head{};
    std::memcpy(&head, bytes.data() + at, sizeof head);
    const std::uint64_t name = at + sizeof head;
    const std::uint64_t description = (name + head.n_namesz + align - 1) / align * align;
    const std::uint64_t end = description + head.n_descsz;
    if (end > bytes.size()) return broken("a note is longer than its segment");
    if (head.n_namesz == 9 && std::memcmp(bytes.data() + name, "OpenClaw", 9) == 0 &&
        head.n_type == 1) {
      if (head.n_descsz != 64) return broken("its openclaw note has not 64 bytes");
      if (facts.has_note) return broken("it has more than one openclaw note");
      facts.has_note = true;
      std::memcpy(&facts.note_abi_major, bytes.data() + description, 2);
      std::memcpy(&facts.note_abi_minor, bytes.data() + description + 2, 2);
      char id[60];
      std::memcpy(id, bytes.data() + description + 4, sizeof id);
      facts.note_id = text_of(id, sizeof id);
    }
    at = (end + align - 1) / align * align;
  }
  return {};
}

struct DynamicTables {
  std::uint64_t symbols = 0, strings = 0, string_bytes = 0, hash = 0, gnu_hash = 0;
};

Result<DynamicTables> read_dynamic(const Reader& reader) {
  const auto& headers = reader.headers();
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [](const auto& h) { return h.p_type == PT_DYNAMIC; });
  if (found == headers.end()) return broken("it has no dynamic section");
  std::vector<Elf64_Dyn> entries;
  const std::uint64_t count = found->p_filesz / sizeof(Elf64_Dyn);
  if (count > kMaxDynamicEntries || !reader.array(found->p_offset, count, entries)) {
    return broken("its dynamic section is malformed");
  }
  DynamicTables tables;
  std::uint64_t symbol_size = 0;
  for (const auto& entry : entries) {
    if (entry.d_tag == DT_NULL) break;
    if (entry.d_tag == DT_SYMTAB) tables.symbols = entry.d_un.d_ptr;
    if (entry.d_tag == DT_STRTAB) tables.strings = entry.d_un.d_ptr;
    if (entry.d_tag == DT_STRSZ) tables.string_bytes = entry.d_un.d_val;
    if (entry.d_tag == DT_SYMENT) symbol_size = entry.d_un.d_val;
    if (entry.d_tag == DT_HASH) tables.hash = entry.d_un.d_ptr;
    if (entry.d_tag == DT_GNU_HASH) tables.gnu_hash = entry.d_un.d_ptr;
  }
  if (tables.symbols == 0 || tables.strings == 0 || symbol_size != sizeof(Elf64_Sym) ||
      tables.string_bytes > kMaxStringBytes) {
    return broken("its dynamic section names no usable symbol table");
  }
  return tables;
}

// The dynamic section does not say how many symbols there are; the hash tables do.
Result<std::uint64_t> count_by_gnu_hash(const Reader& reader, std::uint64_t address) {
  struct Head {
    std::uint32_t buckets, first, bloom_words, shift;
  } head{};
  std::uint64_t at = 0;
  if (!reader.offset_of(address, sizeof head, at) || !reader.at(at, head) ||
      head.buckets > kMaxSymbols || head.bloom_words > kMaxSymbols || head.first > kMaxSymbols) {
    return broken("its symbol hash table is malformed");
  }
  const std::uint64_t bucket_at = at + sizeof head + std::uint64_t{head.bloom_words} * 8;
  std::vector<std::uint32_t> buckets;
  if (!reader.array(bucket_at, head.buckets, buckets))
    return broken("its symbol hash table is truncated");
  std::uint64_t last = 0;
  for (std::uint32_t bucket : buckets) last = std::max<std::uint64_t>(last, bucket);
  if (last < head.first) return std::uint64_t{head.first};  // nothing is defined
  const std::uint64_t chains_at = bucket_at + std::uint64_t{head.buckets} * 4;
  for (std::uint64_t i = last; i < kMaxSymbols; ++i) {
    std::uint32_t hash = 0;
    if (!reader.at(chains_at + (i - head.first) * 4, hash))
      return broken("its symbol hash chain is truncated");
    if (hash & 1U) return i + 1;
  }
  return broken("it has more dynamic symbols than a plugin can have");
}

Result<std::uint64_t> count_symbols(const Reader& reader, const DynamicTables& tables) {
  if (tables.gnu_hash != 0) return count_by_gnu_hash(reader, tables.gnu_hash);
  struct Head {
    std::uint32_t buckets, chains;
  } head{};
  std::uint64_t at = 0;
  if (tables.hash == 0 || !reader.offset_of(tables.hash, sizeof head, at) || !reader.at(at, head)) {
    return broken("it has no symbol hash table");
  }
  if (head.chains > kMaxSymbols)
    return broken("it has more dynamic symbols than a plugin can have");
  return std::uint64_t{head.chains};
}

Result<void> read_entry(const Reader& reader, const Elf64_Sym& symbol, ElfFacts& facts) {
  oc_plugin_entry entry{};
  constexpr std::uint64_t kHead = offsetof(oc_plugin_entry, manifest_json);
  std::uint64_t at = 0;
  std::vector<std::byte> bytes;
  if (symbol.st_size < kHead || !reader.offset_of(symbol.st_value, kHead, at) ||
      !reader.array(at, kHead, bytes)) {
    return broken("openclaw_plugin_v1 is no constant in the file");
  }
  std::memcpy(&entry, bytes.data(), kHead);
  facts.has_entry = true;
  facts.entry_magic = entry.magic;
  facts.entry_size = entry.struct_size;
  facts.entry_abi_major = entry.abi_major;
  facts.entry_abi_minor = entry.abi_minor;
  facts.entry_host_min_minor = entry.host_min_minor;
  return {};
}

Result<void> read_symbols(const Reader& reader, ElfFacts& facts) {
  auto tables = read_dynamic(reader);
  if (!tables) return tables.error();
  auto count = count_symbols(reader, *tables);
  if (!count) return count.error();
  std::uint64_t symbols_at = 0, strings_at = 0;
  std::vector<Elf64_Sym> symbols;
  std::vector<char> strings;
  if (!reader.offset_of(tables->symbols, *count * sizeof(Elf64_Sym), symbols_at) ||
      !reader.array(symbols_at, *count, symbols) ||
      !reader.offset_of(tables->strings, tables->string_bytes, strings_at) ||
      !reader.array(strings_at, tables->string_bytes, strings)) {
    return broken("its dynamic symbols are truncated");
  }
  for (const auto& symbol : symbols) {
    const auto binding = ELF64_ST_BIND(symbol.st_info);
    if (symbol.st_shndx == SHN_UNDEF || binding == STB_LOCAL || symbol.st_name >= strings.size())
      continue;
    if (facts.exports.size() >= kMaxExports) break;
    const std::size_t left = strings.size() - symbol.st_name;
    std::string name = text_of(strings.data() + symbol.st_name, std::min(left, kMaxNameBytes));
    if (name == "openclaw_plugin_v1" && !facts.has_entry) {
      if (auto read = read_entry(reader, symbol, facts); !read) return read.error();
    }
    facts.exports.push_back(std::move(name));
  }
  return {};
}

}  // namespace

DescriptorSource::DescriptorSource(int fd) : fd_(fd) {
  struct stat info {};
  if (fstat(fd, &info) == 0 && info.st_size > 0) size_ = static_cast<std::uint64_t>(info.st_size);
}

bool DescriptorSource::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset > size_ || out.size() > size_ - offset) return false;
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n =
        pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

bool MemorySource::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset > bytes_.size() || out.size() > bytes_.size() - offset) return false;
  if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
  return true;
}

Result<ElfFacts> read_elf(const ByteSource& file) {
  Reader reader(file);
  if (auto loaded = reader.load_headers(); !loaded) return loaded.error();
  ElfFacts facts;
  for (const auto& header : reader.headers()) {
    if (header.p_type != PT_NOTE) continue;
    if (auto note = read_note_segment(reader, header, facts); !note) return note.error();
  }
  if (auto symbols = read_symbols(reader, facts); !symbols) return symbols.error();
  return facts;
}

}  // namespace openclaw::plugin
