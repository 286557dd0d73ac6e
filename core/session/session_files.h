// The disk side of the session store: blocking functions on paths, without state and without the
// loop.
//
// They run on the blocking pool, one at a time per agent. A file that cannot be understood is
// renamed to <file>.corrupt.<time> and reported, never overwritten.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace openclaw::session {

// "2026-11-23T06:34:00.123Z"; with ':' replaced by '-' for names of archives.
std::string iso_time(std::int64_t ms);
std::string archive_time(std::int64_t ms);
std::int64_t now_ms();
// Random version 4 uuid; 8 random hex digits for a line of a transcript.
std::string new_uuid();
std::string new_line_id();
// Only 8-4-4-4-12 lower or upper case hex: nothing else becomes a file name.
bool is_uuid(std::string_view text);

// As JSON.stringify(value, null, 2) prints it. `depth` is the indentation the text starts at.
std::string pretty_json(const json::value& value, std::size_t depth = 0);

// What sessions.json holds; empty when there is no file. Corrupt: moved aside, `set_aside` names
// it.
struct LoadedIndex {
  std::map<std::string, json::value, std::less<>> entries;
  std::string set_aside;
};
Result<LoadedIndex> load_index(const std::filesystem::path& file);
// Pretty text of each entry, in order; temporary file, fsync, rename, mode 0600.
using IndexText = std::vector<std::pair<std::string, std::shared_ptr<const std::string>>>;
Result<void> write_index(const std::filesystem::path& file, const IndexText& entries);

// One message of a transcript, as the cache keeps it.
struct TranscriptItem {
  std::string id;
  std::shared_ptr<const json::object> message;
  std::size_t bytes = 0;
};

// The active branch of a transcript: from the last line back to the root by parentId.
struct LoadedTranscript {
  bool exists = false;
  std::string leaf;  // id of the last line; empty: none but the header
  std::vector<TranscriptItem> items;
  std::size_t context_start = 0;  // first item the model still sees
  std::string summary;            // of the last compaction
  std::int64_t summary_ms = 0;
  std::size_t skipped_lines = 0;  // not JSON; left in the file
  std::uint64_t cut_bytes = 0;    // torn last line, cut off
  std::string set_aside;          // the file was no transcript and was renamed to this
};
// Repairs the end of the file: a torn line is cut, a missing newline is added.
Result<LoadedTranscript> load_transcript(const std::filesystem::path& file);

// Appends by one write(); a short write is taken back. Makes file and directory, and syncs what it
// has made. `sync`: fdatasync(), for what was appended before as well.
Result<void> append_lines(const std::filesystem::path& file, const std::string& lines, bool sync);
// Renames to <file>.<kind>.<time>. Answers the new path; empty when there was no file.
Result<std::string> archive_file(const std::filesystem::path& file, std::string_view kind);

}  // namespace openclaw::session
