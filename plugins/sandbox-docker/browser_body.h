// The "create container" body of a sandbox browser: a sandbox's body that runs what its image runs,
// on a network of its own, with ports that are published on the host's loopback. Pure.
#pragma once

#include <string>

#include <boost/json.hpp>

#include "body_check.h"
#include "create_body.h"

namespace openclaw::docker {

inline constexpr const char* kLabelBrowser = "openclaw.browser";

// What the spec asks for: a browser, or (no "kind") a container for tools.
bool is_browser(const json::object& spec);

// As create_body(): never fails, browser_body_problem() refuses.
json::object browser_body(const json::object& spec, CreateContext context);

// As body_problem(), and nothing but these more: published ports, each on 127.0.0.1 and a port that
// the engine picks; a network that is neither of the host nor absent. A user that is not root and a
// read-only root are asked of every browser.
std::string browser_body_problem(const json::object& body, const std::string& workdir,
                                 std::size_t own_mounts, const Allowances& allow);

// A refusal about a key that browsers have themselves names theirs and not the one of tools.
std::string in_terms_of_browser(std::string refusal);

}  // namespace openclaw::docker
