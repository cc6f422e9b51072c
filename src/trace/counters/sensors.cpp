#include "trace/counters/sensors.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <limits>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"

namespace jetlag::trace {

namespace {

namespace fs = std::filesystem;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// A file that holds a line; nothing, with the reason, if it cannot be read.
std::optional<std::string> line_of(const std::string& path, std::string& why) {
  char text[256];
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t got = file < 0 ? -1 : read(file, text, sizeof text);
  const int error = errno;
  if (file >= 0) close(file);
  if (got < 0) {
    why = format("cannot read {}: {}", path, std::strerror(error));
    return {};
  }
  const std::string_view all(text, static_cast<std::size_t>(got));
  return std::string(all.substr(0, all.find('\n')));
}

std::optional<double> number_of(const std::string& path, std::string& why) {
  const auto line = line_of(path, why);
  if (!line) return {};
  double value = 0;
  const auto [end, error] = std::from_chars(line->data(), line->data() + line->size(), value);
  if (error == std::errc() && end == line->data() + line->size()) return value;
  why = format("{} holds no number", path);
  return {};
}

// A part of a counter's name: what patterns are made of is left out.
std::string name_part(std::string text) {
  for (char& c : text) {
    const bool plain =
        std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
    if (!plain) c = '-';
  }
  return text;
}

std::vector<fs::path> sorted(const fs::path& folder) {
  std::vector<fs::path> all;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) all.push_back(entry.path());
  std::sort(all.begin(), all.end());
  return all;
}

// Files that each hold a number. What there is, is looked up once.
class FileSource : public CounterSource {
 public:
  explicit FileSource(std::string_view prefix) : prefix_(prefix) {}
  std::string_view prefix() const override { return prefix_; }

  std::vector<ListedCounter> list() override {
    std::scoped_lock lock(mutex_);
    look();
    std::vector<ListedCounter> all;
    for (const Row& r : rows_) all.push_back(r.listed);
    return all;
  }

  void read(std::span<const std::size_t> places, std::span<Reading> values) override {
    std::scoped_lock lock(mutex_);
    look();
    std::string ignored;
    for (std::size_t i = 0; i < places.size(); ++i) {
      Row& r = rows_[places[i]];
      const auto number = number_of(r.path, ignored);
      if (!number) {
        values[i] = {nan};
        continue;
      }
      // Counters of energy begin again at their range.
      if (r.range > 0 && *number < r.before) r.rounds += r.range;
      r.before = *number;
      values[i] = {(*number + r.rounds) * r.scale};
    }
  }

 protected:
  struct Row {
    ListedCounter listed;
    std::string path;
    double scale = 1;
    double range = 0;
    double before = 0;
    double rounds = 0;
  };
  virtual std::vector<Row> find() const = 0;

 private:
  void look() {
    if (!std::exchange(looked_, true)) rows_ = find();
  }
  const std::string_view prefix_;
  std::mutex mutex_;
  bool looked_ = false;
  std::vector<Row> rows_;
};

class PowerSource : public FileSource {
 public:
  explicit PowerSource(std::string folder) : FileSource("/power"), folder_(std::move(folder)) {}

 private:
  static Counter counter(const std::string& zone) {
    return {counter_name("/power", "0/" + zone, "energy"), "J", CounterKind::monotone,
            "energy that the zone took, by RAPL"};
  }

  std::vector<Row> find() const override {
    std::vector<Row> rows;
    std::set<std::string> names;
    for (const fs::path& zone : sorted(folder_)) {
      std::string why;
      const auto name = line_of(zone / "name", why);
      if (!name) continue;
      // Inside of package-0 there is core: intel-rapl:0:0 lies in intel-rapl:0.
      const std::string id = zone.filename();
      const std::size_t inner = std::count(id.begin(), id.end(), ':') > 1 ? id.rfind(':') : 0;
      std::string full = name_part(*name);
      if (inner > 0) {
        if (const auto outer = line_of(folder_ + "/" + id.substr(0, inner) + "/name", why))
          full = name_part(*outer) + "." + full;
      }
      if (!names.insert(full).second) full += "-" + name_part(id);
      Row row{{counter(full)}, zone / "energy_uj", 1e-6};
      why.clear();
      number_of(row.path, why);
      row.listed.missing = why;
      row.range = number_of(zone / "max_energy_range_uj", why).value_or(0);
      rows.push_back(std::move(row));
    }
    if (rows.empty())
      rows.push_back({{counter("package-0"), format("there are no zones in {}", folder_)}, ""});
    return rows;
  }

  const std::string folder_;
};

class SensorSource : public FileSource {
 public:
  explicit SensorSource(std::string folder) : FileSource("/sensor"), folder_(std::move(folder)) {}

 private:
  struct Kind {
    std::string_view prefix, name, unit;
    double scale;
  };
  static constexpr Kind kinds[] = {{"temp", "temperature", "C", 1e-3},
                                   {"in", "voltage", "V", 1e-3},
                                   {"curr", "current", "A", 1e-3},
                                   {"power", "power", "W", 1e-6},
                                   {"fan", "fan", "rpm", 1}};

  // "temp1_input" of the chip.
  static const Kind* kind_of(const std::string& file, std::string& number) {
    constexpr std::string_view suffix = "_input";
    if (!file.ends_with(suffix)) return nullptr;
    for (const Kind& k : kinds) {
      if (!file.starts_with(k.prefix)) continue;
      number = file.substr(k.prefix.size(), file.size() - k.prefix.size() - suffix.size());
      if (!number.empty() && number.find_first_not_of("0123456789") == number.npos) return &k;
    }
    return nullptr;
  }

  std::vector<Row> find() const override {
    std::vector<Row> rows;
    std::set<std::string> names;
    for (const fs::path& chip : sorted(folder_)) {
      std::string why;
      const std::string instance =
          "0/" + name_part(line_of(chip / "name", why).value_or(chip.filename()));
      for (const fs::path& file : sorted(chip)) {
        std::string number;
        const Kind* kind = kind_of(file.filename(), number);
        if (!kind) continue;
        const std::string stem = format("{}{}", kind->prefix, number);
        const std::string label = name_part(line_of(chip / (stem + "_label"), why).value_or(stem));
        std::string name = counter_name("/sensor", instance, label);
        if (!names.insert(name).second)
          name = counter_name("/sensor", instance, label + "-" + name_part(chip.filename()) + stem);
        Row row{{{name, std::string(kind->unit), CounterKind::gauge,
                  format("{}, by a sensor", kind->name)}},
                file,
                kind->scale};
        why.clear();
        number_of(row.path, why);
        row.listed.missing = why;
        rows.push_back(std::move(row));
      }
    }
    if (rows.empty()) {
      const Counter none{counter_name("/sensor", "0/total", "temperature"), "C", CounterKind::gauge,
                         "temperature, by a sensor"};
      rows.push_back({{none, format("there are no sensors in {}", folder_)}, ""});
    }
    return rows;
  }

  const std::string folder_;
};

}  // namespace

std::unique_ptr<CounterSource> power_source(std::string folder) {
  return std::make_unique<PowerSource>(std::move(folder));
}

std::unique_ptr<CounterSource> sensor_source(std::string folder) {
  return std::make_unique<SensorSource>(std::move(folder));
}

}  // namespace jetlag::trace
