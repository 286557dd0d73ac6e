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

// ---- files that go out

class TelegramUpload : public TelegramMedia {
 protected:
  json::object file(const std::string& bytes, const std::string& kind, const std::string& name) {
    const auto blob = run(services_->make_blob(bytes, "application/octet-stream")).value();
    return {{"blob", blob},
            {"kind", kind},
            {"name", name},
            {"mime", "application/octet-stream"},
            {"bytes", bytes.size()}};
  }
  json::object with(json::object one) { return {{"attachments", json::array{std::move(one)}}}; }
  void refuse(const std::string& method, int count, const std::string& description) {
    post("/faults", {{"method", method},
                     {"count", count},
                     {"action", "error"},
                     {"code", 400},
                     {"description", "Bad Request: " + description}});
  }
  json::array seen() { return get("/messages?chat_id=1001&by=bot").as_array(); }
};

TEST_F(TelegramUpload, FilesFollowTheTextOrGoAlone) {
  auto* instance = up();
  // Larger than what the host keeps in memory, with what ends a part of a form.
  std::string large(700'000, 'x');
  large += "\r\n--openclaw-\r\n";
  json::array files{file(large, "document", "a\"b.bin"), file("PHOTO", "photo", "p.jpg"),
                    file("OGG", "voice", "v.ogg")};
  auto answer = send(instance, "see", {{"attachments", files}});
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->at("messageIds").as_array().size(), 4U);
  auto shown = seen();
  ASSERT_EQ(shown.size(), 4U);
  EXPECT_EQ(shown[0].at("text"), "see");
  EXPECT_EQ(shown[1].at("media").at("type"), "document");
  EXPECT_EQ(shown[1].at("media").at("size"), large.size());
  EXPECT_EQ(shown[1].at("media").at("file_name"), "a_b.bin");
  EXPECT_EQ(shown[2].at("media").at("type"), "photo");
  EXPECT_EQ(shown[3].at("media").at("type"), "voice");
  ASSERT_TRUE(send(instance, "", {{"attachments", json::array{file("D", "document", "d.txt")}}})
                  .has_value());
  EXPECT_EQ(seen().size(), 5U);
  down(instance);
}

TEST_F(TelegramUpload, AShortTextIsTheCaptionOfItsOneFile) {
  auto* instance = up();
  const auto answer = send(instance, "**see**", with(file("PHOTO", "photo", "p.jpg")));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->at("messageIds").as_array().size(), 1U);
  auto shown = seen();
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0].at("media").at("type"), "photo");
  EXPECT_EQ(shown[0].at("html"), "<b>see</b>");
  // It can be edited like any other text.
  const auto edit = call(instance, "channel.edit",
                         {{"conversation", {{"id", "1001"}}},
                          {"messageId", answer->at("messageId")},
                          {"text", "seen"}});
  ASSERT_TRUE(edit.has_value()) << edit.error().message;
  EXPECT_EQ(seen()[0].at("text"), "seen");
  // What no caption holds, or the service will not have as one, is a message before the file.
  ASSERT_TRUE(
      send(instance, std::string(1025, 'x'), with(file("D", "document", "d.txt"))).has_value());
  refuse("sendDocument", 1, "can't parse entities: unsupported start tag");
  ASSERT_TRUE(send(instance, "apart", with(file("E", "document", "e.txt"))).has_value());
  shown = seen();
  ASSERT_EQ(shown.size(), 5U);
  EXPECT_EQ(shown[3].at("text"), "apart");
  EXPECT_EQ(shown[4].at("media").at("file_name"), "e.txt");
  down(instance);
}

TEST_F(TelegramUpload, PicturesAndDocumentsAreAlbums) {
  auto* instance = up();
  json::array files{file("A", "photo", "a.jpg"), file("B", "video", "b.mp4")};
  const auto pictures = send(instance, "**both**", {{"attachments", files}});
  ASSERT_TRUE(pictures.has_value()) << pictures.error().message;
  EXPECT_EQ(pictures->at("messageIds").as_array().size(), 2U);
  auto shown = seen();
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_EQ(shown[0].at("html"), "<b>both</b>");
  EXPECT_EQ(shown[0].at("media").at("type"), "photo");
  EXPECT_EQ(shown[1].at("media").at("type"), "video");
  EXPECT_EQ(shown[0].at("media_group_id"), shown[1].at("media_group_id"));
  files = {file("C", "document", "c.txt"), file("D", "document", "d.txt"),
           file("E", "voice", "e.ogg")};
  ASSERT_TRUE(send(instance, "three", {{"attachments", files}}).has_value());
  shown = seen();
  ASSERT_EQ(shown.size(), 6U);
  EXPECT_EQ(shown[2].at("text"), "three");
  EXPECT_EQ(shown[3].at("media_group_id"), shown[4].at("media_group_id"));
  EXPECT_EQ(shown[5].at("media").at("type"), "voice");
  EXPECT_EQ(calls("sendMediaGroup").size(), 2U);
  down(instance);
}

