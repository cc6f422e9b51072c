#include "cli/commands.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/settings.h"
#include "compiler/jit/cache.h"
#include "compiler/plan/rules.h"
#include "primitives/primitive.h"
#include "runtime/exec/allocations.h"
#include "runtime/exec/counters.h"
#include "runtime/exec/lane.h"
#include "runtime/policies/policies.h"
#include "runtime/tasks/tasks.h"
#include "runtime/tune/results.h"
#include "runtime/tune/strategies.h"
#include "server/routes/api.h"
#include "server/routes/route.h"
#include "trace/counters/sampler.h"
#include "trace/formats/format.h"
#include "trace/record/record.h"

namespace jetlag::cli {

namespace {

// The command line as host: it prints, and knows no other language.
class ConsoleHost : public exec::Host {
 public:
  FpMode fp_mode() override { return {1 | 2 | 8, false}; }
  void report(const exec::FpReport& r) override {
    constexpr std::pair<unsigned, const char*> words[] = {
        {1, "divide by zero"}, {2, "overflow"}, {4, "underflow"}, {8, "invalid value"}};
    for (const auto& [bit, word] : words) {
      if (r.anomalies & bit) {
        std::cerr << format("{}:{}:{}: warning: {} encountered in {}\n", r.file, r.place.line,
                            r.place.column, word, r.name);
      }
    }
  }
  void notice(std::string_view text) override { std::cerr << format("warning: {}\n", text); }
  int recursion_limit() override { return 20'000; }
  void print(const std::vector<Value>& values, Keywords, bool separated) override {
    std::string line;
    for (const Value& v : values) {
      if (separated && !line.empty()) line += ' ';
      line += v.is(ValueKind::string) ? v.text() : to_text(v);
    }
    std::cout << line << std::endl;
  }
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  // A folder opens, and fails when it is read.
  if (!in || in.bad()) {
    throw Error(Kind::io,
                format("cannot read {}: {}", path, errno ? std::strerror(errno) : "not a file"),
                "name a PhySL file, or give the program with --code");
  }
  return text.str();
}

struct Text {
  std::string text;
  std::string name;
};

Text program_text(const Options& options) {
  if (!options.code.empty() && !options.file.empty() && options.arguments.empty()) {
    return {options.code, "<code>"};
  }
  if (!options.code.empty()) return {options.code, "<code>"};
  if (options.file.empty()) {
    throw Error(Kind::io, "no program given", "name a PhySL file, or give the program with --code");
  }
  return {read_file(options.file), options.file};
}

std::vector<physl::NodePtr> parse(const Text& source) {
  try {
    auto nodes = physl::parse(source.text, source.name);
    physl::verify(nodes, [](std::string_view name) { return find_primitive(name) != nullptr; });
    return nodes;
  } catch (Error& error) {
    error.locate_file(source.name);
    throw;
  }
}

// Each argument is PhySL itself; what does not parse is a string.
Value argument_value(const std::string& text) {
  try {
    const auto nodes = physl::parse(text, "<argument>");
    const auto program = plan::build(nodes, "<argument>", {});
    ConsoleHost host;
    exec::Caches caches;
    return exec::Lane(host, *program, caches, nullptr).run({});
  } catch (const Error&) {
    return Value::of(text);
  }
}

// With --code the first positional is an argument, not a file.
std::vector<std::string> program_arguments(const Options& options) {
  std::vector<std::string> all = options.arguments;
  if (!options.code.empty() && !options.file.empty()) all.insert(all.begin(), options.file);
  return all;
}

bool is_python(const std::string& file) {
  const std::string path =
      file.substr(0, file.find(".py:") == std::string::npos ? file.size() : file.find(".py:") + 3);
  return path.ends_with(".py");
}

int show_python(const Options& options) {
  std::vector<std::string> words{"python3",    "-m",       "jetlag.show", options.what,
                                 options.file, "--format", options.format};
  if (const char* python = std::getenv("JETLAG_PYTHON")) words[0] = python;
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  throw Error(Kind::io, format("cannot start {}: {}", words[0], std::strerror(errno)),
              "set JETLAG_PYTHON to a Python that has jetlag");
}

}  // namespace

namespace {

// Records from here to the end of the block, if a file is named.
class Recording {
 public:
  Recording(const std::string& path, const std::string& program) {
    if (path.empty()) return;
    exec::record_allocations();
    const std::string missing =
        trace::start_recording(path,
                               {.ready_rings = tasks::recording_threads(),
                                .facts = format("\"program\": {}", nlohmann::json(program).dump())},
                               trace::sampling_of_settings());
    if (!missing.empty()) std::cerr << format("warning: {}\n", missing);
    open_ = true;
  }
  ~Recording() {
    if (!open_) return;
    const trace::SampledSummary all = trace::stop_recording_and_sampling();
    const trace::RecordingSummary& s = all.recording;
    for (const std::string& p : all.unfit)
      std::cerr << format("warning: {}: no counter fits '{}'\n", s.path, p);
    if (!s.trouble.empty())
      std::cerr << format("warning: {} is not complete: {}\n", s.path, s.trouble);
    else if (s.dropped > 0)
      std::cerr << format("warning: {} lacks {} spans and events\n", s.path, s.dropped);
  }

