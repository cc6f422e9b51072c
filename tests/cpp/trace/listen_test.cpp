#include "trace/record/listen.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "trace/record/record.h"

namespace jetlag::trace {
namespace {

// A listener that is slow, and how many threads were in it at once.
class Listening : public testing::Test {
 protected:
  Listening() {
    std::string folder = testing::TempDir() + "listen-XXXXXX";
    folder_ = mkdtemp(folder.data());
    listen(std::make_shared<const Listener>([this](std::uint32_t, std::span<const Record> records) {
      if (inside_.fetch_add(1) != 0) together_ = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      heard_ += records.size();
      inside_.fetch_sub(1);
    }));
  }
  ~Listening() override {
    listen(nullptr);
    std::filesystem::remove_all(folder_);
  }
  void mark() const { put(Event::mark, site_, 0, 0); }

  const SiteId site_ = define({.name = "heard"});
  std::string folder_;
  std::atomic<int> inside_{0};
  std::atomic<bool> together_{false};
  std::atomic<std::uint64_t> heard_{0};
};

TEST_F(Listening, IsDoneByOneThreadAtATimeAlsoWhileARecordingEnds) {
  for (int round = 0; round < 3; ++round) {
    start_recording(folder_ + "/run.jlt");
    mark();
    std::thread ends([] { stop_recording(); });
    while (!recording_path().empty()) std::this_thread::yield();
    mark();
    ends.join();
  }
  listen(nullptr);

  EXPECT_EQ(heard_, 6u);
  EXPECT_FALSE(together_);
}

TEST_F(Listening, IsOverOnceItWasEndedAlsoWhileARecordingEnds) {
  start_recording(folder_ + "/run.jlt");
  mark();
  std::thread ends([] { stop_recording(); });
  while (!recording_path().empty()) std::this_thread::yield();

  listen(nullptr);

  const std::uint64_t heard = heard_;
  EXPECT_EQ(inside_, 0);
  ends.join();
  EXPECT_EQ(heard_, heard);
}

}  // namespace
}  // namespace jetlag::trace