TEST_F(TelegramUpload, AnAlbumThatIsRefusedGoesPieceByPiece) {
  auto* instance = up();
  refuse("sendMediaGroup", 1, "PHOTO_INVALID_DIMENSIONS");
  json::array files{file("A", "photo", "a.jpg"), file("B", "photo", "b.jpg")};
  const auto answer = send(instance, "both", {{"attachments", files}});
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  const auto shown = seen();
  ASSERT_EQ(shown.size(), 3U);
  EXPECT_EQ(shown[0].at("text"), "both");
  EXPECT_EQ(shown[1].at("media").at("sha256").as_string().size(), 64U);
  EXPECT_EQ(shown[2].at("media").at("type"), "photo");
  // An answer that is lost is not sent again in pieces.
  post("/faults", {{"method", "sendMediaGroup"}, {"count", 1}, {"action", "drop_after"}});
  files = {file("C", "photo", "c.jpg"), file("D", "photo", "d.jpg")};
  const auto lost = send(instance, "", {{"attachments", files}});
  ASSERT_TRUE(lost.has_error());
  EXPECT_EQ(lost.error().code, Code::kProtocol);
  EXPECT_EQ(seen().size(), 5U);
  down(instance);
}

TEST_F(TelegramUpload, ADraftBecomesTheFileWithItsCaption) {
  auto* instance = up();
  const auto reply = [&](json::object one) {
    const auto draft = send(instance, "See the ch", {{"draft", true}});
    EXPECT_TRUE(draft.has_value());
    json::object more = with(std::move(one));
    more["replaces"] = json::object{{"messageId", draft->at("messageId")}};
    const auto answer = send(instance, "See the chart", more);
    EXPECT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->at("messageId"), draft->at("messageId"));
  };
  reply(file("PHOTO", "photo", "p.jpg"));
  auto shown = seen();
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0].at("text"), "See the chart");
  EXPECT_EQ(shown[0].at("media").at("type"), "photo");
  // Nor may a server that knows no such edit keep anything back.
  refuse("editMessageMedia", 1, "message can't be edited");
  reply(file("PHOTO", "photo", "p.jpg"));
  reply(file("OGG", "voice", "v.ogg"));
  shown = seen();
  ASSERT_EQ(shown.size(), 5U);
  EXPECT_EQ(shown[1].at("text"), "See the chart");
  EXPECT_EQ(shown[2].at("media").at("type"), "photo");
  EXPECT_EQ(shown[4].at("media").at("type"), "voice");
  // A draft that somebody deleted is no loss.
  const auto draft = send(instance, "See the ch", {{"draft", true}});
  ASSERT_TRUE(draft.has_value()) << draft.error().message;
  ASSERT_TRUE(call(instance, "channel.remove",
                   {{"conversation", {{"id", "1001"}}}, {"messageId", draft->at("messageId")}})
                  .has_value());
  json::object more = with(file("PHOTO", "photo", "p.jpg"));
  more["replaces"] = json::object{{"messageId", draft->at("messageId")}};
  ASSERT_TRUE(send(instance, "See the chart", more).has_value());
  shown = seen();
  ASSERT_EQ(shown.size(), 6U);
  EXPECT_EQ(shown[5].at("text"), "See the chart");
  EXPECT_EQ(shown[5].at("media").at("type"), "photo");
  down(instance);
}

TEST_F(TelegramUpload, AFileThatIsRefusedIsToldAboutAndTheTextArrives) {
  auto* instance = up();
  refuse("sendDocument", 2, "not enough rights to send documents to the chat");
  const auto answer = send(instance, "see", with(file("D", "document", "<d>.txt")));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  const auto shown = seen();
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_EQ(shown[0].at("text"), "see");
  EXPECT_THAT(std::string(shown[1].at("text").as_string()),
              testing::AllOf(HasSubstr("<d>.txt is not attached"), HasSubstr("not enough rights")));
  down(instance);
}

TEST_F(TelegramUpload, AFileThatIsTooLargeIsToldAboutInItsPlace) {
  auto* instance = up();
  post("/config", {{"uploadMax", 1000}});
  json::array files{file(std::string(5000, 'x'), "document", "film.mkv"),
                    file("D", "document", "d.txt")};
  auto answer = send(instance, "see", {{"attachments", files}});
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  const auto shown = seen();
  ASSERT_EQ(shown.size(), 3U);
  EXPECT_THAT(std::string(shown[1].at("text").as_string()),
              testing::AllOf(HasSubstr("film.mkv is not attached"), HasSubstr("50 MB")));
  EXPECT_EQ(shown[2].at("media").at("file_name"), "d.txt");
  down(instance);
}

TEST_F(TelegramUpload, WhatIsNoPhotoGoesAsADocument) {
  auto* instance = up();
  post("/faults", {{"method", "sendPhoto"},
                   {"count", 1},
                   {"action", "error"},
                   {"code", 400},
                   {"description", "Bad Request: IMAGE_PROCESS_FAILED"}});
  ASSERT_TRUE(
      send(instance, "", {{"attachments", json::array{file("P", "photo", "p.jpg")}}}).has_value());
  EXPECT_EQ(seen().at(0).at("media").at("type"), "document");
  down(instance);
}

TEST_F(TelegramUpload, ASendThatWasCutGoesOnWithItsFiles) {
  auto* instance = up();
  auto answer =
      send(instance, "see",
           {{"attachments", json::array{file("A", "document", "a"), file("B", "document", "b")}},
            {"resume", {{"sent", 2}, {"messageId", "9"}}}});
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  auto shown = seen();
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0].at("media").at("file_name"), "b");
  down(instance);
}

}  // namespace
}  // namespace openclaw::telegram_test
