#include "channel/database.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

#include <spdlog/spdlog.h>
#include <sqlite3.h>

namespace openclaw::channel {
namespace {

constexpr int kBusyTimeoutMs = 5000;
constexpr std::size_t kMaxBatch = 256;

Result<void> make_private_file(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return Error(Code::kUnavailable, "cannot open " + path.string() + ": " +
                                         std::error_code(errno, std::generic_category()).message());
  }
  // An older file may have been made with another mask.
  const int failed = ::fchmod(fd, 0600);
  ::close(fd);
  if (failed != 0)
    return Error(Code::kPermissionDenied, "cannot make " + path.string() + " private");
  return {};
}

}  // namespace

std::int64_t column_int(sqlite3_stmt* row, int index) {
  return sqlite3_column_int64(row, index);
}

std::string column_text(sqlite3_stmt* row, int index) {
  const auto* text = sqlite3_column_text(row, index);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(row, index))};
}

Connection::~Connection() {
  close();
}

void Connection::close() {
  for (auto& [sql, statement] : prepared_) sqlite3_finalize(statement);
  prepared_.clear();
  sqlite3_close(db_);
  db_ = nullptr;
}

Error Connection::failure(const char* doing, const char* sql) const {
  const int code = db_ != nullptr ? sqlite3_extended_errcode(db_) : SQLITE_NOMEM;
  const char* text = db_ != nullptr ? sqlite3_errmsg(db_) : "out of memory";
  json::object details{{"sqlite", code}, {"statement", std::string(sql).substr(0, 60)}};
  const int primary = code & 0xFF;
  const Code kind = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ? Code::kProtocol
                    : primary == SQLITE_FULL                              ? Code::kResourceExhausted
                                                                          : Code::kUnavailable;
  return Error(kind, "channel store " + path_.string() + ": " + doing + ": " + text,
               std::move(details));
}

Result<void> Connection::open(const std::filesystem::path& path) {
  path_ = path;
  if (auto made = make_private_file(path); made.has_error()) return made.error();
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
  if (sqlite3_open_v2(path.c_str(), &db_, flags, nullptr) != SQLITE_OK) {
    Error error = failure("open", "");
    close();
    return error;
  }
  sqlite3_busy_timeout(db_, kBusyTimeoutMs);
  // FULL: a commit is on the disk, not only in the page cache, before a platform is told so.
  for (const char* pragma : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                             "PRAGMA trusted_schema=OFF", "PRAGMA cache_size=-512"}) {
    if (auto done = execute(pragma); done.has_error()) {
      close();
      return done.error();
    }
  }
  return {};
}

Result<void> Connection::execute(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return failure("execute", sql);
  return {};
}

Result<void> Connection::run(const char* sql, const std::vector<Value>& values, const Row& row) {
  sqlite3_stmt*& statement = prepared_[sql];
  if (statement == nullptr && sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                                 &statement, nullptr) != SQLITE_OK) {
    return failure("prepare", sql);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int at = static_cast<int>(i) + 1;
    if (const auto* number = std::get_if<std::int64_t>(&values[i])) {
      sqlite3_bind_int64(statement, at, *number);
    } else {
      const std::string& text = std::get<std::string>(values[i]);
      sqlite3_bind_text64(statement, at, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
  }
  int step = sqlite3_step(statement);
  for (; step == SQLITE_ROW; step = sqlite3_step(statement)) {
    if (row) row(statement);
  }
  Result<void> out;
  if (step != SQLITE_DONE) out = failure("step", sql);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return out;
}

std::int64_t Connection::last_id() const {
  return sqlite3_last_insert_rowid(db_);
}
std::int64_t Connection::changes() const {
  return sqlite3_changes(db_);
}

Database::~Database() {
  close();
}

Result<void> Database::open(const std::filesystem::path& path, const std::string& schema,
                            std::string& set_aside) {
  const auto try_open = [&]() -> Result<void> {
    if (auto opened = connection_.open(path); opened.has_error()) return opened.error();
    if (auto made = connection_.execute(schema.c_str()); made.has_error()) {
      connection_.close();
      return made.error();
    }
    return {};
  };
  auto opened = try_open();
  if (opened.has_error() && opened.error().code == Code::kProtocol) {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    set_aside = path.string() + ".unreadable-" + std::to_string(now);
    std::error_code error;
    for (const char* suffix : {"", "-wal", "-shm"}) {
      std::filesystem::rename(path.string() + suffix, set_aside + suffix, error);
    }
    opened = try_open();
  }
  if (opened.has_error()) return opened.error();
  thread_ = std::thread([this] { work_loop(); });
  return {};
}

void Database::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  connection_.close();
}

void Database::enqueue(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (!closing_ && thread_.joinable()) {
      if (!job.rides) ++awaited_;
      jobs_.push_back(std::move(job));
      if (awaited_ > 0) wake_.notify_one();
      return;
    }
  }
  job.answer(Error(Code::kUnavailable, "the channel store is closed"));
}

void Database::ride(std::function<Result<void>(Connection&)> job) {
  Job entry;
  entry.work = std::move(job);
  entry.answer = [](const Result<void>& done) {
    if (done.has_error()) spdlog::error("{}", done.error().message);
  };
  entry.rides = true;
  enqueue(std::move(entry));
}

void Database::work_loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return closing_ || awaited_ > 0; });
    if (jobs_.empty()) return;
    std::deque<Job> batch;
    while (!jobs_.empty() && batch.size() < kMaxBatch) {
      if (!jobs_.front().rides) --awaited_;
      batch.push_back(std::move(jobs_.front()));
      jobs_.pop_front();
    }
    lock.unlock();
    commit_batch(batch);
    lock.lock();
  }
}

void Database::commit_batch(std::deque<Job>& batch) {
  Result<void> outcome = connection_.run("BEGIN IMMEDIATE");
  std::vector<Result<void>> answers(batch.size());
  for (std::size_t i = 0; i < batch.size() && outcome.has_value(); ++i) {
    outcome = connection_.run("SAVEPOINT job");
    if (outcome.has_error()) break;
    answers[i] = batch[i].work(connection_);
    if (answers[i].has_error()) outcome = connection_.run("ROLLBACK TO job");
    if (outcome.has_value()) outcome = connection_.run("RELEASE job");
  }
  if (outcome.has_value()) outcome = connection_.run("COMMIT");
  if (outcome.has_error()) (void)connection_.run("ROLLBACK");
  commits_.fetch_add(1);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i].answer(outcome.has_error() ? outcome : answers[i]);
  }
}

}  // namespace openclaw::channel
