#include "kept_value.h"

#include <string_view>
#include <utility>

namespace parts {
namespace {

struct Answer : openclaw::Waiter, KeptValue {};

}  // namespace

openclaw::Flow<KeptValue> read_kept(openclaw::Plugin& plugin, std::string key) {
  Answer answer;
  openclaw::Value done = [&answer](oc_status status, std::string_view value) {
    answer.status = status;
    answer.value = value;
    answer.arrived();
  };
  plugin.kv().get(key, std::move(done));
  co_await answer;
  co_return KeptValue{answer.status, std::move(answer.value)};
}

openclaw::Flow<oc_status> keep(openclaw::Plugin& plugin, std::string key, std::string value) {
  Answer answer;
  openclaw::Ack done = [&answer](oc_status status) {
    answer.status = status;
    answer.arrived();
  };
  plugin.kv().put(key, value, std::move(done));
  co_await answer;
  co_return answer.status;
}

}  // namespace parts
