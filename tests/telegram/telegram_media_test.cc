// Files that people send, as the host fetches them.
#include "telegram_fixture.h"

namespace openclaw::telegram_test {
namespace {

using testing::HasSubstr;

class TelegramMedia : public TelegramFixture {
 protected:
  // A person sends a file; the attachment of the event.
  json::object sent_file(const std::string& kind, json::object file) {
    const std::size_t before = recorder_.events.size();
    json::object more{{kind, std::move(file)}, {"caption", "see"}};
    write("", std::move(more));
    wait_events(before + 1);
    const auto& event = recorder_.events.back();
    EXPECT_EQ(event.at("text"), "see");
    return event.at("attachments").as_array().at(0).as_object();
  }
  Result<json::value> fetch(PluginInstance* instance, const json::object& attachment,
                            json::object more = {}) {
    more["ref"] = attachment.at("ref");
    return call(instance, "channel.fetch_media", std::move(more));
  }
  std::string bytes_of(const json::value& answer) {
    auto content = services_->take_blob(answer.at("blob").to_number<std::uint64_t>());
    if (content.has_error()) return content.error().message;
    return content->read(0, 1 << 20).value();
  }
};

TEST_F(TelegramMedia, R169PhotosDocumentsAndVoicesAreFetched) {
  auto* instance = up();
  const auto photo = sent_file("photo", {{"base64", "UEhPVE8="}});
  EXPECT_EQ(photo.at("kind"), "photo");
  EXPECT_EQ(photo.at("mime"), "image/jpeg");
  auto got = fetch(instance, photo);
  ASSERT_TRUE(got.has_value()) << got.error().message;
  EXPECT_EQ(bytes_of(got.value()), "PHOTO");
  const auto document =
      sent_file("document",
                {{"base64", "RE9D"}, {"file_name", "../a.pdf"}, {"mime_type", "application/pdf"}});
  EXPECT_EQ(document.at("name"), "../a.pdf") << "what it may be called here is for core to say";
  EXPECT_EQ(document.at("mime"), "application/pdf");
  EXPECT_EQ(bytes_of(fetch(instance, document).value()), "DOC");
  const auto voice = sent_file("voice", {{"base64", "Vk9JQ0U="}});
  EXPECT_EQ(voice.at("mime"), "audio/ogg");
  EXPECT_EQ(bytes_of(fetch(instance, voice).value()), "VOICE");
  down(instance);
}

TEST_F(TelegramMedia, WhatCannotBeFetchedSaysWhy) {
  auto* instance = up();
  const auto photo = sent_file("photo", {{"base64", "UEhPVE8="}});
  auto small = fetch(instance, photo, {{"maxBytes", 4}});
  EXPECT_EQ(small.error().code, Code::kInvalidArgument);
  EXPECT_THAT(small.error().message, HasSubstr("5 bytes"));
  auto unknown = fetch(instance, {{"ref", "nothing"}});
  EXPECT_EQ(unknown.error().code, Code::kNotFound);
  EXPECT_EQ(fetch(instance, {{"ref", ""}}).error().code, Code::kInvalidArgument);
  const auto large = sent_file("document", {{"size", 21 << 20}, {"file_name", "film.mkv"}});
  auto refused = fetch(instance, large, {{"maxBytes", 50 << 20}});
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("20 MB"));
  const std::vector<std::pair<const char*, const char*>> faults{
      {"getFile", "html"}, {"file", "error"}, {"file", "truncate"}};
  for (const auto& [method, action] : faults) {
    post("/faults", {{"method", method}, {"count", 1}, {"action", action}});
    auto broken = fetch(instance, photo);
    ASSERT_TRUE(broken.has_error()) << method << " " << action;
    EXPECT_EQ(broken.error().code, Code::kUnavailable) << broken.error().message;
  }
  EXPECT_TRUE(fetch(instance, photo).has_value());
  down(instance);
}

}  // namespace
}  // namespace openclaw::telegram_test
