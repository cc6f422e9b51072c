#include "trace/policy/policy.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "base/clock.h"
#include "base/error.h"
#include "trace/record/listen.h"
#include "trace/record/record.h"

namespace jetlag::policy {

namespace {

constexpr std::int64_t least_period_ns = 1'000'000;

// Of ready and of sample the site field says something else.
trace::SiteId site_in(const trace::Record& r) {
  return r.event == trace::Event::ready || r.event == trace::Event::sample ? 0 : r.site;
}

// A policy, and what is known of it.
struct Held {
  explicit Held(Policy p) : policy(std::move(p)) {}

  // For the listener, which is one at a time.
  void hear(const trace::Record& r) {
    const trace::SiteId site = site_in(r);
    if (!policy.of.empty() && !has_name(site)) return;
    last_site.store(site, std::memory_order_relaxed);
    last_value.store(trace::value_of(r.event, r.argument), std::memory_order_relaxed);
    heard.fetch_add(1, std::memory_order_release);
  }
  bool has_name(trace::SiteId site) {
    const auto [at, fresh] = fits.try_emplace(site, false);
    if (fresh) at->second = site != 0 && trace::site_at(site).name == policy.of;
    return at->second;
  }

  const Policy policy;
  trace::SiteId site = 0;
  std::unordered_map<trace::SiteId, bool> fits;
  std::atomic<std::int64_t> heard{0};
  std::atomic<double> last_value{0};
  std::atomic<trace::SiteId> last_site{0};
  // For the thread of the policies.
  std::int64_t due_ns = 0;
  std::vector<double> values;
  // With the lock held.
  std::int64_t fired = 0;
  std::string trouble;
  std::atomic<bool> on{true};
};
using HeldPtr = std::shared_ptr<Held>;
using List = std::vector<HeldPtr>;

struct Due {
  HeldPtr held;
  Cause cause;
};

class Engine {
 public:
  void add(Policy policy);
  bool remove(std::string_view name);
  void fire(std::string_view name, double value);
  bool wait(std::int64_t timeout_ns);
  std::vector<Status> list();
  std::vector<Firing> log();
  void stop();

 private:
  // Lists are never changed: whoever walks one goes on with it while another takes its place.
  std::shared_ptr<const List> policies() const { return list_.load(std::memory_order_acquire); }
  void put_list(List list) { list_.store(std::make_shared<const List>(std::move(list))); }
  void listen_if_wanted();
  void hear(std::uint32_t track, std::span<const trace::Record> records);
  void start_thread();
  void run();
  std::optional<Due> next(std::int64_t now, std::int64_t& wake);
  bool window_holds(Held& held, Cause& cause);
  void act(const Due& due);
  void switch_off(Held& held, const std::string& trouble);

