#include "compiler/jit/background.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace jetlag::jit {

namespace {

// Never destroyed: the thread may outlive everything but the process.
struct Queue {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> works;
  bool stopping = false;
  bool forked = false;
  std::thread thread;
};

Queue*& queue() {
  static Queue* q = new Queue;
  return q;
}

void run(Queue& q) {
  // Others have the processor first, but not for good.
  constexpr int niceness = 4;
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), niceness);
  std::unique_lock lock(q.mutex);
  while (true) {
    q.changed.wait(lock, [&] { return q.stopping || !q.works.empty(); });
    if (q.stopping) return;
    std::function<void()> work = std::move(q.works.front());
    q.works.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

// Signals are for the threads that the user knows.
std::thread quiet_thread(Queue& q) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  try {
    thread = std::thread([&q] { run(q); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

void in_background(std::function<void()> work) {
  Queue& q = *queue();
  {
    std::scoped_lock lock(q.mutex);
    if (q.stopping) return;
    try {
      if (!q.thread.joinable()) q.thread = quiet_thread(q);
    } catch (const std::system_error&) {
      return;  // no thread to be had: then nobody does it
    }
    q.works.push_back(std::move(work));
  }
  q.changed.notify_one();
}

void finish_background() {
  Queue& q = *queue();
  std::thread thread;
  {
    std::scoped_lock lock(q.mutex);
    q.stopping = true;
    thread.swap(q.thread);
  }
  q.changed.notify_all();
  if (thread.joinable()) thread.join();
}

bool has_background() {
  Queue& q = *queue();
  std::scoped_lock lock(q.mutex);
  return !q.stopping && !q.forked;
}

void forget_background() {
  queue() = new Queue;
  queue()->forked = true;
}

}  // namespace jetlag::jit
