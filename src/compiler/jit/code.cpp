#include "compiler/jit/code.h"

#include <dlfcn.h>

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "compiler/jit/cache.h"
#include "compiler/jit/object.h"
#include "trace/counters/tally.h"
#include "trace/record/record.h"

namespace jetlag::jit {

namespace {

struct Known {
  std::mutex mutex;
  std::unordered_map<std::string, void*> addresses;  // by key
  // Stay for as long as the process: a run may be in them.
  std::vector<std::unique_ptr<const PlacedObject>> objects;
};

Known& known() {
  static Known& k = *new Known;
  return k;
}

// What code may call beside our own functions.
void* library_function(const std::string& name) {
  static const auto& libraries = *new auto([] {
    std::vector<void*> opened;
    for (const char* file : code_libraries) {
      // libmvec is on x86-64 and AArch64 only.
      if (void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL)) opened.push_back(library);
    }
    return opened;
  }());
  for (void* library : libraries) {
    if (void* found = dlsym(library, name.c_str())) return found;
  }
  return nullptr;
}

// Null, with the reason, if it cannot be.
void* place(const CodeWanted& wanted, const std::string& object, std::string& why) {
  const auto resolve = [&](const std::string& name) -> void* {
    for (const auto& [known_name, address] : wanted.externals) {
      if (known_name == name) return address;
    }
    return library_function(name);
  };
  try {
    auto placed = std::make_unique<PlacedObject>(object, resolve);
    void* code = placed->find(wanted.symbol);
    if (!code) {
      why = format("object code lacks {}", wanted.symbol);
      return nullptr;
    }
    std::scoped_lock lock(known().mutex);
    known().objects.push_back(std::move(placed));
    return code;
  } catch (const Error& error) {
    why = error.what();
    return nullptr;
  }
}

// Begins a span about the code, which is told apart by the first words of its key.
void record(trace::Span& span, std::string_view name, const CodeWanted& wanted) {
  constexpr std::size_t most = 120;
  if (!trace::recording()) return;
  span.begin(trace::define({.name = std::string(name),
                            .category = trace::Category::compile,
                            .text = wanted.key.substr(0, most)}));
}

// What cannot be placed is as good as not there: it is made again.
void* kept_on_disk(const CodeWanted& wanted) {
  trace::Span span;
  record(span, "load object code", wanted);
  const std::optional<std::string> object = load_object(wanted.key);
  std::string ignored;
  void* code = object ? place(wanted, *object, ignored) : nullptr;
  trace::count(code ? trace::Tally::object_hits : trace::Tally::object_misses);
  return code;
}

void* made_now(const CodeWanted& wanted, Keep keep, std::string& why) {
  const Api* compiler = api();
  if (!compiler) {
    why = why_not();
    return nullptr;
  }
  trace::Span span;
  record(span, "compile", wanted);
  std::string object;
  const std::int64_t begin = now_ns();
  const bool made = wanted.make(*compiler, object, why);
  trace::count(trace::Tally::compilations);
  trace::count(trace::Tally::compile_ns, static_cast<std::uint64_t>(now_ns() - begin));
  if (!made) return nullptr;
  if (void* code = place(wanted, object, why)) {
    if (keep == Keep::yes) store_object(wanted.key, object);
    return code;
  }
  return compiler->link(object, wanted.symbol, wanted.externals, why);
}

// Another thread may have been faster: its code is in use.
void* known_as(const std::string& key, void* code) {
  std::scoped_lock lock(known().mutex);
  return known().addresses.try_emplace(key, code).first->second;
}

}  // namespace

void* find_made_code(const CodeWanted& wanted) {
  Known& k = known();
  {
    std::scoped_lock lock(k.mutex);
    if (const auto at = k.addresses.find(wanted.key); at != k.addresses.end()) {
      trace::count(trace::Tally::code_hits);
      return at->second;
    }
  }
  void* code = kept_on_disk(wanted);
  return code ? known_as(wanted.key, code) : nullptr;
}

void* make_code(const CodeWanted& wanted, Keep keep, std::string& why) {
  void* code = made_now(wanted, keep, why);
  return code && keep == Keep::yes ? known_as(wanted.key, code) : code;
}

void* find_code(const CodeWanted& wanted, std::string& why) {
  if (void* made = find_made_code(wanted)) return made;
  return make_code(wanted, Keep::yes, why);
}

}  // namespace jetlag::jit
