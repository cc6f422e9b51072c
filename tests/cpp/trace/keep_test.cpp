// What was kept of a trace is the trace again, or nothing.
#include "trace/store/keep.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace jetlag::trace {
namespace {

namespace fs = std::filesystem;

Trace random_trace(unsigned seed, int count) {
  std::mt19937_64 random(seed);
  Trace t;
  t.sites.push_back({.name = "<b>a 🚀</b>", .category = Category::task, .file = "a.py", .line = 3});
  t.sites.push_back({.name = "", .text = "add(a, b)"});
  t.threads = {{0, "main", 7}, {std::uint64_t{1} << 32, "", 0}};
  t.counters.push_back({"/a", "B", CounterKind::rate, "a counter"});
  t.facts = {{"program", "fit.py"}, {"empty", ""}};
  t.complaints = {"something is missing"};
  for (Index thread = 0; thread < 2; ++thread) {
    std::int64_t now = 0;
    for (int i = 0; i < count; ++i) {
      now += static_cast<std::int64_t>(random() % 9);
      // Some take longer than 32 bits can say.
      const auto took = static_cast<std::int64_t>(random() % 50 ? random() % 999 : random() >> 28);
      const auto span = static_cast<Index>(t.spans.size());
      t.spans.push_back({now, now + took, static_cast<Index>(random() % 2), thread, -1,
                         static_cast<Index>(random() % 3) - 1, random() % 7 == 0});
      if (random() % 2) t.spans.push_back({now, now + took / 2, 0, thread, span, -1});
      now += took;
    }
    t.length = std::max(t.length, now);
  }
  for (int i = 0; i < 2; ++i) t.tasks.push_back({static_cast<std::uint64_t>(i) + 1, i});
  t.edges.push_back({0, 1, 8.5});
  t.samples.push_back({5, 0, 1, 2.5});
  t.points.push_back({6, Event::mark, 0, 0, 1, 77});
  t.work.push_back({0, 1, 2});
  return t;
}

class Keeping : public ::testing::Test {
 protected:
  Keeping() {
    folder_ = fs::temp_directory_path() / ("keep-" + std::to_string(getpid()));
    fs::create_directories(folder_ / "traces");
    path_ = folder_ / "traces" / "run.jlt";
    std::ofstream(path_) << "a trace";
  }
  ~Keeping() override {
    fs::permissions(folder_ / "traces", fs::perms::owner_all);
    fs::remove_all(folder_);
  }

  Trace made(int count = 5000) {
    Trace t = random_trace(3, count);
    t.path = path_;
    return t;
  }

