#include "storage/kv_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <optional>

#include <sqlite3.h>

#include "storage/atomic_file.h"

namespace openclaw::storage {
namespace {

constexpr std::size_t kBatch = 256;

struct StatementFree {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
struct DatabaseFree {
  void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};

// The smallest text that is greater than every text with this prefix; nothing when there is none.
std::optional<std::string> after_prefix(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (prefix.empty()) return std::nullopt;
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

}  // namespace

class KvStore::Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file);

  Result<void> run(const char* sql) {
    if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure();
    return {};
  }
  void roll_back() {
    sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    used_.clear();
  }
  Result<std::string> get(const std::string& scope, const std::string& key) {
    Run run(*this, get_.get(), {&scope, &key});
    int code = sqlite3_step(get_.get());
    if (code == SQLITE_ROW) return column(get_.get());
    if (code != SQLITE_DONE) return failure();
    return Error(Code::kNotFound, "no value under this key");
  }
  Result<void> put(const Request& r, std::int64_t scope_limit) {
    auto used = usage(r.scope);
    if (used.has_error()) return used.error();
    auto old = get(r.scope, r.key);
    if (old.has_error() && old.error().code != Code::kNotFound) return old.error();
    auto size = [&](const std::string& value) {
      return static_cast<std::int64_t>(r.key.size() + value.size());
    };
    auto next = *used + size(r.value) - (old.has_value() ? size(*old) : 0);
    if (next > scope_limit && next > *used) {
      return Error(Code::kResourceExhausted,
                   r.scope + " may keep " + std::to_string(scope_limit) + " bytes and has no room");
    }
    Run run(*this, put_.get(), {&r.scope, &r.key, &r.value});
    if (sqlite3_step(put_.get()) != SQLITE_DONE) return failure();
    used_[r.scope] = next;
    return {};
  }
  Result<void> erase(const std::string& scope, const std::string& key) {
    Run run(*this, erase_.get(), {&scope, &key});
    if (sqlite3_step(erase_.get()) != SQLITE_DONE) return failure();
    if (sqlite3_changes(handle_.get()) > 0) used_.erase(scope);
    return {};
  }
  Result<std::vector<std::string>> scan(const std::string& scope, const std::string& prefix,
                                        std::size_t limit) {
    auto end = after_prefix(prefix);
    auto* statement = end ? scan_.get() : scan_open_.get();
    Run run(*this, statement,
            end ? std::initializer_list<const std::string*>{&scope, &prefix, &*end}
                : std::initializer_list<const std::string*>{&scope, &prefix});
    std::vector<std::string> keys;
    for (;;) {
      int code = sqlite3_step(statement);
      if (code == SQLITE_DONE) return keys;
      if (code != SQLITE_ROW) return failure();
      if (keys.size() == limit) {
        return Error(Code::kResourceExhausted,
                     "more than " + std::to_string(limit) + " keys begin so; ask for less");
      }
      keys.push_back(column(statement));
    }
  }
  Error failure() const {
    int code = sqlite3_errcode(handle_.get());
    std::string text = "the store " + file_.string() + " failed: " + sqlite3_errmsg(handle_.get());
    if (code == SQLITE_FULL) return Error(Code::kResourceExhausted, text + "; look with: df -h");
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) return Error(Code::kUnavailable, text);
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
      text += "; keep it aside with: mv " + file_.string() + " " + file_.string() + ".broken";
      return Error(Code::kFailedPrecondition, text);
    }
    return Error(Code::kInternal, text);
  }

 private:
  using Statement = std::unique_ptr<sqlite3_stmt, StatementFree>;

  // Binds on construction; makes the statement ready for the next use at the end.
  struct Run {
    Run(Database&, sqlite3_stmt* s, std::initializer_list<const std::string*> values)
        : statement(s) {
      int index = 1;
      for (const auto* value : values) {
        // A null pointer would bind NULL, not an empty value.
        const char* data = value->empty() ? "" : value->data();
        sqlite3_bind_blob64(s, index++, data, value->size(), SQLITE_STATIC);
      }
    }
    ~Run() {
      sqlite3_reset(statement);
      sqlite3_clear_bindings(statement);
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    sqlite3_stmt* statement;
  };

  static std::string column(sqlite3_stmt* statement) {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement, 0));
    auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, 0));
    return data == nullptr ? std::string() : std::string(data, size);
  }
  bool prepare(Statement* out, const char* sql) {
    sqlite3_stmt* raw = nullptr;
    int code = sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    out->reset(raw);
    return code == SQLITE_OK;
  }
  Result<std::int64_t> usage(const std::string& scope) {
    if (auto found = used_.find(scope); found != used_.end()) return found->second;
    Run run(*this, sum_.get(), {&scope});
    if (sqlite3_step(sum_.get()) != SQLITE_ROW) return failure();
    return used_[scope] = sqlite3_column_int64(sum_.get(), 0);
  }

  std::filesystem::path file_;
  std::unique_ptr<sqlite3, DatabaseFree> handle_;
  Statement get_, put_, erase_, scan_, scan_open_, sum_;
  std::map<std::string, std::int64_t> used_;  // bytes per scope, filled as needed
};

