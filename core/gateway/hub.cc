#include "gateway/hub.h"

#include <algorithm>
#include <vector>

namespace openclaw::gateway {

void Hub::for_each(const std::function<void(Subscriber&)>& visit) {
  // A visit may close a connection and so remove it: walk over a copy, look each one up again.
  std::vector<Subscriber*> all(subscribers_.begin(), subscribers_.end());
  for (auto* subscriber : all) {
    if (std::find(subscribers_.begin(), subscribers_.end(), subscriber) != subscribers_.end()) {
      visit(*subscriber);
    }
  }
}

void Hub::broadcast(std::string_view event, const json::value& payload, Delivery delivery,
                    std::string_view scope, const StateVersion* version) {
  if (subscribers_.empty()) return;
  auto text = json::serialize(payload);
  for_each([&](Subscriber& subscriber) {
    const auto& client = subscriber.client();
    if (!scope.empty() && !(client.role == "operator" && client.holds(scope))) return;
    subscriber.event(event, text, delivery == Delivery::kDroppable, true, version);
  });
}

void Hub::send_to(std::string_view conn_id, std::string_view event, const json::value& payload) {
  auto text = json::serialize(payload);
  for_each([&](Subscriber& subscriber) {
    if (subscriber.client().conn_id == conn_id)
      subscriber.event(event, text, false, false, nullptr);
  });
}

bool Hub::anyone_holds(std::string_view scope) const {
  return std::any_of(subscribers_.begin(), subscribers_.end(), [&](const Subscriber* subscriber) {
    return subscriber->client().role == "operator" && subscriber->client().holds(scope);
  });
}

}  // namespace openclaw::gateway
