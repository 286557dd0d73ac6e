// What a file that a stranger sent is called on this machine. [any-thread]
#pragma once

#include <string>
#include <string_view>

namespace openclaw::workspace {

// One name for one folder, never empty, never hidden, at most 100 bytes: letters and digits of any
// script, and . _ - + @. All else becomes "_": a model may put the name into a shell command or a
// sentence, so it holds nothing that means something there. Without a usable name, the kind and
// the type make one: "photo.jpg".
std::string harmless_name(std::string_view offered, std::string_view kind, std::string_view mime);

// The same with `mark` before the extension: "photo.jpg" -> "photo-MARK.jpg".
std::string marked_name(const std::string& name, std::string_view mark);

// "image/jpeg", or empty when it is not written like a media type. Parameters are left out.
std::string harmless_mime(std::string_view offered);

// By the extension; "application/octet-stream" for one that is not known.
std::string mime_of(std::string_view name);

}  // namespace openclaw::workspace