Result<std::unique_ptr<KvStore::Database>> KvStore::Database::open(
    const std::filesystem::path& file) {
  auto folder = make_private_dir(file.parent_path());
  if (folder.has_error()) return folder.error();
  // SQLite gives the side files the mode of the main one, so making that one first covers all.
  int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0) ::close(fd);
  auto safe = check_private_file(file);
  if (safe.has_error()) return safe.error();
  auto database = std::make_unique<Database>();
  database->file_ = file;
  sqlite3* raw = nullptr;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
  int code = sqlite3_open_v2(file.c_str(), &raw, flags, nullptr);
  database->handle_.reset(raw);
  if (code != SQLITE_OK) return database->failure();
  sqlite3_busy_timeout(raw, 5000);
  // FULL: with NORMAL a power loss may undo answered puts.
  auto set = database->run(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF;"
      "PRAGMA cache_size=-512; PRAGMA journal_size_limit=1048576;"
      "CREATE TABLE IF NOT EXISTS kv (scope BLOB NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
      " PRIMARY KEY (scope, key)) WITHOUT ROWID;");
  if (set.has_error()) return set.error();
  auto& d = *database;
  bool ready =
      d.prepare(&d.get_, "SELECT value FROM kv WHERE scope=?1 AND key=?2") &&
      d.prepare(&d.put_, "INSERT INTO kv VALUES(?1,?2,?3) ON CONFLICT DO UPDATE SET value=?3") &&
      d.prepare(&d.erase_, "DELETE FROM kv WHERE scope=?1 AND key=?2") &&
      d.prepare(&d.scan_,
                "SELECT key FROM kv WHERE scope=?1 AND key>=?2 AND key<?3 ORDER BY key") &&
      d.prepare(&d.scan_open_, "SELECT key FROM kv WHERE scope=?1 AND key>=?2 ORDER BY key") &&
      d.prepare(&d.sum_,
                "SELECT coalesce(sum(length(key)+length(value)),0) FROM kv WHERE scope=?1");
  if (!ready) return database->failure();
  return database;
}

KvStore::KvStore(Runtime& runtime, std::filesystem::path file, KvLimits limits)
    : runtime_(runtime), file_(std::move(file)), limits_(limits) {}

KvStore::~KvStore() {
  close();
}

void KvStore::get(std::string scope, std::string key,
                  std::function<void(Result<std::string>)> done) {
  enqueue({Request::kGet, std::move(scope), std::move(key), {}, [done](Result<Outcome> r) {
             if (r.has_error()) {
               done(r.error());
             } else {
               done(std::move(r->value));
             }
           }});
}

void KvStore::put(std::string scope, std::string key, std::string value,
                  std::function<void(Result<void>)> done) {
  enqueue({Request::kPut, std::move(scope), std::move(key), std::move(value),
           [done](Result<Outcome> r) {
             done(r.has_error() ? Result<void>(r.error()) : Result<void>());
           }});
}

