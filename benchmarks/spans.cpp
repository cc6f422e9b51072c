// What a span costs: its begin and its end, while something is recorded and while nothing is.
// Prints JSON in seconds: the median of rounds taken in turns, beside two looks at the clock alone.
// A thread's first span makes its ring.
//
//   jetlag_bench_spans [spans per round] [rounds]
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/text.h"
#include "trace/record/record.h"
#include "trace/record/ticks.h"

namespace {

using namespace jetlag;

template <class F>
double seconds_each(int count, const F& f) {
  const std::int64_t begin = now_ns();
  for (int i = 0; i < count; ++i) f();
  return static_cast<double>(now_ns() - begin) * 1e-9 / count;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  // Fewer than a ring holds, so that none is dropped.
  const int count = std::min(argc > 1 ? std::max(std::atoi(argv[1]), 1) : 20'000, 30'000);
  const int rounds = argc > 2 ? std::max(std::atoi(argv[2]), 1) : 31;
  const auto file = std::filesystem::temp_directory_path() / format("spans-{}.jlt", getpid());
  const trace::SiteId site = trace::define({.name = "span"});
  std::vector<double> clocks, on, off, first;
  std::uint64_t dropped = 0;
  volatile std::uint64_t seen = 0;
  for (int i = 0; i < rounds; ++i) {
    off.push_back(seconds_each(count, [&] { trace::Span span(site); }));
    clocks.push_back(seconds_each(count, [&] {
      seen = trace::ticks();
      seen = trace::ticks();
    }));
    trace::start_recording(file);
    first.push_back(seconds_each(1, [&] { trace::Span span(site); }));
    on.push_back(seconds_each(count, [&] { trace::Span span(site); }));
    dropped += trace::stop_recording().dropped;
  }
  std::filesystem::remove(file);
  const nlohmann::ordered_json result = {
      {"a span", median(on)},
      {"two looks at the clock", median(clocks)},
      {"while nothing is recorded", median(off)},
      {"a thread's first", median(first)},
      {"dropped", dropped},
  };
  std::cout << result.dump(2) << "\n";
}
