#include "qr_code/qr_code.h"

#include <memory>

#include <qrencode.h>

namespace openclaw {
namespace {

constexpr int kQuiet = 4;                 // modules around it, ISO/IEC 18004 section 5.3.8
constexpr std::size_t kMostBytes = 2331;  // version 40, error correction M
constexpr unsigned char kDark = 1;        // of a module's bits

}  // namespace

Result<QrCode> QrCode::of(std::string_view text) {
  if (text.empty() || text.size() > kMostBytes) {
    return Error(Code::kInvalidArgument,
                 "a QR code holds 1 to " + std::to_string(kMostBytes) + " bytes");
  }
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> made(
      QRcode_encodeData(static_cast<int>(text.size()),
                        reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_M),
      QRcode_free);
  if (!made) return Error(Code::kInternal, "no QR code could be made");
  QrCode out;
  out.width_ = made->width;
  const auto count = static_cast<std::size_t>(made->width) * static_cast<std::size_t>(made->width);
  out.modules_.resize(count);
  for (std::size_t i = 0; i < count; ++i) out.modules_[i] = (made->data[i] & kDark) != 0;
  return out;
}

bool QrCode::dark(int row, int column) const {
  if (row < 0 || column < 0 || row >= width_ || column >= width_) return false;
  return modules_[static_cast<std::size_t>(row) * static_cast<std::size_t>(width_) +
                  static_cast<std::size_t>(column)];
}

std::string QrCode::for_terminal(bool colours) const {
  std::string out;
  for (int row = -kQuiet; row < width_ + kQuiet; row += 2) {
    if (colours) out += "\x1b[30;107m";
    for (int column = -kQuiet; column < width_ + kQuiet; ++column) {
      const bool upper = dark(row, column) == colours, lower = dark(row + 1, column) == colours;
      out += upper && lower ? "█" : upper ? "▀" : lower ? "▄" : " ";
    }
    if (colours) out += "\x1b[0m";
    out += '\n';
  }
  return out;
}

std::string QrCode::as_data_url() const {
  const int size = width_ + 2 * kQuiet;
  const std::string side = std::to_string(size);
  std::string path;
  for (int row = 0; row < width_; ++row) {
    for (int column = 0; column < width_; ++column) {
      if (!dark(row, column)) continue;
      path +=
          "M" + std::to_string(column + kQuiet) + " " + std::to_string(row + kQuiet) + "h1v1h-1z";
    }
  }
  // Nothing in it needs escaping but the number sign of colours, which has names instead.
  return "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " + side +
         " " + side + "'><rect width='" + side + "' height='" + side + "' fill='white'/><path d='" +
         path + "'/></svg>";
}

}  // namespace openclaw
