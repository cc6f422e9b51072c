// How long the viewer waits for a window of a large trace:
// jetlag_bench_view SLICES TRACKS FOLDER.
//
// Makes a trace in memory, of tasks of a few sites with gaps between them, keeps it in FOLDER as
// the server does, opens that again, and asks for full-width windows at random places, at each
// zoom. Prints one line of JSON; FOLDER/run.jlt is left, to be looked at.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>

#include "trace/store/keep.h"

using namespace jetlag::trace;

namespace {

constexpr int sites = 24;
constexpr int windows = 40;  // of each zoom
constexpr std::int64_t pixels = 1920;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Trace make(std::int64_t slices, int tracks) {
  std::mt19937_64 random(1);
  Trace trace;
  for (int s = 0; s < sites; ++s) trace.sites.push_back({.name = "site " + std::to_string(s)});
  trace.spans.reserve(static_cast<std::size_t>(slices));
  for (int t = 0; t < tracks; ++t) {
    trace.threads.push_back({static_cast<std::uint64_t>(t), "worker " + std::to_string(t), 0});
    std::int64_t now = 0;
    for (std::int64_t i = 0; i < slices / tracks; ++i) {
      const std::uint64_t r = random();
      now += static_cast<std::int64_t>(r % 700);
      const auto took = static_cast<std::int64_t>(200 + (r >> 10) % 3000);
      trace.spans.push_back({now, now + took, static_cast<Index>((r >> 40) % sites), t, -1, -1});
      now += took;
    }
    trace.length = std::max(trace.length, now);
  }
  return trace;
}

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "jetlag_bench_view SLICES TRACKS FOLDER\n";
    return 2;
  }
  const std::int64_t slices = std::atoll(argv[1]);
  const int tracks = std::atoi(argv[2]);
  namespace fs = std::filesystem;
  const fs::path folder = argv[3];
  fs::create_directories(folder);
  const std::string path = folder / "run.jlt";
  std::ofstream(path) << "stands for the trace";
  const std::string identity = identity_of(path);
  auto start = std::chrono::steady_clock::now();
  double built = 0;
  {
    Trace made = make(slices, tracks);
    made.path = path;
    start = std::chrono::steady_clock::now();
    const Indexed fresh(std::move(made));
    fresh.sites();
    built = seconds_since(start);
    start = std::chrono::steady_clock::now();
    if (!keep(fresh, identity, "")) {
      std::cerr << "there is no room for the index in " << folder << '\n';
      return 1;
    }
  }
  const double kept = seconds_since(start);
  double opened = 1e9;  // warm: the best of three
  std::shared_ptr<const Indexed> indexed;
  for (int i = 0; i < 3; ++i) {
    indexed.reset();
    start = std::chrono::steady_clock::now();
    indexed = find_kept(path, identity, "");
    opened = std::min(opened, seconds_since(start));
  }
  const Trace& trace = indexed->trace;
  const Timeline& timeline = indexed->timeline;
  std::int64_t index = 0;
  for (const auto& t : timeline.tracks()) index += t.slices.index_bytes();
  const auto file = static_cast<double>(fs::file_size(kept_beside(path)));

  std::mt19937_64 random(2);
  const Nodes selected = timeline.of_sites(std::vector<Index>{3});
  std::vector<double> all;
  double rows = 0;
  nlohmann::json zooms = nlohmann::json::object();
  for (const double share : {1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4, 1e-5}) {
    std::vector<double> here;
    const std::clock_t before = std::clock();
    for (int i = 0; i < windows; ++i) {
      const auto width = static_cast<std::int64_t>(static_cast<double>(trace.length) * share) + 1;
      const auto room = static_cast<std::uint64_t>(trace.length - width + 2);
      const auto begin = static_cast<std::int64_t>(random() % room);
      const auto asked = std::chrono::steady_clock::now();
      for (const auto& of_track : timeline.all_rows({begin, begin + width, pixels}, selected))
        rows += static_cast<double>(of_track.size());
      here.push_back(seconds_since(asked) * 1e3);
    }
    // Of all cores together: what the machine's other work does not change much.
    const double cpu_ms =
        1e3 * static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC / windows;
    all.insert(all.end(), here.begin(), here.end());
    zooms[std::to_string(share)] = {{"median_ms", percentile(here, 0.5)},
                                    {"p99_ms", percentile(here, 0.99)},
                                    {"cpu_ms", cpu_ms}};
  }
  std::cout << nlohmann::json{{"slices", trace.spans.size()},
                              {"tracks", tracks},
                              {"built_s", built},
                              {"kept_s", kept},
                              {"opened_s", opened},
                              {"file_mb", file / 1e6},
                              {"index_mb", static_cast<double>(index) / 1e6},
                              {"rows_a_window", rows / static_cast<double>(all.size())},
                              {"median_ms", percentile(all, 0.5)},
                              {"p99_ms", percentile(all, 0.99)},
                              {"zooms", zooms}}
                   .dump()
            << '\n';
}
