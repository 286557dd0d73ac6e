// A whole tool plugin in C++: the face in openclaw/plugin.hpp builds the tables, catches what is
// thrown and sees to it that each operation is finished once.
#include <algorithm>
#include <cctype>
#include <string>

#include <openclaw/plugin.hpp>

#include "openclaw_manifest.h"  // made from openclaw.plugin.json by openclaw_add_plugin()

namespace {

class Upper final : public openclaw::ToolPlugin {
 public:
  using ToolPlugin::ToolPlugin;

  void list(openclaw::Completion done) override { done.ok(R"({"tools":[{"name":"upper"}]})"); }

  void invoke(openclaw::Completion done, std::string_view tool, std::string_view args_json,
              std::string_view) override {
    if (tool != "upper") return done.error(OC_NOT_FOUND, "there is only the tool upper");
    // Keys and escapes of JSON survive a change of case no better than this; a real plugin would
    // parse.
    const auto begin = args_json.find(":\"");
    const auto end = args_json.rfind('"');
    if (begin == std::string_view::npos || end < begin + 2) {
      return done.error(OC_INVALID_ARGUMENT, "arguments are {\"text\":\"...\"}");
    }
    std::string text(args_json.substr(begin + 2, end - begin - 2));
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    log().debug("upper was asked");
    done.ok("{\"content\":[{\"type\":\"text\",\"text\":" + openclaw::json_string(text) + "}]}");
  }
};

}  // namespace

OPENCLAW_PLUGIN(Upper, OPENCLAW_PLUGIN_ID, openclaw_manifest_json);
