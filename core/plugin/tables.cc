#include "plugin/tables.h"

#include <array>

namespace openclaw::plugin {
namespace {

using Slot0 = oc_status (*)(oc_instance*, const oc_call*);
using Slot1 = oc_status (*)(oc_instance*, const oc_call*, oc_str);
using Slot2 = oc_status (*)(oc_instance*, const oc_call*, oc_str, oc_str);
using Slot3 = oc_status (*)(oc_instance*, const oc_call*, oc_str, oc_str, oc_str);

TextSlot slot(Slot0 function) {
  return {reinterpret_cast<TextSlot::Function>(function), 0};
}
TextSlot slot(Slot1 function) {
  return {reinterpret_cast<TextSlot::Function>(function), 1};
}
TextSlot slot(Slot2 function) {
  return {reinterpret_cast<TextSlot::Function>(function), 2};
}
TextSlot slot(Slot3 function) {
  return {reinterpret_cast<TextSlot::Function>(function), 3};
}

// Reads one member of the table of one kind; a kind the plugin lacks reads as an empty table.
struct Name {
  std::string_view name;
  TextSlot (*read)(const KindTables& tables);
};

#define OPENCLAW_SLOT(kind, member)                                                             \
  Name {                                                                                        \
#kind "." #member,                                                                          \
        [](const KindTables&                                                                    \
               t) { return slot(t.kind ? t.kind->member : decltype(t.kind->member)(nullptr)); } \
  }

const std::array kSlots{OPENCLAW_SLOT(tool, list),          OPENCLAW_SLOT(tool, invoke),
                        OPENCLAW_SLOT(channel, send),       OPENCLAW_SLOT(channel, edit),
                        OPENCLAW_SLOT(channel, remove),     OPENCLAW_SLOT(channel, react),
                        OPENCLAW_SLOT(channel, presence),   OPENCLAW_SLOT(channel, fetch_media),
                        OPENCLAW_SLOT(channel, probe),      OPENCLAW_SLOT(channel, read),
                        OPENCLAW_SLOT(sandbox, ensure),     OPENCLAW_SLOT(sandbox, exec),
                        OPENCLAW_SLOT(sandbox, describe),   OPENCLAW_SLOT(sandbox, remove),
                        OPENCLAW_SLOT(sandbox, list),       OPENCLAW_SLOT(sandbox, read_file),
                        OPENCLAW_SLOT(sandbox, probe),      OPENCLAW_SLOT(browser, open),
                        OPENCLAW_SLOT(browser, command),    OPENCLAW_SLOT(browser, watch),
                        OPENCLAW_SLOT(browser, screenshot), OPENCLAW_SLOT(browser, viewer),
                        OPENCLAW_SLOT(browser, close),      OPENCLAW_SLOT(model, list_models),
                        OPENCLAW_SLOT(model, chat),         OPENCLAW_SLOT(model, embed),
                        OPENCLAW_SLOT(model, count_tokens)};

#undef OPENCLAW_SLOT

}  // namespace

bool KindTables::has(std::string_view id) const {
  return (id == OC_TOOL_V1 && tool) || (id == OC_CHANNEL_V1 && channel) ||
         (id == OC_SANDBOX_BACKEND_V1 && sandbox) || (id == OC_BROWSER_BACKEND_V1 && browser) ||
         (id == OC_MODEL_PROVIDER_V1 && model);
}

bool KindTables::take(std::string_view id, const void* table) {
  if (id == OC_TOOL_V1) tool = copy_table<oc_tool_v1>(table);
  if (id == OC_CHANNEL_V1) channel = copy_table<oc_channel_v1>(table);
  if (id == OC_SANDBOX_BACKEND_V1) sandbox = copy_table<oc_sandbox_backend_v1>(table);
  if (id == OC_BROWSER_BACKEND_V1) browser = copy_table<oc_browser_backend_v1>(table);
  if (id == OC_MODEL_PROVIDER_V1) model = copy_table<oc_model_provider_v1>(table);
  return has(id);
}

std::optional<TextSlot> find_text_slot(const KindTables& tables, std::string_view name) {
  for (const Name& known : kSlots) {
    if (known.name == name) return known.read(tables);
  }
  return std::nullopt;
}

oc_status call_text_slot(const TextSlot& slot, oc_instance* self, const oc_call* call,
                         const std::vector<std::string>& texts) {
  switch (slot.texts) {
    case 0:
      return reinterpret_cast<Slot0>(slot.function)(self, call);
    case 1:
      return reinterpret_cast<Slot1>(slot.function)(self, call, lend(texts[0]));
    case 2:
      return reinterpret_cast<Slot2>(slot.function)(self, call, lend(texts[0]), lend(texts[1]));
    default:
      return reinterpret_cast<Slot3>(slot.function)(self, call, lend(texts[0]), lend(texts[1]),
                                                    lend(texts[2]));
  }
}

}  // namespace openclaw::plugin
