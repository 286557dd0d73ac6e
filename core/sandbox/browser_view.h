// BrowserView: the browser that a sandboxed session would get; like View a pure function of the
// configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "config/config.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::sandbox {

struct BrowserView {
  bool enabled = false;   // browser.enabled, in a session that is sandboxed
  bool headless = false;  // no screen
  bool watched = false;   // a page shows the screen: never when headless
  bool allow_host_control = false;
  std::chrono::milliseconds start_time{0};     // how long it may take until it answers
  std::uint16_t cdp_port = 0, novnc_port = 0;  // in the container
  std::string agent_id, session_key, scope_key, backend, name;
  // On the host, kept when the container goes: the profile, and the password of the screen.
  std::filesystem::path folder;
  std::filesystem::path profile() const { return folder / "profile"; }
  std::filesystem::path password_file() const { return folder / "vnc-password"; }
  std::string
      user;  // "UID:GID" in the container, never root: Chromium's sandbox does not work as root
  json::object spec;  // what `ensure` of the backend gets
  std::string config_hash;
};

BrowserView resolve_browser(const config::Paths& paths, const View& view);

// Makes the folder, the profile and the password. Blocking.
Result<void> prepare_browser_folder(const BrowserView& view);

}  // namespace openclaw::sandbox