 private:
  bool open_ = false;
};

}  // namespace

int run(const Options& options) {
  exec::add_counters();
  if (options.threads) tasks::set_workers(options.threads);
  policy::apply_setting();
  const auto nodes = parse(program_text(options));
  const Text source = program_text(options);
  const auto program = plan::build(nodes, source.name, {"sys_argv"});
  std::vector<Value> arguments;
  for (const std::string& a : program_arguments(options)) arguments.push_back(argument_value(a));
  ConsoleHost host;
  exec::Caches caches;
  exec::Lane lane(host, *program, caches, nullptr);
  Value list = Value::list(std::move(arguments));
  const std::string named = options.trace.empty() ? setting("trace") : options.trace;
  const Recording recording(named, source.name);
  const Value value = lane.run({&list, 1});
  if (!value.is_nil() && value.bound() && !value.is(ValueKind::function))
    std::cout << to_text(value) << '\n';
  return 0;
}

int show(const Options& options) {
  if (options.code.empty() && is_python(options.file)) return show_python(options);
  const Text source = program_text(options);
  const auto nodes = parse(source);
  if (options.what == "physl") {
    std::cout << physl::print(nodes, {.tags = options.tags, .infix = !options.tags});
  } else if (options.what == "plan") {
    std::cout << plan::print(*plan::build(nodes, source.name, {"sys_argv"}));
  } else if (options.format == "dot") {
    std::cout << physl::to_dot(nodes, source.name);
  } else if (options.format == "newick") {
    std::cout << physl::to_newick(nodes);
  } else {
    std::cout << physl::to_tree_text(nodes);
  }
  std::cout << '\n';
  return 0;
}

int describe(const Options& options) {
  nlohmann::json rows = nlohmann::json::array();
  if (options.what == "typescript") {
    std::cout << routes::api_as_typescript();
    return 0;
  }
  if (options.what == "api") {
    rows = routes::api_as_openapi(JETLAG_VERSION);
  } else if (options.what == "primitives") {
    for (const Primitive* p : primitives()) {
      rows.push_back({{"name", p->name},
                      {"python", p->python},
                      {"params", p->params},
                      {"doc", p->doc},
                      {"example", p->example}});
    }
  } else if (options.what == "errors") {
    for (const ErrorKind& k : error_kinds()) {
      rows.push_back({{"name", k.name},
                      {"python", k.python},
                      {"exit_code", k.exit_code},
                      {"http_status", k.http_status}});
    }
  } else if (options.what == "rules") {
    for (const plan::Rule& r : plan::rules()) {
      rows.push_back({{"name", r.name},
                      {"before", r.before},
                      {"after", r.after},
                      {"guard", r.guard},
                      {"why", r.why},
                      {"test", r.test},
                      {"has_switch", r.has_switch}});
    }
  } else if (options.what == "settings") {
    for (const Setting& s : settings()) {
      rows.push_back({{"name", s.name},
                      {"environment", s.environment},
                      {"kind", kind_name(s.kind)},
                      {"default", s.otherwise},
                      {"choices", s.choices},
                      {"value", setting(s.name)},
                      {"doc", s.doc}});
    }
  } else if (options.what == "policies") {
    for (const policy::Row& row : policy::built_in())
      rows.push_back({{"name", row.name}, {"setting", row.setting}, {"doc", row.doc}});
  } else if (options.what == "strategies") {
    for (const tune::Strategy& s : tune::strategies()) {
      rows.push_back({{"name", s.name},
                      {"doc", s.doc},
                      {"source", s.source},
                      {"suits", tune::suits_name(s.suits)},
                      {"fewest_parameters", s.fewest}});
    }
  } else if (options.what == "formats") {
    for (const trace::Format& f : trace::formats()) {
      rows.push_back({{"name", f.name},
                      {"readers", f.readers},
                      {"doc", f.doc},
                      {"is_read", f.convert != nullptr}});
    }
  } else if (options.what == "routes") {
    for (const routes::Route& r : routes::routes()) {
      rows.push_back({{"method", r.method},
                      {"path", r.path},
                      {"access", http::access_name(r.access)},
                      {"answers", r.answers},
                      {"doc", r.doc}});
    }
  } else {
    for (const plan::Pass& p : plan::passes()) rows.push_back({{"name", p.name}, {"why", p.why}});
  }
  std::cout << rows.dump(2) << '\n';
  return 0;
}

int cache(const Options& options) {
  if (options.what == "clear") {
    const std::int64_t removed = jit::clear_objects();
    std::cout << format("{} {} removed from {}\n", removed, removed == 1 ? "object" : "objects",
                        cache_folder());
    return 0;
  }
  std::int64_t total = 0;
  const auto objects = jit::list_objects();
  for (const jit::CachedObject& o : objects) {
    std::cout << format("{}  {:>9} B  {:>7} s  {}\n", o.name, o.bytes, o.age_s, o.key);
    total += o.bytes;
  }
  std::cout << format("{} {}, {} B of {}, in {}\n", objects.size(),
                      objects.size() == 1 ? "object" : "objects", total, cache_limit(),
                      cache_folder());
  return 0;
}

namespace {

// What `jl.tune` wrote, in one line; what it means is Python's business.
std::string summary_of(const tune::Result& result) {
  const auto found = nlohmann::json::parse(result.text, nullptr, false);
  if (!found.is_object()) return "damaged, or of another version";
  const nlohmann::json values = found.value("best", nlohmann::json::object());
  std::string best;
  for (const auto& [name, value] : values.items()) {
    best += format(" {}={}", name, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return format("{}({}):{}", found.value("function", std::string("?")), result.key.shapes, best);
}

}  // namespace

int tune(const Options& options) {
  if (options.what == "clear") {
    const std::int64_t removed = tune::clear_results();
    std::cout << format("{} {} removed from {}\n", removed, removed == 1 ? "result" : "results",
                        tune::results_folder());
    return 0;
  }
  const auto results = tune::list_results();
  for (const tune::Result& r : results) {
    std::cout << format("{}  {:>9} B  {:>7} s  {}\n", r.file, r.bytes, r.age_s, summary_of(r));
  }
  std::cout << format("{} {} in {}\n", results.size(), results.size() == 1 ? "result" : "results",
                      tune::results_folder());
  return 0;
}

}  // namespace jetlag::cli