  fs::path folder_;
  std::string path_;
};

void expect_same(const Trace& a, const Trace& b) {
  ASSERT_EQ(a.spans.size(), b.spans.size());
  for (std::size_t i = 0; i < a.spans.size(); ++i) {
    const SpanRow &x = a.spans[i], &y = b.spans[i];
    ASSERT_EQ(std::tuple(x.begin, x.end, x.site, x.thread, x.parent, Index{x.task}, bool{x.open}),
              std::tuple(y.begin, y.end, y.site, y.thread, y.parent, Index{y.task}, bool{y.open}));
  }
  EXPECT_EQ(a.path, b.path);
  EXPECT_EQ(a.facts, b.facts);
  EXPECT_EQ(a.sites, b.sites);
  EXPECT_EQ(a.counters, b.counters);
  EXPECT_EQ(a.complaints, b.complaints);
  EXPECT_EQ(a.threads[1].id, b.threads[1].id);
  EXPECT_EQ(a.threads[0].name, b.threads[0].name);
  EXPECT_EQ(a.tasks[1].id, b.tasks[1].id);
  EXPECT_EQ(a.edges[0].bytes, b.edges[0].bytes);
  EXPECT_EQ(a.samples[0].value, b.samples[0].value);
  EXPECT_EQ(a.points[0].argument, b.points[0].argument);
  EXPECT_EQ(a.work[0].flops, b.work[0].flops);
  EXPECT_EQ(a.length, b.length);
  EXPECT_EQ(a.closed, b.closed);
}

TEST_F(Keeping, GivesTheTraceAgain) {
  const Indexed fresh(made());
  const std::string identity = identity_of(path_);

  ASSERT_TRUE(keep(fresh, identity, ""));
  const auto kept = find_kept(path_, identity, "");

  ASSERT_TRUE(kept);
  expect_same(fresh.trace, kept->trace);
  EXPECT_EQ(fresh.sites().size(), kept->sites().size());
  EXPECT_EQ(fresh.sites()[0].self, kept->sites()[0].self);
  EXPECT_EQ(fresh.timeline.spans_of(1).size(), kept->timeline.spans_of(1).size());
}

TEST_F(Keeping, GivesTheSameRowsAtAnyZoom) {
  const Indexed fresh(made());
  const std::string identity = identity_of(path_);
  ASSERT_TRUE(keep(fresh, identity, ""));
  const auto kept = find_kept(path_, identity, "");
  ASSERT_TRUE(kept);
  const Nodes selected = fresh.timeline.of_sites(std::vector<Index>{1});
  for (const std::int64_t bins : {1, 7, 500}) {
    for (const std::int64_t part : {1, 10, 1000}) {
      const Window w{fresh.trace.length / 3, fresh.trace.length / 3 + fresh.trace.length / part,
                     bins};

      const auto a = fresh.timeline.all_rows(w, selected);
      const auto b = kept->timeline.all_rows(w, selected);

      ASSERT_EQ(a.size(), b.size());
      for (std::size_t t = 0; t < a.size(); ++t) {
        ASSERT_EQ(a[t].size(), b[t].size());
        for (std::size_t r = 0; r < a[t].size(); ++r) {
          EXPECT_EQ(a[t][r].begin, b[t][r].begin);
          EXPECT_EQ(a[t][r].end, b[t][r].end);
          EXPECT_EQ(a[t][r].busy, b[t][r].busy);
          EXPECT_EQ(a[t][r].lit, b[t][r].lit);
          EXPECT_EQ(a[t][r].site, b[t][r].site);
          EXPECT_EQ(a[t][r].span, b[t][r].span);
        }
      }
      EXPECT_EQ(fresh.timeline.busy(w, selected).all, kept->timeline.busy(w, selected).all);
    }
  }
}

TEST_F(Keeping, NoticesEveryDamagedByte) {
  const Indexed fresh(made(200));
  const std::string identity = identity_of(path_);
  ASSERT_TRUE(keep(fresh, identity, ""));
  const std::string index = kept_beside(path_);
  std::mt19937 random(1);
  const auto size = static_cast<std::int64_t>(fs::file_size(index));
  for (int i = 0; i < 300; ++i) {
    // The head's own padding says nothing.
    std::int64_t at = random() % static_cast<unsigned>(size);
    if (at >= 48 && at < 64) at = i % 48;
    std::fstream file(index, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(byte ^ (1 << random() % 8)));
    file.flush();

    EXPECT_FALSE(find_kept(path_, identity, "")) << "byte " << at;

    file.seekp(at);
    file.put(byte);
  }
  EXPECT_TRUE(find_kept(path_, identity, ""));
}

TEST_F(Keeping, NoticesAFileThatIsCutOff) {
  const Indexed fresh(made(200));
  const std::string identity = identity_of(path_);
  ASSERT_TRUE(keep(fresh, identity, ""));
  const std::string index = kept_beside(path_);
  for (auto size = fs::file_size(index); size > 0; size = size * 2 / 3) {
    fs::resize_file(index, size - 1);

    EXPECT_FALSE(find_kept(path_, identity, ""));
  }
}

TEST_F(Keeping, IsOfTheFilesAsTheyWere) {
  const Indexed fresh(made(50));
  ASSERT_TRUE(keep(fresh, identity_of(path_), ""));

  std::ofstream(path_, std::ios::app) << "more";

  EXPECT_FALSE(find_kept(path_, identity_of(path_), ""));
}

TEST_F(Keeping, UsesTheCacheWhereTheFolderCannotBeWritten) {
  if (geteuid() == 0) {
    // Root may write anywhere: a folder in the place of the file is in its way as well.
    fs::create_directories(kept_beside(path_) + "/taken");
  } else {
    fs::permissions(folder_ / "traces", fs::perms::owner_read | fs::perms::owner_exec);
  }
  const Indexed fresh(made(50));
  const std::string cache = folder_ / "cache";

  EXPECT_FALSE(keep(fresh, identity_of(path_), ""));
  ASSERT_TRUE(keep(fresh, identity_of(path_), cache));

  EXPECT_TRUE(find_kept(path_, identity_of(path_), cache));
  EXPECT_FALSE(find_kept(path_, identity_of(path_), ""));
}

TEST_F(Keeping, MayBeReadByWhoMayReadTheTrace) {
  fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write);
  const Indexed fresh(made(50));
  ASSERT_TRUE(keep(fresh, identity_of(path_), ""));

  struct stat status{};
  ASSERT_EQ(stat(kept_beside(path_).c_str(), &status), 0);

  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(Keeping, LeavesNothingWhenItIsStopped) {
  const Indexed fresh(made(50));
  std::stop_source stop;
  stop.request_stop();

  EXPECT_FALSE(keep(fresh, identity_of(path_), folder_ / "cache", stop.get_token()));

  for (const auto& entry : fs::recursive_directory_iterator(folder_))
    EXPECT_TRUE(entry.is_directory() || entry.path() == path_) << entry.path();
}

TEST_F(Keeping, FollowsLinksToTheTrace) {
  fs::create_symlink(path_, folder_ / "link.jlt");

  EXPECT_EQ(kept_beside(folder_ / "link.jlt"), kept_beside(path_));
}

}  // namespace
}  // namespace jetlag::trace
