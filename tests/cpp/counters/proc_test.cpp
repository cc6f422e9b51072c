#include "trace/counters/proc.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <new>
#include <random>

#include "base/error.h"

namespace jetlag::trace {
namespace {

const ProcFile& file_named(std::string_view path) {
  for (const ProcFile& f : proc_files()) {
    if (f.path == path) return f;
  }
  throw Error(Kind::key, std::string(path));
}

// "instance/name" and the value.
std::map<std::string, double> figures(std::string_view path, std::string_view text) {
  std::map<std::string, double> found;
  file_named(path).parse(
      text, [&](const Figure& f) { found[format("{}/{}", f.instance, f.name)] = f.value; });
  return found;
}

using Figures = std::map<std::string, double>;

TEST(Proc, ReadsTheTimesOfEachProcessor) {
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));

  const Figures found = figures("/proc/stat",
                                "cpu  100 2 30 400 5 6 7 8 0 0\n"
                                "cpu0 50 1\n"
                                "intr 1234 5 6 7\n"
                                "ctxt 99\n"
                                "btime 1700000000\n"
                                "procs_running 3\n");

  EXPECT_EQ(found, (Figures{{"total/user", 100 / ticks},
                            {"total/nice", 2 / ticks},
                            {"total/system", 30 / ticks},
                            {"total/idle", 400 / ticks},
                            {"total/iowait", 5 / ticks},
                            {"total/irq", 6 / ticks},
                            {"total/softirq", 7 / ticks},
                            {"total/steal", 8 / ticks},
                            {"cpu0/user", 50 / ticks},
                            {"cpu0/nice", 1 / ticks},
                            {"total/interrupts", 1234},
                            {"total/context-switches", 99},
                            {"total/running", 3}}));
}

TEST(Proc, ReadsMemoryInBytes) {
  EXPECT_EQ(figures("/proc/meminfo",
                    "MemTotal:       24000 kB\nActive(anon):  5 kB\nHugePages_Total:  3\n"),
            (Figures{{"total/MemTotal", 24000.0 * 1024}, {"total/Active(anon)", 5.0 * 1024}}));
}

TEST(Proc, ReadsTheStateOfTheProcess) {
  EXPECT_EQ(figures("/proc/self/status",
                    "Name:\tVmRSS: 7 kB\nVmRSS:\t  12 kB\nThreads:\t4\n"
                    "voluntary_ctxt_switches:\t15\nnonvoluntary_ctxt_switches:\t3\n"),
            (Figures{{"total/VmRSS", 12.0 * 1024},
                     {"total/threads", 4},
                     {"total/voluntary-switches", 15},
                     {"total/involuntary-switches", 3}}));
}

TEST(Proc, ReadsFilesNetworkAndLoad) {
  EXPECT_EQ(figures("/proc/self/io", "rchar: 12\nsyscr: 3\n"),
            (Figures{{"total/rchar", 12}, {"total/syscr", 3}}));
  EXPECT_EQ(figures("/proc/self/net/dev",
                    "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes\n"
                    "  eth0: 10 2 0 1 0 0 0 0 30 4 0 0 0 0 0 0\n"),
            (Figures{{"eth0/received-bytes", 10},
                     {"eth0/received-packets", 2},
                     {"eth0/received-errors", 0},
                     {"eth0/received-dropped", 1},
                     {"eth0/sent-bytes", 30},
                     {"eth0/sent-packets", 4},
                     {"eth0/sent-errors", 0},
                     {"eth0/sent-dropped", 0}}));
  EXPECT_EQ(figures("/proc/loadavg", "0.20 1.50 0.12 2/80 11206\n"),
            (Figures{{"total/load-1min", 0.2},
                     {"total/load-5min", 1.5},
                     {"total/load-15min", 0.12},
                     {"total/running", 2},
                     {"total/threads", 80}}));
}

