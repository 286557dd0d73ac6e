// How this backend reads JSON objects that somebody else wrote.
#pragma once

#include "spec_fields.h"

namespace openclaw::docker {

namespace json = boost::json;
using sandbox_rules::flag_of;
using sandbox_rules::list_of;
using sandbox_rules::member;
using sandbox_rules::number_of;
using sandbox_rules::object_of;
using sandbox_rules::text_of;

}  // namespace openclaw::docker
