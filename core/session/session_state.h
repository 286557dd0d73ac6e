// What the session store keeps in memory: indexes, transcripts, and what waits for the disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "session/disk_lane.h"
#include "session/session_files.h"
#include "session/session_store.h"

namespace openclaw::session {

struct Entry {
  json::value value;
  std::shared_ptr<const std::string> text;  // pretty form for the file; null when out of date
};

// One open transcript. Everything here includes lines that are still on their way to the disk.
struct Transcript {
  std::filesystem::path file;
  std::string leaf;
  std::vector<TranscriptItem> items;
  std::size_t context_start = 0;
  std::shared_ptr<const json::object> summary;  // null: never compacted
  std::size_t bytes = 0;
  std::uint64_t last_used = 0;

  std::string pending;                   // lines not yet given to the disk
  std::uint64_t queued = 0, synced = 0;  // counts of lines; synced: they are on the disk itself
  bool marked = false;                   // the next job looks at it
  bool sync_due = false;                 // ... and syncs it, whoever waits
  bool unsynced = false;                 // the next timer looks at it
  bool broken = false;                   // a write failed: drop it and read the file again
  std::vector<std::pair<std::uint64_t, Completer<void>>> waiters;
};

struct Agent {
  Agent(Runtime& runtime, std::string name, std::filesystem::path directory)
      : id(std::move(name)),
        dir(std::move(directory)),
        lane(std::make_shared<DiskLane>(runtime)),
        write_timer(runtime.loop()),
        sync_timer(runtime.loop()) {}

  std::string id;
  std::filesystem::path dir;
  std::shared_ptr<DiskLane> lane;
  asio::steady_timer write_timer, sync_timer;

  bool loaded = false;
  std::vector<Completer<void>> load_waiters;
  std::map<std::string, Entry, std::less<>> index;
  bool index_dirty = false;   // a later write is enough
  bool index_urgent = false;  // written before the next lines, which fail with it
  bool index_due = false;
  bool write_scheduled = false, sync_scheduled = false;  // the timers run
  bool write_posted = false, job_queued = false;
  std::vector<std::shared_ptr<Transcript>> marked, unsynced;

  std::map<std::string, std::shared_ptr<Transcript>, std::less<>> transcripts;  // by session id
  std::map<std::string, std::vector<Completer<std::shared_ptr<Transcript>>>, std::less<>> opening;
  std::map<std::string, Error, std::less<>>
      failed;  // session id: a write that nobody has heard of yet
};

}  // namespace openclaw::session
