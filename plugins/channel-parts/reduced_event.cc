#include "reduced_event.h"

#include "json_fields.h"

namespace parts {

std::string reduced_event(std::string_view event) {
  const boost::json::value value = parsed(event);
  boost::json::object out{{"kind", "unparsed"}};
  if (const boost::json::object* given = value.if_object()) {
    for (const char* key : {"eventId", "account"}) {
      if (given->contains(key)) out[key] = given->at(key);
    }
  }
  return boost::json::serialize(out);
}

}  // namespace parts
