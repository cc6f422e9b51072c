#include "runtime/exec/flight.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>

namespace jetlag::exec {
namespace {

using namespace std::chrono_literals;

struct Alone : Host {
  void print(const std::vector<Value>&, Keywords, bool) override {}
  void let_go() override { waits = true; }
  std::atomic<bool> waits{false};
};

TEST(Flight, WhoeverWaitsUntilFewAreLeftIsNotWokenBefore) {
  Alone host;
  Flight flight;
  for (int i = 0; i < 8; ++i) flight.depart(0, false);
  std::future<std::int64_t> waits = std::async(std::launch::async, [&] {
    flight.wait_until_few(host, 3);
    return flight.outstanding();
  });

  while (!host.waits) std::this_thread::sleep_for(1ms);
  for (int i = 0; i < 4; ++i) flight.arrive(0, false);
  const bool early = waits.wait_for(1ms) == std::future_status::ready;
  flight.arrive(0, false);

  EXPECT_FALSE(early);
  EXPECT_EQ(waits.get(), 3);
}

TEST(Flight, EveryArrivalWakesWhoeverWaitsForSomethingElse) {
  Alone host;
  Flight flight;
  for (int i = 0; i < 8; ++i) flight.depart(0, i == 0);
  std::future<void> waits = std::async(
      std::launch::async, [&] { flight.wait(host, [&] { return flight.fallible() == 0; }); });

  while (!host.waits) std::this_thread::sleep_for(1ms);
  flight.arrive(0, true);
  waits.get();

  EXPECT_EQ(flight.outstanding(), 7);
}

}  // namespace
}  // namespace jetlag::exec
