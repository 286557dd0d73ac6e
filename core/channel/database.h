// Database: the SQLite file behind the channel store, on a thread of its own.
//
// Jobs run in the order they were given. All jobs that wait are put into one transaction and synced
// once (group commit); a job is answered only after the commit that holds it. A job that fails
// undoes itself alone; a commit that fails fails every job in it.
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>

#include "async/runtime.h"
#include "result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace openclaw::channel {

// What a job sees. Only on the database thread.
class Connection {
 public:
  using Value = std::variant<std::int64_t, std::string>;
  using Row = std::function<void(sqlite3_stmt*)>;

  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  Result<void> open(const std::filesystem::path& path);
  void close();
  // Statements are prepared once for each text. `row` runs for each row.
  Result<void> run(const char* sql, const std::vector<Value>& values = {}, const Row& row = {});
  std::int64_t last_id() const;
  std::int64_t changes() const;
  // For statements that are not kept.
  Result<void> execute(const char* sql);

 private:
  Error failure(const char* doing, const char* sql) const;
  sqlite3* db_ = nullptr;
  std::filesystem::path path_;
  std::unordered_map<std::string, sqlite3_stmt*> prepared_;
};

// Column `index` of the current row.
std::int64_t column_int(sqlite3_stmt* row, int index);
std::string column_text(sqlite3_stmt* row, int index);

class Database {
 public:
  explicit Database(Runtime& runtime) : runtime_(runtime) {}
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Creates the file with mode 0600 when missing. A file that SQLite cannot read is renamed to
  // <name>.unreadable-<time> and a new one begun; `set_aside` then names it. Blocks; before the
  // loop's first use of run(), on the blocking pool.
  Result<void> open(const std::filesystem::path& path, const std::string& schema,
                    std::string& set_aside);
  // Runs what was given before, then closes. Blocks.
  void close();

  // [loop thread]
  template <class T>
  Awaitable<Result<T>> run(std::function<Result<T>(Connection&)> job);
  // [loop thread] Nobody waits for this one: it goes into the transaction of the next job that
  // somebody waits for, or of close(), at its place in the order. One that fails is logged.
  void ride(std::function<Result<void>(Connection&)> job);

  // Transactions since open(); with fewer than jobs, group commit works.
  std::uint64_t commits() const { return commits_.load(); }

 private:
  struct Job {
    std::function<Result<void>(Connection&)> work;    // keeps its own value
    std::function<void(const Result<void>&)> answer;  // with the commit's or its own failure
    bool rides = false;
  };
  void enqueue(Job job);
  void work_loop();
  void commit_batch(std::deque<Job>& batch);

  Runtime& runtime_;
  Connection connection_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;     // bounded by the callers: each waits for its answer, soon or at last
  std::size_t awaited_ = 0;  // of them, those that do not ride
  bool closing_ = false;
  std::atomic<std::uint64_t> commits_{0};
};

template <class T>
Awaitable<Result<T>> Database::run(std::function<Result<T>(Connection&)> job) {
  // The wait has no limit of its own: a local disk answers or fails, and a job half waited for
  // would be a commit nobody knows of.
  // Named before the co_await: g++ 12 destroys temporaries of such an expression twice.
  std::function<void(Completer<T>)> start = [this, job = std::move(job)](Completer<T> done) {
    auto value = std::make_shared<std::optional<Result<T>>>();
    Job entry;
    entry.work = [job, value](Connection& connection) -> Result<void> {
      value->emplace(job(connection));
      if (value->value().has_error()) return value->value().error();
      return {};
    };
    entry.answer = [done, value](const Result<void>& committed) {
      if (committed.has_error()) {
        done(committed.error());
      } else {
        done(std::move(value->value()));
      }
    };
    enqueue(std::move(entry));
  };
  Limits none;
  co_return co_await suspend<T>(runtime_, none, std::move(start));
}

}  // namespace openclaw::channel
