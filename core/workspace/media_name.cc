#include "workspace/media_name.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <utility>

#include "utf8.h"

namespace openclaw::workspace {
namespace {

constexpr std::size_t kMaxName = 100;  // of the 255 that a folder takes: room for a mark
constexpr std::size_t kMaxExtension = 16;
constexpr std::size_t kMaxMime = 100;

bool is_plain(unsigned char c) {
  return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == '+' || c == '@';
}

std::uint32_t code_point(std::string_view sequence) {
  static constexpr std::array<unsigned, 5> kLeadBits{0, 0x7F, 0x1F, 0x0F, 0x07};
  std::uint32_t out = static_cast<unsigned char>(sequence[0]) & kLeadBits[sequence.size()];
  for (char c : sequence.substr(1)) out = out << 6 | (static_cast<unsigned char>(c) & 0x3FU);
  return out;
}

// Characters above ASCII that are not seen, turn the writing direction, break lines or stand for
// blanks: a name with them reads as another.
bool deceives(std::uint32_t c) {
  static constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 16> kRanges{
      {{0x80, 0xA0},
       {0xAD, 0xAD},
       {0x034F, 0x034F},
       {0x061C, 0x061C},
       {0x115F, 0x1160},
       {0x1680, 0x1680},
       {0x17B4, 0x17B5},
       {0x180B, 0x180F},
       {0x2000, 0x200F},
       {0x2028, 0x202F},
       {0x205F, 0x206F},
       {0x3000, 0x3000},
       {0xE000, 0xF8FF},
       {0xFE00, 0xFE0F},
       {0xFEFF, 0xFEFF},
       {0xFFF0, 0xFFFF}}};
  // Tags, variation selectors, private use and what is no character.
  return c >= 0xE0000 || std::ranges::any_of(kRanges, [c](const auto& range) {
           return c >= range.first && c <= range.second;
         });
}

std::string readable(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t length = std::max<std::size_t>(utf8_sequence_at(bytes, i), 1);
    const std::string_view sequence = bytes.substr(i, length);
    const bool good = length == 1 ? is_plain(static_cast<unsigned char>(bytes[i]))
                                  : !deceives(code_point(sequence));
    out += good ? sequence : "_";
    i += length;
  }
  return out;
}

// Where the extension starts; the end when there is none.
std::size_t extension_at(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  const bool usable = dot != std::string_view::npos && dot != 0 && name.size() - dot > 1 &&
                      name.size() - dot <= kMaxExtension;
  return usable ? dot : name.size();
}

std::string shortened(std::string name) {
  if (name.size() <= kMaxName) return name;
  const std::string extension = name.substr(extension_at(name));
  std::size_t cut = kMaxName - extension.size();
  while (cut > 0 && (static_cast<unsigned char>(name[cut]) & 0xC0U) == 0x80U) --cut;
  return name.substr(0, cut) + extension;
}

using NamedType = std::pair<std::string_view, std::string_view>;
constexpr std::array<NamedType, 14> kTypes{{{"image/jpeg", ".jpg"},
                                            {"image/png", ".png"},
                                            {"image/gif", ".gif"},
                                            {"image/webp", ".webp"},
                                            {"audio/ogg", ".ogg"},
                                            {"audio/mpeg", ".mp3"},
                                            {"audio/mp4", ".m4a"},
                                            {"audio/wav", ".wav"},
                                            {"video/mp4", ".mp4"},
                                            {"video/webm", ".webm"},
                                            {"application/pdf", ".pdf"},
                                            {"application/json", ".json"},
                                            {"text/csv", ".csv"},
                                            {"text/plain", ".txt"}}};

std::string_view extension_of(std::string_view mime) {
  const auto found = std::ranges::find(kTypes, mime, &NamedType::first);
  return found == kTypes.end() ? std::string_view() : found->second;
}

}  // namespace

std::string harmless_name(std::string_view offered, std::string_view kind, std::string_view mime) {
  if (const std::size_t slash = offered.find_last_of("/\\"); slash != std::string_view::npos)
    offered = offered.substr(slash + 1);
  std::string name = readable(offered.substr(0, 4096));
  // Hidden files, ".." and what a command would take for an option.
  name.erase(0, std::min(name.find_first_not_of("._-"), name.size()));
  name.erase(name.find_last_not_of(".") + 1);
  if (!name.empty()) return shortened(std::move(name));
  std::string base = readable(kind.substr(0, 32));
  std::erase_if(base, [](char c) { return std::isalpha(static_cast<unsigned char>(c)) == 0; });
  return (base.empty() ? "file" : base) + std::string(extension_of(harmless_mime(mime)));
}

std::string marked_name(const std::string& name, std::string_view mark) {
  const std::size_t extension = extension_at(name);
  return name.substr(0, extension) + "-" + std::string(mark) + name.substr(extension);
}

std::string mime_of(std::string_view name) {
  const auto found = std::ranges::find(kTypes, name.substr(extension_at(name)), &NamedType::second);
  return std::string(found == kTypes.end() ? "application/octet-stream" : found->first);
}

std::string harmless_mime(std::string_view offered) {
  std::string out(offered.substr(0, offered.find(';')));
  while (!out.empty() && out.back() == ' ') out.pop_back();
  const bool sound = out.size() <= kMaxMime && std::ranges::count(out, '/') == 1 &&
                     out.front() != '/' && out.back() != '/' &&
                     std::ranges::all_of(out, [](char c) {
                       return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                              std::string_view("/.+-_").find(c) != std::string_view::npos;
                     });
  if (!sound) return {};
  std::ranges::transform(out, out.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return out;
}

}  // namespace openclaw::workspace
