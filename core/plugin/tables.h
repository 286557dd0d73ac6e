// The plugin's tables as the host keeps them: copied once, by min(struct_size, sizeof), zeroed
// beyond; and slots found by name. Pure.
#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <openclaw/browser.h>
#include <openclaw/channel.h>
#include <openclaw/model.h>
#include <openclaw/plugin.h>
#include <openclaw/sandbox.h>
#include <openclaw/tool.h>

namespace openclaw::plugin {

inline std::string_view text_of(oc_str text) noexcept {
  return text.ptr && text.len ? std::string_view(text.ptr, text.len) : std::string_view();
}
inline std::string_view text_of(oc_bytes bytes) noexcept {
  return bytes.ptr && bytes.len
             ? std::string_view(reinterpret_cast<const char*>(bytes.ptr), bytes.len)
             : std::string_view();
}
inline oc_str lend(std::string_view text) noexcept {
  return {text.data(), text.size()};
}
inline oc_bytes lend_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// `table` begins with its size. Absent when null or too short to hold even the size and `reserved`.
template <class Table>
std::optional<Table> copy_table(const void* table) {
  if (!table) return std::nullopt;
  std::uint32_t size = 0;
  std::memcpy(&size, table, sizeof size);
  size &= ~7U;  // never half a slot
  if (size < 2 * sizeof(std::uint32_t)) return std::nullopt;
  Table copy{};
  std::memcpy(&copy, table, std::min<std::size_t>(size, sizeof copy));
  copy.struct_size = static_cast<std::uint32_t>(std::min<std::size_t>(size, sizeof copy));
  return copy;
}

struct KindTables {
  std::optional<oc_tool_v1> tool;
  std::optional<oc_channel_v1> channel;
  std::optional<oc_sandbox_backend_v1> sandbox;
  std::optional<oc_browser_backend_v1> browser;
  std::optional<oc_model_provider_v1> model;

  bool has(std::string_view interface_id) const;
  // Keeps a copy of what the plugin answered for `interface_id`; false when the host knows no such
  // kind or the table is unusable.
  bool take(std::string_view interface_id, const void* table);
};

// A slot whose arguments after the call are texts.
struct TextSlot {
  using Function = void (*)();
  Function function = nullptr;  // null: the plugin's table has no such slot
  std::size_t texts = 0;
};
// Absent when no kind has a slot of this name ("tool.invoke").
std::optional<TextSlot> find_text_slot(const KindTables& tables, std::string_view name);
// Calls it. `texts` has as many items as the slot takes.
oc_status call_text_slot(const TextSlot& slot, oc_instance* self, const oc_call* call,
                         const std::vector<std::string>& texts);

}  // namespace openclaw::plugin
