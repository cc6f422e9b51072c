// jetlag counters list, jetlag counters read.
#include "trace/counters/counters.h"

#include <chrono>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/commands.h"
#include "runtime/exec/counters.h"

namespace jetlag::cli {

namespace {

std::vector<std::string> patterns_of(const Options& options) {
  return options.arguments.empty() ? std::vector<std::string>{"*"} : options.arguments;
}

// Names or paths may hold any bytes.
void print(const nlohmann::json& row) {
  std::cout << row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

nlohmann::json row_of(const trace::Counter& c) {
  return {{"name", c.name}, {"unit", c.unit}, {"kind", trace::kind_name(c.kind)}, {"doc", c.doc}};
}

void print_values(const trace::CounterReader& reader, std::span<const double> values, bool json) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const trace::Counter& c = reader.counters()[i];
    if (json) {
      nlohmann::json row = row_of(c);
      row["value"] = std::isfinite(values[i]) ? nlohmann::json(values[i]) : nlohmann::json();
      print(row);
      continue;
    }
    const std::string value = std::isfinite(values[i]) ? format("{:.10g}", values[i]) : "-";
    std::cout << format("{:>16} {:<8} {}\n", value, c.unit, c.name);
  }
}

}  // namespace

int list_counters(const Options& options) {
  exec::add_counters();
  for (const std::string& pattern : patterns_of(options)) {
    for (const trace::ListedCounter& c : trace::list_counters(pattern)) {
      if (options.json) {
        nlohmann::json row = row_of(c.counter);
        row["missing"] = c.missing;
        print(row);
        continue;
      }
      std::cout << format("{:<44} {:<9} {:<8} {}\n", c.counter.name, c.counter.unit,
                          trace::kind_name(c.counter.kind), c.counter.doc);
      if (!c.missing.empty()) std::cout << format("{:<44} missing: {}\n", "", c.missing);
    }
  }
  return 0;
}

int read_counters(const Options& options) {
  exec::add_counters();
  trace::CounterReader reader(patterns_of(options));
  if (reader.counters().empty())
    throw Error(Kind::key, format("no counter fits {}", patterns_of(options).front()),
                "`jetlag counters list` shows those there are");
  const auto pause = std::chrono::duration<double>(options.every);
  // A rate needs a read before.
  bool rates = false;
  for (const trace::Counter& c : reader.counters()) rates |= c.kind == trace::CounterKind::rate;
  if (rates) reader.read();
  for (std::int64_t i = 0; options.times == 0 || i < options.times; ++i) {
    if (i > 0 || rates) std::this_thread::sleep_for(pause);
    reader.look();
    if (i > 0 && !options.json) std::cout << '\n';
    print_values(reader, reader.read(), options.json);
    std::cout.flush();
  }
  return 0;
}

}  // namespace jetlag::cli
