// PAPI's counters of a thread. Its library is opened when it is wanted, and need not be there: what
// is used of it is declared here, as it has been since PAPI 5.
#include <dlfcn.h>
#include <pthread.h>

#include <algorithm>

#include "base/error.h"
#include "trace/counters/hardware.h"

namespace jetlag::trace {

namespace {

constexpr int ok = 0;       // PAPI_OK
constexpr int no_set = -1;  // PAPI_NULL
constexpr int not_there = -1;

struct Papi {
  int (*library_init)(int) = nullptr;
  int (*thread_init)(unsigned long (*)()) = nullptr;
  int (*create_eventset)(int*) = nullptr;
  int (*add_named_event)(int, const char*) = nullptr;
  int (*start)(int) = nullptr;
  int (*stop)(int, long long*) = nullptr;
  int (*read)(int, long long*) = nullptr;
  int (*cleanup_eventset)(int) = nullptr;
  int (*destroy_eventset)(int*) = nullptr;
  int (*unregister_thread)() = nullptr;
  char* (*strerror)(int) = nullptr;
  std::string why;  // it cannot be used; empty if it can

  std::string words(int error) const {
    const char* text = strerror ? strerror(error) : nullptr;
    return text ? text : format("error {}", error);
  }
};

unsigned long thread_number() { return static_cast<unsigned long>(pthread_self()); }

Papi open_library() {
  Papi papi;
  void* library = nullptr;
  for (const char* name : {"libpapi.so.7.0", "libpapi.so.7", "libpapi.so.6.0", "libpapi.so"}) {
    library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library) break;
  }
  if (!library) {
    papi.why = "libpapi is not installed (Debian's package libpapi7.0)";
    return papi;
  }
  bool whole = true;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    whole = whole && function;
  };
  find(papi.library_init, "PAPI_library_init");
  find(papi.thread_init, "PAPI_thread_init");
  find(papi.create_eventset, "PAPI_create_eventset");
  find(papi.add_named_event, "PAPI_add_named_event");
  find(papi.start, "PAPI_start");
  find(papi.stop, "PAPI_stop");
  find(papi.read, "PAPI_read");
  find(papi.cleanup_eventset, "PAPI_cleanup_eventset");
  find(papi.destroy_eventset, "PAPI_destroy_eventset");
  find(papi.unregister_thread, "PAPI_unregister_thread");
  find(papi.strerror, "PAPI_strerror");
  if (!whole) {
    papi.why = "the libpapi that is installed lacks functions of PAPI";
    return papi;
  }
  // The library wants the version of the header: it takes its own only.
  int version = not_there;
  for (const int major_minor : {0x0700, 0x0701, 0x0702, 0x0600, 0x0601}) {
    version = papi.library_init(major_minor << 16);
    if (version > 0) break;
  }
  if (version <= 0) papi.why = format("it cannot begin ({})", papi.words(version));
  else if (const int error = papi.thread_init(thread_number); error != ok)
    papi.why = format("it cannot count threads ({})", papi.words(error));
  return papi;
}

const Papi& papi() {
  static const Papi& opened = *new Papi(open_library());
  return opened;
}

class PapiEvents : public ThreadEvents {
 public:
  ~PapiEvents() override {
    if (set_ == no_set) return;
    if (started_) papi().stop(set_, values_.data());
    papi().cleanup_eventset(set_);
    papi().destroy_eventset(&set_);
    papi().unregister_thread();
  }

  int create() { return papi().create_eventset(&set_); }
  int add(const char* name) {
    const int error = papi().add_named_event(set_, name);
    if (error == ok) values_.push_back(0);
    return error;
  }
  int start() {
    const int error = papi().start(set_);
    started_ = error == ok;
    return error;
  }
  bool read(std::span<std::int64_t> values) override {
    if (papi().read(set_, values_.data()) != ok) return false;
    std::copy_n(values_.begin(), std::min(values.size(), values_.size()), values.begin());
    return true;
  }

 private:
  int set_ = no_set;
  bool started_ = false;
  std::vector<long long> values_;
};

std::string papi_name(const std::string& name) {
  for (const HardwareEvent& e : hardware_events()) {
    if (e.name == name) return std::string(e.papi);
  }
  return name;
}

}  // namespace

// Only adding an event tells whether it can be counted: PAPI lists more.
std::unique_ptr<ThreadEvents> open_papi(std::vector<std::string>& events, std::string& why) {
  const std::vector<std::string> wanted = std::move(events);
  events.clear();
  why = papi().why;
  if (!why.empty()) return nullptr;
  auto opened = std::make_unique<PapiEvents>();
  int error = opened->create();
  if (error != ok) {
    why = format("it has no set of events ({})", papi().words(error));
    return nullptr;
  }
  for (const std::string& name : wanted) {
    error = opened->add(papi_name(name).c_str());
    if (error == ok) events.push_back(name);
    // The same reason for all is told once.
    else if (why.empty())
      why = format("cannot count {} ({})", papi_name(name), papi().words(error));
  }
  if (events.empty()) return nullptr;
  error = opened->start();
  if (error == ok) return opened;
  why = format("cannot begin to count ({})", papi().words(error));
  events.clear();
  return nullptr;
}

}  // namespace jetlag::trace