void KvStore::erase(std::string scope, std::string key, std::function<void(Result<void>)> done) {
  enqueue({Request::kErase, std::move(scope), std::move(key), {}, [done](Result<Outcome> r) {
             done(r.has_error() ? Result<void>(r.error()) : Result<void>());
           }});
}

void KvStore::scan(std::string scope, std::string prefix,
                   std::function<void(Result<std::vector<std::string>>)> done) {
  enqueue({Request::kScan, std::move(scope), std::move(prefix), {}, [done](Result<Outcome> r) {
             if (r.has_error()) {
               done(r.error());
             } else {
               done(std::move(r->keys));
             }
           }});
}

void KvStore::enqueue(Request request) {
  std::optional<Error> refused;
  bool start = false;
  {
    std::lock_guard lock(mutex_);
    if (closed_) {
      refused = Error(Code::kCancelled, "the store is closed");
    } else if (request.key.size() > limits_.key_bytes ||
               request.value.size() > limits_.value_bytes) {
      refused = Error(Code::kInvalidArgument,
                      "a key may have " + std::to_string(limits_.key_bytes) + " and a value " +
                          std::to_string(limits_.value_bytes) + " bytes; larger things are blobs");
    } else if (waiting_.size() >= limits_.waiting) {
      refused = Error(Code::kResourceExhausted, "too many requests wait for the store");
    } else {
      waiting_.push_back(std::move(request));
      start = !std::exchange(draining_, true);
      used_ = true;
    }
  }
  if (refused) request.done(*refused);
  if (start) runtime_.post_blocking([this] { drain(); });
}

void KvStore::drain() {
  for (;;) {
    std::vector<Request> batch;
    {
      std::lock_guard lock(mutex_);
      if (waiting_.empty()) {
        draining_ = false;
        idle_.notify_all();
        return;
      }
      while (!waiting_.empty() && batch.size() < kBatch) {
        batch.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
    }
    run_batch(std::move(batch));
  }
}

void KvStore::run_batch(std::vector<Request> batch) {
  std::optional<Error> broken;
  bool writes = false;
  for (const auto& request : batch) writes = writes || request.writes();
  if (!database_) {
    auto opened = Database::open(file_);
    if (opened.has_error()) {
      broken = opened.error();
    } else {
      database_ = std::move(*opened);
    }
  }
  if (!broken && writes) {
    auto begun = database_->run("BEGIN IMMEDIATE");
    if (begun.has_error()) broken = begun.error();
  }
  std::vector<Result<Outcome>> outcomes;
  for (auto& request : batch) {
    outcomes.push_back(broken ? Result<Outcome>(*broken) : run_one(request));
  }
  if (!broken && writes) {
    auto committed = database_->run("COMMIT");
    if (committed.has_error()) {
      database_->roll_back();
      // Reads of this batch may have seen what is undone now: all get the error.
      for (auto& outcome : outcomes) outcome = committed.error();
    }
  }
  for (std::size_t i = 0; i < batch.size(); ++i) batch[i].done(std::move(outcomes[i]));
}

Result<KvStore::Outcome> KvStore::run_one(Request& r) {
  auto written = [](const Result<void>& result) -> Result<Outcome> {
    if (result.has_error()) return result.error();
    return Outcome{};
  };
  switch (r.kind) {
    case Request::kGet: {
      auto value = database_->get(r.scope, r.key);
      if (value.has_error()) return value.error();
      return Outcome{std::move(*value), {}};
    }
    case Request::kPut:
      return written(database_->put(r, limits_.scope_bytes));
    case Request::kErase:
      return written(database_->erase(r.scope, r.key));
    case Request::kScan: {
      auto keys = database_->scan(r.scope, r.key, limits_.scan_keys);
      if (keys.has_error()) return keys.error();
      return Outcome{{}, std::move(*keys)};
    }
  }
  return Error(Code::kInternal, "unknown request");
}

bool KvStore::used() {
  std::lock_guard lock(mutex_);
  return used_;
}

void KvStore::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  idle_.wait(lock, [this] { return !draining_; });
  database_.reset();
}

}  // namespace openclaw::storage
