// SchemaCheck: validates a tree against a JSON Schema (draft-07) and words every problem for the
// person who wrote the tree: the key, what was expected, what was meant.
//
// Own walker rather than a library: a library reports "additionalProperties violated at /a/b", this
// one says which key it was, where it stands and which key was probably meant. Supported:
// everything of draft-07 but remote references, `format` and `$id`. Pure. [any-thread]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::config {

struct SchemaProblem {
  std::string path;     // dotted key
  std::string message;  // one sentence without the key
  bool at_key = false;  // the key itself is wrong, not its value
};

struct SchemaCheckOptions {
  // `required` of the outermost object is not asked for (accounts may bring the missing keys).
  bool skip_outer_required = false;
  // Keys of the outermost object that somebody else checks.
  std::vector<std::string> foreign_keys;
  std::size_t max_problems = 50;
};

// `root` is the schema document that "#/..." references point into.
std::vector<SchemaProblem> check_schema(const json::value& value, const json::object& schema,
                                        const json::object& root, std::string_view path,
                                        const SchemaCheckOptions& options = {});

// Follows $ref; the schema itself when there is none, null when it points nowhere.
const json::object* resolve_schema(const json::object& schema, const json::object& root);
// The schema of the value at `path`, null when the schema says nothing about it.
const json::object* schema_at(const json::object& root, std::string_view path);

// The candidate that `word` was probably meant to be; empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace openclaw::config
