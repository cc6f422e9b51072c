// What tasks leave in a trace.
#include <gtest/gtest.h>

#include <barrier>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "runtime/exec/flight.h"
#include "runtime/tasks/tasks.h"
#include "trace/store/trace.h"

namespace jetlag::tasks {
namespace {

class RecordedTasks : public testing::Test {
 protected:
  RecordedTasks() {
    std::string folder = testing::TempDir() + "tasks-XXXXXX";
    folder_ = mkdtemp(folder.data());
    set_workers(2);
    trace::start_recording(folder_ + "/run.jlt");
  }
  ~RecordedTasks() override { std::filesystem::remove_all(folder_); }

  trace::Trace recorded() const {
    trace::stop_recording();
    return trace::load(folder_ + "/run.jlt");
  }

  static Work work(const std::string& name, std::int64_t blocks,
                   std::function<void(std::int64_t)> body) {
    Work w;
    w.blocks = blocks;
    w.site = trace::define({.name = name});
    w.body = std::move(body);
    return w;
  }
  static std::vector<trace::Point> points(const trace::Trace& t, trace::Event event) {
    std::vector<trace::Point> found;
    for (const trace::Point& p : t.points) {
      if (p.event == event) found.push_back(p);
    }
    return found;
  }

  std::string folder_;
};

TEST_F(RecordedTasks, ThatAnotherWorkerBeginsAreStolenFromTheOneThatMadeThemReady) {
  std::promise<void> go, over;
  std::barrier both(2);
  const TaskPtr first = Task::start(
      work("first", 1, [gate = go.get_future().share()](std::int64_t) { gate.wait(); }), {});
  Work second = work("second", 2, [&](std::int64_t) { both.arrive_and_wait(); });
  second.done = [&](const Task&) { over.set_value(); };
  const TaskPtr waits = Task::start(std::move(second), std::vector<TaskPtr>{first});

  go.set_value();
  over.get_future().wait();

  const trace::Trace t = recorded();
  const auto steals = points(t, trace::Event::steal);
  ASSERT_EQ(steals.size(), 1u);
  const auto of_first = std::find_if(t.spans.begin(), t.spans.end(), [&](const auto& s) {
    return t.sites[static_cast<std::size_t>(s.site)].name == "first";
  });
  const auto thread = [&](trace::Index i) { return t.threads[static_cast<std::size_t>(i)]; };
  EXPECT_EQ(steals[0].argument, thread(of_first->thread).id);
  EXPECT_NE(steals[0].thread, of_first->thread);
  EXPECT_EQ(t.sites[static_cast<std::size_t>(steals[0].site)].name, "second");
}

TEST_F(RecordedTasks, ThatTheCallerHandsOutAreNotStolen) {
  std::promise<void> over;
  Work w = work("only", 1, [](std::int64_t) {});
  w.done = [&](const Task&) { over.set_value(); };

  const TaskPtr task = Task::start(std::move(w), {});
  over.get_future().wait();

  EXPECT_TRUE(points(recorded(), trace::Event::steal).empty());
}

TEST_F(RecordedTasks, ThatWaitForOthersAreSuspendedMeanwhile) {
  using namespace std::chrono_literals;
  struct Alone : exec::Host {
    void print(const std::vector<Value>&, Keywords, bool) override {}
    void let_go() override { waits = true; }
    std::atomic<bool> waits{false};
  } host;
  const std::shared_ptr<exec::Flight> flight = exec::Flight::take();
  flight->depart(0, false);
  std::promise<void> over;
  Work outer = work("outer", 1, [&](std::int64_t) {
    Work inner = work("inner", 1, [&host](std::int64_t) {
      while (!host.waits) std::this_thread::sleep_for(1ms);
      std::this_thread::sleep_for(2ms);
    });
    inner.done = [flight](const Task&) { flight->arrive(0, false); };
    Task::start(std::move(inner), {});
    flight->wait(host, [&] { return flight->outstanding() == 0; });
  });
  outer.done = [&](const Task&) { over.set_value(); };

  const TaskPtr task = Task::start(std::move(outer), {});
  over.get_future().wait();

  const trace::Trace t = recorded();
  const auto out = points(t, trace::Event::suspend), back = points(t, trace::Event::resume);
  ASSERT_EQ(out.size(), 1u);
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(out[0].task, back[0].task);
  const trace::TaskRow& row = t.tasks[static_cast<std::size_t>(out[0].task)];
  EXPECT_EQ(row.busy, row.end - row.begin - (back[0].time - out[0].time));
}

TEST_F(RecordedTasks, MessagesSayTheirBytesAndTheOtherRank) {
  trace::record_send(4096, 3);
  trace::record_receive(128, 1);

  const trace::Trace t = recorded();
  ASSERT_EQ(t.points.size(), 2u);
  EXPECT_EQ(t.points[0].event, trace::Event::send);
  EXPECT_EQ(trace::value_of(trace::Event::send, t.points[0].argument), 4096);
  EXPECT_EQ(trace::rank_of(trace::Event::send, t.points[0].argument), 3);
  EXPECT_EQ(trace::value_of(trace::Event::receive, t.points[1].argument), 128);
  EXPECT_EQ(trace::rank_of(trace::Event::receive, t.points[1].argument), 1);
  EXPECT_EQ(trace::rank_of(trace::Event::steal, 7), -1);
}

}  // namespace
}  // namespace jetlag::tasks
