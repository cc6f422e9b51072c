// Traces that are served: large ones are read once.
#include "server/routes/traces.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/text.h"
#include "trace/chunk/writer.h"

namespace jetlag::routes {
namespace {

namespace fs = std::filesystem;

// A trace of one thread and so many spans, each of 10 ns.
void write_trace(const std::string& path, int spans) {
  trace::Writer writer(path);
  writer.define(R"({"def": "clock", "ticks": 0, "ns": 0})");
  writer.define(R"({"def": "site", "id": 1, "name": "<b>step 🚀</b>", "category": "step"})");
  writer.define(R"({"def": "thread", "track": 1, "id": 0, "name": "main"})");
  std::vector<trace::Record> records;
  for (int i = 0; i < spans; ++i) {
    const auto time = static_cast<std::uint64_t>(i) * 15;
    records.push_back({time, 0, 0, 1, trace::Event::begin});
    records.push_back({time + 10, 0, 0, 1, trace::Event::end});
  }
  writer.add_columns(records, 1, 0);
  writer.close();
}

class Served : public ::testing::Test {
 protected:
  Served() {
    folder_ = fs::temp_directory_path() / ("served-" + std::to_string(getpid()));
    fs::create_directories(folder_);
    path_ = folder_ / "run.jlt";
  }
  ~Served() override { fs::remove_all(folder_); }

  // Overwrites the records, and nobody can tell by the file's time.
  void spoil() const {
    struct stat before{};
    ASSERT_EQ(stat(path_.c_str(), &before), 0);
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(0);
    file << std::string(200, 'x');
    file.close();
    const timespec times[] = {before.st_atim, before.st_mtim};
    ASSERT_EQ(utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(Served, LargeTracesAreReadOnce) {
  write_trace(path_, 600'000);
  {
    Traces traces({folder_});
    const auto open = traces.open(traces.list().at(0).id);
    ASSERT_EQ(open->trace.spans.size(), 600'000U);
    while (!fs::exists(trace::kept_beside(path_))) std::this_thread::yield();
    EXPECT_EQ(traces.list().size(), 1U);
  }
  spoil();

  Traces again({folder_});
  const auto open = again.open(again.list().at(0).id);

  EXPECT_EQ(open->trace.spans.size(), 600'000U);
  EXPECT_EQ(open->trace.spans[599'999].duration(), 10);
  EXPECT_EQ(open->sites().at(0).self, 6'000'000);
}

TEST_F(Served, ADamagedIndexIsMadeAnew) {
  write_trace(path_, 600'000);
  std::ofstream(trace::kept_beside(path_)) << "JLINDEX\nand nothing that follows from it";

  Traces traces({folder_});
  const auto open = traces.open(traces.list().at(0).id);
  while (fs::file_size(trace::kept_beside(path_)) < 1'000'000) std::this_thread::yield();

  EXPECT_EQ(open->trace.spans.size(), 600'000U);
}

TEST_F(Served, TenThousandTracksAreDrawn) {
  constexpr int tracks = 10'000;
  {
    trace::Writer writer(path_);
    writer.define(R"({"def": "clock", "ticks": 0, "ns": 0})");
    for (int s = 1; s <= tracks; ++s)
      writer.define(jetlag::format(R"({{"def": "site", "id": {}, "name": "site {}"}})", s, s));
    for (std::uint32_t t = 1; t <= tracks; ++t) {
      writer.define(
          jetlag::format(R"({{"def": "thread", "track": {}, "id": {}, "name": "t"}})", t, t));
      const trace::Record records[] = {{t, 0, 0, t, trace::Event::begin},
                                       {t + 50, 0, 0, t, trace::Event::end}};
      writer.add_columns(records, t, 0);
    }
    writer.close();
  }
  Traces traces({folder_});
  const auto open = traces.open(traces.list().at(0).id);
  const trace::Window all{0, open->trace.length, 1920};

  const auto rows = open->timeline.all_rows(all, {});

  ASSERT_EQ(rows.size(), static_cast<std::size_t>(tracks));
  for (const auto& of_track : rows) {
    ASSERT_EQ(of_track.size(), 1U);
    EXPECT_EQ(of_track[0].busy, 50);
  }
  EXPECT_EQ(open->sites().size(), static_cast<std::size_t>(tracks));
}

TEST_F(Served, SmallTracesLeaveNothingBeside) {
  write_trace(path_, 100);
  {
    Traces traces({folder_});
    traces.open(traces.list().at(0).id);
  }

  EXPECT_FALSE(fs::exists(trace::kept_beside(path_)));
}

}  // namespace
}  // namespace jetlag::routes
