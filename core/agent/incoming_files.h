// The files that come with a message: before its turn begins they are brought to where the
// session's tools can open them. Loop thread only.
#pragma once

#include "agent/run.h"
#include "async/runtime.h"
#include "sandbox/sandbox_manager.h"

namespace openclaw::agent {

struct FilesPlace {
  sandbox::View view;
  bool model_reads_images = false;
};

// Fetches and stages the files and attachments of the run's request and leaves in
// `request.attachments` what user_message() tells of them. A file that cannot be had does not cost
// the message: it is told as missing, and why. kInvalidArgument: an attachment within the request
// itself is too large or no base64, which its sender can mend.
Awaitable<Result<void>> take_in_files(Runtime& runtime, RunPtr run, FilesPlace place,
                                      Limits limits);

// For a request that is taken over by another run: the message stays, its files are told as
// refused.
void note_refused(TurnRequest& request, const Error& error);

}  // namespace openclaw::agent