  std::atomic<std::shared_ptr<const List>> list_{std::make_shared<const List>()};
  std::mutex changes_;  // of the list: one at a time
  std::mutex mutex_;
  std::condition_variable wake_, quiet_;
  std::deque<Due> fired_;  // by the user
  std::deque<Firing> log_;
  std::atomic<std::uint32_t> own_track_{trace::no_track};
  bool news_ = false;  // since the thread last looked
  bool acting_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

// Never destroyed: the thread may outlive everything but the process.
Engine*& engine() {
  static Engine* e = new Engine;
  return e;
}

void check(const Policy& p) {
  if (p.name.empty()) throw Error(Kind::value, "a policy needs a name");
  const auto refuse = [&](std::string_view why) {
    throw Error(Kind::value, format("policy '{}': {}", p.name, why));
  };
  const bool periodic = p.trigger == Trigger::period || p.trigger == Trigger::window;
  if (periodic && p.every_ns < least_period_ns) refuse("its period must be a millisecond or more");
  if (p.trigger == Trigger::window && p.window < 1) refuse("its window must hold a value or more");
  if (p.trigger == Trigger::event && p.event == trace::Event::none) refuse("it names no event");
}

void Engine::add(Policy policy) {
  check(policy);
  auto held = std::make_shared<Held>(std::move(policy));
  held->site = trace::define({.name = "policy " + held->policy.name,
                              .category = trace::Category::runtime,
                              .file = held->policy.file,
                              .line = held->policy.line});
  held->due_ns = now_ns() + held->policy.every_ns;
  std::scoped_lock changing(changes_);
  List list = *policies();
  std::erase_if(list, [&](const HeldPtr& h) { return h->policy.name == held->policy.name; });
  list.push_back(std::move(held));
  put_list(std::move(list));
  listen_if_wanted();
  {
    std::scoped_lock lock(mutex_);
    // It may be about to sleep for as long as the others want.
    news_ = true;
    start_thread();
  }
  wake_.notify_one();
}

bool Engine::remove(std::string_view name) {
  std::scoped_lock changing(changes_);
  List list = *policies();
  if (std::erase_if(list, [&](const HeldPtr& h) { return h->policy.name == name; }) == 0)
    return false;
  put_list(std::move(list));
  listen_if_wanted();
  return true;
}

void Engine::fire(std::string_view name, double value) {
  const std::shared_ptr<const List> list = policies();
  const auto found = std::find_if(list->begin(), list->end(),
                                  [&](const HeldPtr& h) { return h->policy.name == name; });
  if (found == list->end()) {
    std::string names;
    for (const HeldPtr& h : *list)
      names += format("{}{}", names.empty() ? "" : ", ", h->policy.name);
    throw Error(Kind::name, format("there is no policy '{}'", name),
                names.empty() ? "there is none at all" : format("there are {}", names));
  }
  {
    std::scoped_lock lock(mutex_);
    fired_.push_back({*found, {.trigger = Trigger::user, .value = value}});
    start_thread();
  }
  wake_.notify_one();
}

bool Engine::wait(std::int64_t timeout_ns) {
  std::unique_lock lock(mutex_);
  // A policy that waits for itself would wait for ever.
  if (std::this_thread::get_id() == thread_.get_id()) return fired_.empty();
  return quiet_.wait_for(lock, std::chrono::nanoseconds(timeout_ns),
                         [&] { return (fired_.empty() && !acting_) || !thread_.joinable(); });
}

std::vector<Status> Engine::list() {
  const std::shared_ptr<const List> list = policies();
  std::scoped_lock lock(mutex_);
  std::vector<Status> rows;
  for (const HeldPtr& h : *list)
    rows.push_back({h->policy.name, h->policy.trigger, h->fired, h->on.load(), h->trouble});
  return rows;
}

std::vector<Firing> Engine::log() {
  std::scoped_lock lock(mutex_);
  return {log_.begin(), log_.end()};
}

void Engine::stop() {
  trace::listen(nullptr);
  std::thread thread;
  {
    std::scoped_lock lock(mutex_);
    stopping_ = true;
    thread.swap(thread_);
  }
  wake_.notify_all();
  if (thread.joinable()) thread.join();
  std::deque<Due> left_out;
  std::scoped_lock lock(mutex_);
  stopping_ = false;
  left_out.swap(fired_);
  quiet_.notify_all();
}

// ---- where events come in ------------------------------------------------------------

void Engine::listen_if_wanted() {
  const std::shared_ptr<const List> list = policies();
  const bool wanted = std::any_of(list->begin(), list->end(), [](const HeldPtr& h) {
    return h->policy.trigger == Trigger::event && h->on;
  });
  trace::listen(wanted ? std::make_shared<const trace::Listener>(
                             [this](std::uint32_t track, std::span<const trace::Record> records) {
                               hear(track, records);
                             })
                       : nullptr);
}

// What policies do themselves sets off none.
void Engine::hear(std::uint32_t track, std::span<const trace::Record> records) {
  static_assert(trace::event_count <= 32);
  if (track == own_track_.load(std::memory_order_relaxed)) return;
  const std::shared_ptr<const List> list = policies();
  std::uint32_t wanted = 0;
  for (const HeldPtr& h : *list) {
    if (h->policy.trigger == Trigger::event && h->on)
      wanted |= 1u << static_cast<unsigned>(h->policy.event);
  }
  bool any = false;
  for (const trace::Record& r : records) {
    if (!(wanted >> static_cast<unsigned>(r.event) & 1)) continue;
    for (const HeldPtr& h : *list) {
      if (h->policy.trigger == Trigger::event && h->policy.event == r.event) h->hear(r);
    }
    any = true;
  }
  if (!any) return;
  {
    std::scoped_lock lock(mutex_);
    news_ = true;
  }
  wake_.notify_one();
}

// ---- the thread -------------------------------------------------------------------------

// With the lock held. Signals are for the threads that the user knows.
void Engine::start_thread() {
  if (thread_.joinable() || stopping_) return;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Engine::run() {
  pthread_setname_np(pthread_self(), "jetlag-policy");
  trace::name_thread("policies");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    news_ = false;
    std::int64_t wake = INT64_MAX;
    std::optional<Due> due;
    if (!fired_.empty()) {
      due = std::move(fired_.front());
      fired_.pop_front();
    }
    acting_ = true;
    lock.unlock();
    if (!due) due = next(now_ns(), wake);
    const bool acted = due.has_value();
    if (due) act(*due);
    // What a policy holds may need other locks to be let go.
    due.reset();
    lock.lock();
    acting_ = false;
    if (acted) continue;
    quiet_.notify_all();
    const auto ready = [&] { return stopping_ || news_ || !fired_.empty(); };
    if (ready()) continue;
    if (wake == INT64_MAX) wake_.wait(lock);
    else wake_.wait_for(lock, std::chrono::nanoseconds(std::max<std::int64_t>(wake - now_ns(), 0)));
  }
}

// What fires now; otherwise when to look again.
std::optional<Due> Engine::next(std::int64_t now, std::int64_t& wake) {
  const std::shared_ptr<const List> list = policies();
  for (const HeldPtr& h : *list) {
    const Policy& p = h->policy;
    if (!h->on) continue;
    if (p.trigger == Trigger::event) {
      const std::int64_t count = h->heard.exchange(0, std::memory_order_acquire);
      if (count == 0) continue;
      const trace::SiteId site = h->last_site;
      return Due{h,
                 {.trigger = Trigger::event,
                  .value = h->last_value,
                  .count = count,
                  .name = site == 0 ? "" : trace::site_at(site).name}};
    }
    if (p.trigger == Trigger::user) continue;
    if (h->due_ns > now) {
      wake = std::min(wake, h->due_ns);
      continue;
    }
    // Periods that were slept through are left out.
    h->due_ns = std::max(h->due_ns + p.every_ns, now);
    wake = std::min(wake, h->due_ns);
    Cause cause{.trigger = p.trigger};
    if (p.trigger == Trigger::period || window_holds(*h, cause)) return Due{h, cause};
  }
  return std::nullopt;
}

bool Engine::window_holds(Held& held, Cause& cause) {
  const Policy& p = held.policy;
  try {
    if (held.values.size() == p.window) held.values.erase(held.values.begin());
    held.values.push_back(cause.value = p.counter());
    return held.values.size() == p.window && p.when(held.values);
  } catch (const std::exception& error) {
    switch_off(held, error.what());
    return false;
  }
}

void Engine::act(const Due& due) {
  Held& held = *due.held;
  if (!held.on) return;
  Firing firing{.ns = now_ns(), .policy = held.policy.name, .cause = due.cause};
  {
    trace::Span span(held.site);
    if (trace::recording()) {
      trace::put(trace::Event::fire, held.site, 0, std::bit_cast<std::uint64_t>(due.cause.value));
      own_track_.store(trace::current_track(), std::memory_order_relaxed);
    }
    try {
      firing.did = held.policy.act(due.cause);
    } catch (const std::exception& error) {
      firing.trouble = error.what();
      switch_off(held, firing.trouble);
    }
  }
  firing.took_ns = now_ns() - firing.ns;
  std::scoped_lock lock(mutex_);
  ++held.fired;
  log_.push_back(std::move(firing));
  if (log_.size() > most_firings) log_.pop_front();
}

void Engine::switch_off(Held& held, const std::string& trouble) {
  held.on = false;
  std::scoped_lock lock(mutex_);
  held.trouble = trouble;
}

}  // namespace

std::string_view trigger_name(Trigger trigger) {
  constexpr std::string_view names[] = {"event", "window", "period", "user"};
  return names[static_cast<std::size_t>(trigger)];
}

void add(Policy policy) { engine()->add(std::move(policy)); }
bool remove(std::string_view name) { return engine()->remove(name); }
void fire(std::string_view name, double value) { engine()->fire(name, value); }
bool wait(std::int64_t timeout_ns) { return engine()->wait(timeout_ns); }
std::vector<Status> list() { return engine()->list(); }
std::vector<Firing> log() { return engine()->log(); }
void stop() { engine()->stop(); }
// Its locks may be held, and its thread is not here: it is left where it is.
void after_fork() { engine() = new Engine; }

}  // namespace jetlag::policy
