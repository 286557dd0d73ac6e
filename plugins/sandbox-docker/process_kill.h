// The command that ends a process tree from inside a container.
#pragma once

#include <string>
#include <vector>

namespace openclaw::docker {

// Each exec carries this variable with a value of its own; children inherit it.
inline constexpr const char* kMarkerVariable = "OPENCLAW_EXEC_ID";

// argv for a second exec. Signal 9: stops all it finds, then kills, and repeats until none is left;
// other signals are sent once. It finds processes by the marker, by their parents and by their
// session, and uses shell built-ins only, so that it works when the container may not fork any
// more.
std::vector<std::string> kill_command(const std::string& marker, int signo);

}  // namespace openclaw::docker
