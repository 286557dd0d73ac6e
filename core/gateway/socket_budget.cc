#include "gateway/socket_budget.h"

namespace openclaw::gateway {

SocketBudget::Ticket::~Ticket() {
  --budget_->sockets_;
  if (!proven_) budget_->strangers_.erase(place_);
}

void SocketBudget::Ticket::proven() {
  if (proven_) return;
  proven_ = true;
  budget_->strangers_.erase(place_);
}

std::unique_ptr<SocketBudget::Ticket> SocketBudget::admit(std::function<void()> evict) {
  if (strangers_.size() >= max_strangers_) {
    auto close = strangers_.front()->evict_;
    close();
    if (strangers_.size() >= max_strangers_) return nullptr;
  }
  if (sockets_ >= max_sockets_) return nullptr;
  std::unique_ptr<Ticket> ticket(new Ticket);
  ticket->budget_ = this;
  ticket->evict_ = std::move(evict);
  ticket->place_ = strangers_.insert(strangers_.end(), ticket.get());
  ++sockets_;
  return ticket;
}

}  // namespace openclaw::gateway
