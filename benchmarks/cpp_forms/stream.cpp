// How fast memory can be read: threads that each sum a part of an array, with prefetch, and no
// other work. What comes out is the limit of a program that must read the array once.

#include <cstdint>
#include <thread>
#include <vector>

using Int = std::int64_t;

namespace {

constexpr Int ahead = 64;  // doubles: eight cache lines
constexpr Int sums = 32;   // independent chains, enough to hide the latency of an addition

double sum_of(const double* x, Int n) {
  double total[sums] = {};
  Int i = 0;
  for (; i + sums <= n; i += sums) {
    for (Int line = 0; line < sums; line += 8) __builtin_prefetch(x + i + ahead + line);
    for (Int k = 0; k < sums; k++) total[k] += x[i + k];
  }
  for (; i < n; i++) total[0] += x[i];
  double result = 0.0;
  for (double part : total) result += part;
  return result;
}

}  // namespace

extern "C" double read_all(const double* x, Int n, Int passes, Int threads) {
  std::vector<double> results(static_cast<std::size_t>(threads) * 8);
  std::vector<std::thread> team;
  for (Int t = 0; t < threads; t++) {
    team.emplace_back([&, t] {
      Int begin = n * t / threads, end = n * (t + 1) / threads;
      double total = 0.0;
      for (Int pass = 0; pass < passes; pass++) total += sum_of(x + begin, end - begin);
      results[static_cast<std::size_t>(t) * 8] = total;
    });
  }
  for (std::thread& thread : team) thread.join();
  double total = 0.0;
  for (double part : results) total += part;
  return total;
}
