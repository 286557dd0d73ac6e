// The self-signed certificate of a webhook, as the service wants it: its public half in PEM.
#pragma once

#include <string>

namespace telegram {

struct CertificateFile {
  std::string pem;
  std::string problem;  // why it cannot be used, in words that follow its path
};

// Blocks for a small file's time; nothing but a regular file is opened.
CertificateFile read_certificate(const std::string& path);

}  // namespace telegram