TEST(Proc, GarbageGivesNothingThatIsNoFigure) {
  std::mt19937 random(7);
  const std::vector<std::string> good = {
      "cpu  100 2 30 400 5 6 7 8 0 0\ncpu0 50 1 2 3 4 5 6 7\nctxt 99\n",
      "MemTotal:       24000 kB\nMemFree:  5 kB\n",
      "VmRSS:\t  12 kB\nThreads:\t4\n",
      "rchar: 12\nsyscr: 3\n",
      "  eth0: 10 2 0 1 0 0 0 0 30 4 0 0 0 0 0 0\n",
      "0.20 1.50 0.12 2/80 11206\n",
      std::string(40, '\0'),
      "cpu -1 nan inf 1e999 0x10 99999999999999999999999999\n:::\n:\n/\n\n"};
  const auto any = [&](std::size_t below) {
    return std::uniform_int_distribution<std::size_t>(0, below - 1)(random);
  };
  int told = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = good[any(good.size())] + good[any(good.size())];
    for (std::size_t i = any(12); i > 0; --i) {
      const std::size_t at = any(text.size());
      switch (any(4)) {
        case 0: text[at] = static_cast<char>(any(256)); break;
        case 1: text.erase(at, 1 + any(5)); break;
        case 2: text.insert(at, 1, " :\n\t9/-."[any(8)]); break;
        default: text.resize(at);
      }
      if (text.empty()) text = " ";
    }
    // Exactly as long as it is: a read beyond its end is seen by the address sanitizer.
    const std::vector<char> exact(text.begin(), text.end());
    for (const ProcFile& f : proc_files()) {
      f.parse({exact.data(), exact.size()}, [&](const Figure& figure) {
        ++told;
        ASSERT_TRUE(std::isfinite(figure.value) && figure.value >= 0);
        ASSERT_FALSE(figure.name.empty() || figure.instance.empty() || figure.unit.empty());
        ASSERT_EQ(figure.name.find_first_of("{}*?/ \n"), std::string_view::npos);
        ASSERT_EQ(figure.instance.find_first_of("{}*?/ \n"), std::string_view::npos);
      });
    }
  }
  EXPECT_GT(told, 1000);
}

class ProcFolder : public testing::Test {
 protected:
  ProcFolder() {
    std::string folder = testing::TempDir() + "proc-XXXXXX";
    folder_ = mkdtemp(folder.data());
  }
  ~ProcFolder() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& text) const {
    std::ofstream(folder_ + "/file") << text;
    return folder_ + "/file";
  }
  std::string folder_;
};

TEST_F(ProcFolder, ACounterKeepsItsPlaceWhenLinesComeAndGo) {
  const std::string path = write("MemTotal: 1 kB\nMemFree: 2 kB\n");
  const auto source = proc_source(file_named("/proc/meminfo"), path);
  ASSERT_EQ(source->list().size(), 2u);
  write("Cached: 7 kB\nMemFree: 3 kB\n");

  const std::size_t places[] = {0, 1};
  Reading values[2];
  source->read(places, values);

  EXPECT_TRUE(std::isnan(values[0].value));
  EXPECT_EQ(values[1].value, 3 * 1024);
  const std::vector<ListedCounter> all = source->list();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].counter.name, "/proc/meminfo{0/total}/MemTotal");
  EXPECT_EQ(all[2].counter.name, "/proc/meminfo{0/total}/Cached");
}

TEST_F(ProcFolder, AFileThatCannotBeReadIsListedWithTheReason) {
  const auto source = proc_source(file_named("/proc/self/io"), folder_ + "/none");

  const std::vector<ListedCounter> all = source->list();

  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].missing, format("cannot read {}/none: No such file or directory", folder_));
}

TEST_F(ProcFolder, AFileLongerThanTheBufferIsReadWhole) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += format("Name{}: {} kB\n", i, i);
  const auto source = proc_source(file_named("/proc/meminfo"), write(text));

  ASSERT_EQ(source->list().size(), 5000u);
  const std::size_t last = 4999;
  Reading value;
  source->read({&last, 1}, {&value, 1});

  EXPECT_EQ(value.value, 4999.0 * 1024);
}

TEST(ProcMachine, TheMachineItselfIsRead) {
  CounterReader reader({"/proc/*"});
  const std::span<const double> values = reader.read();
  std::map<std::string, double> found;
  for (std::size_t i = 0; i < values.size(); ++i) found[reader.counters()[i].name] = values[i];

  EXPECT_GT(found.at("/proc/meminfo{0/total}/MemTotal"), 1e6);
  EXPECT_GT(found.at("/proc/self/status{0/total}/VmRSS"), 1e6);
  EXPECT_GE(found.at("/proc/self/status{0/total}/threads"), 1);
  EXPECT_GT(found.at("/proc/stat{0/total}/user") + found.at("/proc/stat{0/total}/system"), 0);
}

}  // namespace
}  // namespace jetlag::trace
