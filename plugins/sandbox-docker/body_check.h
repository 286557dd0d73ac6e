// The last gate before the engine: an allow list over the finished "create container" body. What is
// not known to be safe is refused, whatever produced it. Pure.
#pragma once

#include <string>

#include <boost/json.hpp>

namespace openclaw::docker {

namespace json = boost::json;

// Break-glass keys of the configuration; each is named in the refusal it would lift.
struct Allowances {
  bool container_namespace_join = false;
  bool reserved_targets = false;
};

// Empty when `body` may be sent; else a sentence that names the field and the configuration key.
// `workdir` is where the workspace is mounted; with /agent it is reserved for the mounts of core,
// which come first in the body: `own_mounts` says how many.
std::string body_problem(const json::object& body, const std::string& workdir,
                         std::size_t own_mounts, const Allowances& allow);

}  // namespace openclaw::docker
