#include <gtest/gtest.h>
#include <otf2/otf2.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <tuple>

#include "../error_of.h"
#include "trace/chunk/writer.h"
#include "trace/formats/format.h"
#include "trace/formats/otf2_child.h"

namespace jetlag::trace {
namespace {

namespace fs = std::filesystem;

// A folder for one test, gone with it.
class Otf2 : public testing::Test {
 protected:
  Otf2() {
    std::string name = (fs::temp_directory_path() / "otf2-test-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Otf2() override { fs::remove_all(folder_); }
  std::string path(const char* name) const { return (folder_ / name).string(); }

  fs::path folder_;
};

// What a recording could hold: nested spans, tasks that wait for others, samples, marks.
Trace random_trace(std::uint64_t seed, const std::string& file) {
  std::mt19937_64 random(seed);
  {
    Writer writer(file);
    writer.define(R"({"def":"clock","ticks":0,"ns":0})");
    writer.define(R"({"def":"run","host":"here","program":"a \"quoted\" name"})");
    for (int i = 1; i <= 5; ++i) {
      writer.define(format(R"({{"def":"site","id":{},"name":"site {}","category":"{}",)"
                           R"("function":"f","file":"/a/b.py","line":{},"column":{},"node":{},)"
                           R"("text":"x + {}"}})",
                           i, i, category_name(static_cast<Category>(i)), i, i * 2, i - 2, i));
    }
    writer.define(R"({"def":"counter","id":1,"name":"/a/b","unit":"B","kind":"gauge","doc":"d"})");
    writer.define(R"({"def":"counter","id":2,"name":"/a/c","unit":"","kind":"monotone"})");
    TaskId task = 0;
    for (std::uint32_t track = 1; track <= 3; ++track) {
      writer.define(format(R"({{"def":"thread","track":{},"id":{},"name":"thread {}","system":7}})",
                           track, (std::uint64_t{track / 2} << 32) + track, track));
      std::vector<Record> records;
      std::vector<Record> open;
      std::uint64_t now = random() % 50;
      const auto put = [&](Event event, TaskId of, std::uint64_t argument, SiteId site) {
        Record r;
        r.ticks = now;
        r.event = event;
        r.task = of;
        r.argument = argument;
        r.site = site;
        records.push_back(r);
      };
      for (int i = 0; i < 400; ++i) {
        now += random() % 3;
        switch (random() % 8) {
          case 0:
            ++task;
            put(Event::create, task, random() % (task + 1), random() % 6);
            break;
          case 1:
            put(Event::ready, task / 2 + 1, random() % (task + 1), std::bit_cast<SiteId>(8.5f));
            break;
          case 2:
          case 3:
            put(Event::begin, random() % 2 ? 0 : random() % (task + 1), 0, random() % 6);
            open.push_back(records.back());
            break;
          case 4:
          case 5:
            if (open.empty()) break;
            put(Event::end, open.back().task, 0, open.back().site);
            open.pop_back();
            break;
          case 6: put(Event::sample, 0, std::bit_cast<std::uint64_t>(0.1 * i), 1 + i % 2); break;
          default:
            if (random() % 2) put(Event::mark, random() % (task + 1), random(), random() % 6);
            else put(Event::work, random() % (task + 1), pack(1e6 + i, 3), 0);
        }
      }
      writer.add_columns(records, track, 0);
    }
    writer.close();
  }
  return load(file);
}

void expect_same(const Trace& a, const Trace& b) {
  EXPECT_EQ(a.facts, b.facts);
  EXPECT_EQ(a.sites, b.sites);
  EXPECT_EQ(a.length, b.length);
  EXPECT_EQ(a.closed, b.closed);
  EXPECT_EQ(a.dropped, b.dropped);
  const auto each = [](const auto& x, const auto& y, const auto& fields) {
    ASSERT_EQ(x.size(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(fields(x[i]), fields(y[i])) << i;
  };
  each(a.counters, b.counters,
       [](const Counter& c) { return std::tuple(c.name, c.unit, c.kind, c.doc); });
  each(a.threads, b.threads, [](const Thread& t) { return std::tuple(t.id, t.name, t.system); });
  each(a.spans, b.spans, [](const SpanRow& s) {
    return std::tuple(s.begin, s.end, s.site, s.thread, s.parent, s.task, s.open);
  });
  each(a.tasks, b.tasks, [](const TaskRow& t) {
    return std::tuple(t.id, t.site, t.parent, t.created, t.ready, t.begin, t.end, t.busy, t.bytes,
                      t.flops);
  });
  // Edges of one task and samples of one moment have no order.
  const auto edges = [](const Trace& t) {
    std::vector<std::tuple<Index, Index, double>> all;
    for (const Edge& e : t.edges) all.emplace_back(e.to, e.from, e.bytes);
    std::sort(all.begin(), all.end());
    return all;
  };
  EXPECT_EQ(edges(a), edges(b));
  const auto samples = [](const Trace& t) {
    std::vector<std::tuple<std::int64_t, Index, Index, double>> all;
    for (const Sample& s : t.samples) all.emplace_back(s.time, s.thread, s.counter, s.value);
    std::sort(all.begin(), all.end());
    return all;
  };
  EXPECT_EQ(samples(a), samples(b));
  each(a.points, b.points, [](const Point& p) {
    return std::tuple(p.time, p.event, p.site, p.thread, p.task, p.argument);
  });
  const auto sum = [](const Trace& t) {
    std::map<Index, std::pair<double, double>> of;
    for (const Work& w : t.work) {
      of[w.span].first += w.bytes;
      of[w.span].second += w.flops;
    }
    return of;
  };
  EXPECT_EQ(sum(a), sum(b));
}

class RandomTraces : public Otf2, public testing::WithParamInterface<std::uint64_t> {};

TEST_P(RandomTraces, ComeBackFromAnArchiveAsTheyWere) {
  const Trace trace = random_trace(GetParam(), path("a.jlt"));

  format_named("otf2").write(trace, path("archive"));

  const Trace back = open(path("archive"));
  EXPECT_EQ(back.complaints, std::vector<std::string>{});
  expect_same(trace, back);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomTraces, testing::Range<std::uint64_t>(0, 10));

TEST_F(Otf2, AnEmptyTraceComesBackEmpty) {
  format_named("otf2").write(Trace{}, path("archive"));

  const Trace back = open(path("archive") + "/traces.otf2");

  EXPECT_TRUE(back.spans.empty());
  EXPECT_EQ(back.length, 0);
}

OTF2_FlushType flush(void*, OTF2_FileType, OTF2_LocationRef, void*, bool) { return OTF2_FLUSH; }

// As another tool could write it: two processes with odd numbers, a clock of 1 MHz that begins
// anywhere, no attributes, no local definitions, a region that nobody defined, a leave without an
// enter and an enter without a leave, a class of two metrics of different types.
void write_foreign(const std::string& folder) {
  OTF2_Archive* a = OTF2_Archive_Open(folder.c_str(), "other", OTF2_FILEMODE_WRITE, 1 << 18,
                                      1 << 18, OTF2_SUBSTRATE_POSIX, OTF2_COMPRESSION_NONE);
  const OTF2_FlushCallbacks callbacks = {.otf2_pre_flush = flush, .otf2_post_flush = nullptr};
  OTF2_Archive_SetFlushCallbacks(a, &callbacks, nullptr);
  OTF2_Archive_SetSerialCollectiveCallbacks(a);
  OTF2_Archive_OpenEvtFiles(a);
  constexpr std::uint64_t begin = 5'000'000'000;
  const std::uint64_t ids[] = {77, 12345678901234, 3};
  for (const std::uint64_t id : ids) {
    OTF2_EvtWriter* w = OTF2_Archive_GetEvtWriter(a, id);
    OTF2_EvtWriter_Leave(w, nullptr, begin, 8);
    OTF2_EvtWriter_Enter(w, nullptr, begin + 1, 8);
    OTF2_EvtWriter_Enter(w, nullptr, begin + 2, 900);
    const OTF2_Type types[] = {OTF2_TYPE_INT64, OTF2_TYPE_DOUBLE};
    OTF2_MetricValue values[2];
    values[0].signed_int = -3;
    values[1].floating_point = 0.5;
    OTF2_EvtWriter_Metric(w, nullptr, begin + 3, 4, 2, types, values);
    OTF2_EvtWriter_Leave(w, nullptr, begin + 4, 900);
    OTF2_EvtWriter_MpiIsend(w, nullptr, begin + 5, 3, 0, 17, 4096, 1);
    OTF2_EvtWriter_MpiRecv(w, nullptr, begin + 6, 2, 0, 17, 512);
    OTF2_EvtWriter_ThreadFork(w, nullptr, begin + 7, OTF2_PARADIGM_OPENMP, 4);
    OTF2_EvtWriter_CallingContextEnter(w, nullptr, begin + 8, 11, 1);
    OTF2_EvtWriter_CallingContextLeave(w, nullptr, begin + 9, 11);
    OTF2_EvtWriter_Metric(w, nullptr, begin + 10, 2, 2, types, values);
    OTF2_EvtWriter_Metric(w, nullptr, begin + 10, 99, 2, types, values);
    OTF2_EvtWriter_Leave(w, nullptr, begin + 11, 8);
    OTF2_EvtWriter_Enter(w, nullptr, begin + 12, 8);
    OTF2_Archive_CloseEvtWriter(a, w);
  }
  OTF2_Archive_CloseEvtFiles(a);
  OTF2_GlobalDefWriter* g = OTF2_Archive_GetGlobalDefWriter(a);
  OTF2_GlobalDefWriter_WriteClockProperties(g, 1'000'000, begin, 20, OTF2_UNDEFINED_TIMESTAMP);
  const char* texts[] = {"", "solve", "solve.f90", "MISSES", "RATE", "n", "host"};
  for (std::uint32_t i = 0; i < std::size(texts); ++i)
    OTF2_GlobalDefWriter_WriteString(g, i, texts[i]);
  OTF2_GlobalDefWriter_WriteRegion(g, 8, 1, 1, 0, OTF2_REGION_ROLE_FUNCTION, OTF2_PARADIGM_COMPILER,
                                   OTF2_REGION_FLAG_NONE, 2, 42, 50);
  OTF2_GlobalDefWriter_WriteMetricMember(g, 6, 3, 0, OTF2_METRIC_TYPE_PAPI,
                                         OTF2_METRIC_ACCUMULATED_START, OTF2_TYPE_INT64,
                                         OTF2_BASE_DECIMAL, 3, 5);
  OTF2_GlobalDefWriter_WriteMetricMember(g, 9, 4, 0, OTF2_METRIC_TYPE_USER,
                                         OTF2_METRIC_ABSOLUTE_POINT, OTF2_TYPE_DOUBLE,
                                         OTF2_BASE_BINARY, 0, 5);
  OTF2_GlobalDefWriter_WriteSourceCodeLocation(g, 5, 2, 47);
  OTF2_GlobalDefWriter_WriteCallingContext(g, 11, 8, 5, OTF2_UNDEFINED_CALLING_CONTEXT);
  const OTF2_MetricMemberRef members[] = {6, 9};
  OTF2_GlobalDefWriter_WriteMetricClass(g, 2, 2, members, OTF2_METRIC_SYNCHRONOUS,
                                        OTF2_RECORDER_KIND_CPU);
  OTF2_GlobalDefWriter_WriteSystemTreeNode(g, 0, 6, 6, OTF2_UNDEFINED_SYSTEM_TREE_NODE);
  for (std::uint32_t group : {5, 6})
    OTF2_GlobalDefWriter_WriteLocationGroup(g, group, 6, OTF2_LOCATION_GROUP_TYPE_PROCESS, 0,
                                            OTF2_UNDEFINED_LOCATION_GROUP);
  for (std::uint32_t i = 0; i < 3; ++i)
    OTF2_GlobalDefWriter_WriteLocation(g, ids[i], 6, OTF2_LOCATION_TYPE_CPU_THREAD, 14,
                                       i == 2 ? 6 : 5);
  OTF2_GlobalDefWriter_WriteMetricInstance(g, 4, 2, 77, OTF2_SCOPE_LOCATION, 77);
  ASSERT_EQ(OTF2_Archive_Close(a), OTF2_SUCCESS);
}

TEST_F(Otf2, AnotherToolsArchiveOpens) {
  write_foreign(path("archive"));

  const Trace trace = open(path("archive/other.otf2"));

  ASSERT_EQ(trace.threads.size(), 3u);
  ASSERT_EQ(trace.spans.size(), 12u);
  ASSERT_EQ(trace.sites.size(), 2u);
  EXPECT_EQ(trace.sites[0].name, "solve");
  EXPECT_EQ(trace.sites[0].file, "solve.f90");
  EXPECT_EQ(trace.sites[0].line, 42);
  // Microseconds became nanoseconds, from the first event that means something.
  EXPECT_EQ(trace.spans[0].begin, 0);
  EXPECT_EQ(trace.spans[0].end, 10'000);
  EXPECT_EQ(trace.spans[1].begin, 1'000);
  EXPECT_EQ(trace.spans[1].end, 3'000);
  EXPECT_EQ(trace.spans[1].parent, 0);
  EXPECT_EQ(trace.spans[1].site, -1);
  // A calling context has a line of its own.
  EXPECT_EQ(trace.sites[1].line, 47);
  EXPECT_EQ(trace.spans[2].site, 1);
  EXPECT_EQ(trace.spans[2].parent, 0);
  EXPECT_TRUE(trace.spans[3].open);
  ASSERT_EQ(trace.samples.size(), 12u);
  std::map<std::string, double> values;
  for (const Sample& s : trace.samples)
    values[trace.counters[static_cast<std::size_t>(s.counter)].name] = s.value;
  EXPECT_EQ(values, (std::map<std::string, double>{{"MISSES", -3000}, {"RATE", 0.5}}));
  EXPECT_EQ(trace.threads[0].id >> 32, trace.threads[0].name == "host" ? 0u : 1u);
  // Instance 4 is about location 77, which is the second; class 2 is about its recorder.
  EXPECT_EQ(std::count_if(trace.samples.begin(), trace.samples.end(),
                          [](const Sample& sample) { return sample.thread == 1; }),
            8);
  std::vector<std::tuple<Event, double, double>> messages;
  for (const Point& p : trace.points) {
    if (p.thread == 0) messages.emplace_back(p.event, first_of(p.argument), second_of(p.argument));
  }
  EXPECT_EQ(messages, (std::vector<std::tuple<Event, double, double>>{{Event::send, 4096, 3},
                                                                      {Event::receive, 512, 2}}));
  EXPECT_EQ(
      trace.complaints,
      (std::vector<std::string>{
          "3 events name a region that nobody defined: they are left out or unknown",
          "3 events of threads have no place in a trace of jetlag: they are left out or unknown",
          "3 leaves have no enter: they are left out or unknown",
          "3 samples name a metric that nobody defined: they are left out or unknown"}));
}

TEST_F(Otf2, ALocationThatCannotBeReadLeavesTheOthers) {
  write_foreign(path("archive"));
  fs::resize_file(path("archive/other/77.evt"), 30);

  const Trace trace = open(path("archive"));

  EXPECT_EQ(std::count_if(trace.spans.begin(), trace.spans.end(),
                          [](const SpanRow& s) { return s.thread != 1; }),
            8);
  ASSERT_FALSE(trace.complaints.empty());
  EXPECT_EQ(trace.complaints[0].find("location 77 is left out"), 0u) << trace.complaints[0];
}

TEST(Otf2Child, WorkThatSaysNothingIsEnded) {
  const otf2::Outcome outcome = otf2::run_in_child(
      [](otf2::Line& line) {
        line.begin(3);
        line.begin(4);
        line.end(3);
        for (;;) pause();
      },
      std::chrono::milliseconds(1000));

  EXPECT_FALSE(outcome.done);
  EXPECT_EQ(outcome.open, std::set<std::uint64_t>{4});
  EXPECT_EQ(outcome.end, "said nothing for 1 s");
}

TEST(Otf2Child, WorkThatGivesSignsOfLifeIsNot) {
  // Longer in all than it may say nothing.
  const otf2::Outcome outcome = otf2::run_in_child(
      [](otf2::Line& line) {
        for (int i = 0; i < 22; ++i) {
          line.beat();
          usleep(50'000);
        }
      },
      std::chrono::milliseconds(1000));

  EXPECT_TRUE(outcome.done);
}

TEST(Otf2Child, LastWordsAndErrorsAreHeard) {
  const otf2::Outcome ended = otf2::run_in_child(
      [](otf2::Line&) {
        (void)!write(STDERR_FILENO, "no way\n", 7);
        _exit(9);
      },
      std::chrono::seconds(10));
  const otf2::Outcome failed =
      otf2::run_in_child([](otf2::Line&) { throw Error(Kind::io, "no space", "make some"); },
                         std::chrono::seconds(10));

  EXPECT_EQ(ended.end, "stopped with exit code 9: no way");
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->report(), "io: no space\n    hint: make some");
}

TEST_F(Otf2, DamagedArchivesAreErrorsOrOpen) {
  const Trace trace = random_trace(1, path("a.jlt"));
  format_named("otf2").write(trace, path("whole"));
  std::mt19937_64 random(5);
  int errors = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string archive = path(format("archive{}", i).c_str());
    fs::copy(path("whole"), archive, fs::copy_options::recursive);
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(archive)) {
      if (entry.is_regular_file() && entry.file_size() > 0) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    const fs::path victim = files[random() % files.size()];
    const std::uint64_t size = fs::file_size(victim);
    if (i % 2 == 0) {
      fs::resize_file(victim, random() % size);
    } else {
      std::fstream file(victim, std::ios::in | std::ios::out | std::ios::binary);
      for (int flips = 0; flips < 20; ++flips) {
        file.seekp(static_cast<std::streamoff>(random() % std::min<std::uint64_t>(size, 4000)));
        file.put(static_cast<char>(random()));
      }
    }
    testing::internal::CaptureStderr();
    std::string said;
    try {
      const Trace damaged = open(archive);
      for (const std::string& c : damaged.complaints) said += c;
    } catch (const Error& e) {
      said = e.message();
      EXPECT_NE(said, "");
    }
    errors += !said.empty();
    // What sanitizers find in the child is told as its last words.
    EXPECT_EQ(said.find("Sanitizer"), std::string::npos) << said;
    EXPECT_EQ(said.find("runtime error"), std::string::npos) << said;
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    fs::remove_all(archive);
  }
  EXPECT_GE(errors, 40);
}

TEST_F(Otf2, AFolderWithoutAnAnchorIsAnErrorThatSaysSo) {
  fs::create_directory(path("archive"));

  const std::string error = error_of([&] { open(path("archive")); });

  EXPECT_EQ(error, "value: " + path("archive") +
                       " has no anchor of an OTF2 archive\n    hint: an archive is a folder with a "
                       "file NAME.otf2, which is its anchor");
}

TEST_F(Otf2, AFileThatIsNoAnchorIsAnError) {
  std::ofstream(path("a.otf2")) << "no archive";

  EXPECT_NE(error_of([&] { open(path("a.otf2")); }).find("a.otf2 is damaged"), std::string::npos);
  EXPECT_NE(error_of([&] { open(path("b.otf2")); }).find("cannot read"), std::string::npos);
}

TEST_F(Otf2, AnArchiveIsNotWrittenOverAnother) {
  format_named("otf2").write(Trace{}, path("archive"));

  const std::string error = error_of([&] { format_named("otf2").write(Trace{}, path("archive")); });

  EXPECT_NE(error.find("it is there already"), std::string::npos);
}

}  // namespace
}  // namespace jetlag::trace
