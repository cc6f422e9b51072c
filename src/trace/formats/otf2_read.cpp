// OTF2 archives as traces: those that our writer made, and others'. The layout is in otf2_names.h;
// of others, a span with a GUID is the work of that task.
//
// The library ends the process on some damaged archives, so it works in a child of ours, which
// writes a trace file and says what went wrong through a pipe.
#include <otf2/otf2.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

// It uses what it does not include.
// clang-format off
#include <cstdlib>
#include <otf2/OTF2_Pthread_Locks.h>
// clang-format on

#include "base/error.h"
#include "trace/chunk/writer.h"
#include "trace/formats/otf2_definitions.h"
#include "trace/formats/otf2_errors.h"
#include "trace/formats/writers.h"

namespace jetlag::trace {

namespace {

namespace fs = std::filesystem;
__extension__ using Wide = __int128;

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
  throw Error(Kind::value, format("{} is damaged: {}", path, what),
              "otf2-print can show what is left of it");
}

// Events of one location as records, written by and by.
class LocationReader {
 public:
  LocationReader(const otf2::Definitions& definitions, Writer& writer, std::uint32_t track)
      : d_(definitions), writer_(writer), track_(track) {
    records_.reserve(chunk);
  }

  void enter(std::uint64_t time, OTF2_AttributeList* list, SiteId site) {
    Record r = record(Event::begin, time);
    r.site = site;
    if (d_.own) {
      r.task = number(list, otf2::task).value_or(0);
    } else if (const auto guid = number(list, otf2::guid); guid.value_or(0) != 0) {
      r.task = *guid;
      Record made = r;
      made.event = Event::create;
      made.argument = number(list, otf2::parent_guid).value_or(0);
      put(made);
    }
    open_.emplace_back(site, r.task);
    put(r);
  }

  // A leave ends the latest span of its region; without one it is left out. A span that was open
  // when the trace ended stays so.
  void leave(std::uint64_t time, OTF2_AttributeList* list, SiteId site) {
    if (d_.own && find(list, otf2::open)) return;
    for (std::size_t i = open_.size(); i-- > 0;) {
      if (open_[i].first != site) continue;
      Record r = record(Event::end, time);
      r.site = site;
      r.task = open_[i].second;
      put(r);
      open_.resize(i);
      return;
    }
  }

  void metric(std::uint64_t time, std::uint32_t metric, std::uint8_t count, const OTF2_Type* types,
              const OTF2_MetricValue* values) {
    const auto members = d_.metrics.find(metric);
    if (members == d_.metrics.end()) return;
    for (std::size_t i = 0; i < std::min<std::size_t>(count, members->second.size()); ++i) {
      const auto member = d_.members.find(members->second[i]);
      if (member == d_.members.end()) continue;
      Record r = record(Event::sample, time);
      r.site = member->first + 1;
      r.argument = std::bit_cast<std::uint64_t>(value(types[i], values[i]) * member->second.scale);
      put(r);
    }
  }

  void parameter(std::uint64_t time, OTF2_AttributeList* list, std::uint32_t parameter,
                 std::uint64_t value) {
    const auto event = d_.parameters.find(parameter);
    if (event == d_.parameters.end()) return;
    Record r = record(event->second, time);
    if (r.event == Event::work) return work(r, list, value);
    if (r.event == Event::create || r.event == Event::ready) {
      r.task = value;
      r.argument =
          number(list, r.event == Event::ready ? otf2::from : otf2::parent_guid).value_or(0);
    } else {
      r.task = number(list, otf2::task).value_or(0);
      r.argument = value;
    }
    if (r.event == Event::ready) {
      r.site = std::bit_cast<std::uint32_t>(static_cast<float>(real(list, otf2::bytes)));
    } else if (const auto site = find(list, otf2::site)) {
      r.site = d_.site_of_region(site->regionRef);
    }
    put(r);
  }

  // A moment at which nothing happened: where a trace begins or ends.
  void moment(std::uint64_t ns) { put({.ticks = ns}); }

  void flush() {
    if (records_.empty()) return;
    writer_.add_columns(records_, track_, first_);
    first_ += records_.size();
    records_.clear();
  }

 private:
  static constexpr std::size_t chunk = 1 << 16;

  Record record(Event event, std::uint64_t time) const {
    Record r;
    // Before the offset they are negative: two's complement, which readers take back.
    const auto past = static_cast<std::int64_t>(time - d_.offset);
    r.ticks = static_cast<std::uint64_t>(
        d_.resolution == otf2::ticks_per_second
            ? past
            : static_cast<std::int64_t>(Wide{past} * std::int64_t{otf2::ticks_per_second} /
                                        static_cast<Wide>(d_.resolution)));
    r.event = event;
    return r;
  }

  void put(const Record& r) {
    records_.push_back(r);
    if (records_.size() == chunk) flush();
  }

  // Figures are kept in single precision: a sum that needs more is told in parts.
  void work(Record r, OTF2_AttributeList* list, std::uint64_t task) {
    r.task = task;
    double bytes = real(list, otf2::bytes);
    double flops = real(list, otf2::flops);
    for (int part = 0; part < 3 && (part == 0 || bytes != 0 || flops != 0); ++part) {
      r.argument = pack(bytes, flops);
      bytes = rest(bytes, first_of(r.argument));
      flops = rest(flops, second_of(r.argument));
      put(r);
    }
  }

  static double rest(double whole, double told) { return std::isfinite(told) ? whole - told : 0; }

  std::optional<OTF2_AttributeValue> find(OTF2_AttributeList* list, otf2::Attribute which) const {
    const OTF2_AttributeRef id = d_.attributes[which];
    if (id == OTF2_UNDEFINED_ATTRIBUTE || !OTF2_AttributeList_TestAttributeByID(list, id))
      return {};
    OTF2_Type type;
    OTF2_AttributeValue value;
    if (OTF2_AttributeList_GetAttributeByID(list, id, &type, &value) != OTF2_SUCCESS) return {};
    constexpr std::array wanted{OTF2_TYPE_UINT64, OTF2_TYPE_UINT64, OTF2_TYPE_UINT64,
                                OTF2_TYPE_UINT8,  OTF2_TYPE_REGION, OTF2_TYPE_UINT64,
                                OTF2_TYPE_DOUBLE, OTF2_TYPE_DOUBLE};
    if (type != wanted[which]) return {};
    return value;
  }
  std::optional<std::uint64_t> number(OTF2_AttributeList* list, otf2::Attribute which) const {
    const auto value = find(list, which);
    return value ? std::optional(value->uint64) : std::nullopt;
  }
  double real(OTF2_AttributeList* list, otf2::Attribute which) const {
    const auto value = find(list, which);
    return value ? value->float64 : 0;
  }

  static double value(OTF2_Type type, const OTF2_MetricValue& v) {
    switch (type) {
      case OTF2_TYPE_INT64: return static_cast<double>(v.signed_int);
      case OTF2_TYPE_UINT64: return static_cast<double>(v.unsigned_int);
      default: return v.floating_point;
    }
  }

  const otf2::Definitions& d_;
  Writer& writer_;
  const std::uint32_t track_;
  std::uint64_t first_ = 0;
  std::vector<Record> records_;
  std::vector<std::pair<SiteId, TaskId>> open_;

 public:
  const otf2::Definitions& definitions() const { return d_; }
};

LocationReader& of(void* data) { return *static_cast<LocationReader*>(data); }

// No error may pass through the library, which is C: it is kept until the library has returned.
thread_local std::exception_ptr trouble;
template <class F>
OTF2_CallbackCode guarded(const F& f) {
  try {
    f();
    return OTF2_CALLBACK_SUCCESS;
  } catch (...) {
    trouble = std::current_exception();
    return OTF2_CALLBACK_INTERRUPT;
  }
}

using Time = OTF2_TimeStamp;
using List = OTF2_AttributeList;

OTF2_EvtReaderCallbacks* event_callbacks() {
  OTF2_EvtReaderCallbacks* c = OTF2_EvtReaderCallbacks_New();
  OTF2_EvtReaderCallbacks_SetEnterCallback(
      c, [](OTF2_LocationRef, Time t, std::uint64_t, void* u, List* l, OTF2_RegionRef r) {
        return guarded([&] { of(u).enter(t, l, of(u).definitions().site_of_region(r)); });
      });
  OTF2_EvtReaderCallbacks_SetLeaveCallback(
      c, [](OTF2_LocationRef, Time t, std::uint64_t, void* u, List* l, OTF2_RegionRef r) {
        return guarded([&] { of(u).leave(t, l, of(u).definitions().site_of_region(r)); });
      });
  OTF2_EvtReaderCallbacks_SetCallingContextEnterCallback(
      c, [](OTF2_LocationRef, Time t, std::uint64_t, void* u, List* l, OTF2_CallingContextRef r,
            std::uint32_t) {
        return guarded([&] { of(u).enter(t, l, of(u).definitions().site_of_context(r)); });
      });
  OTF2_EvtReaderCallbacks_SetCallingContextLeaveCallback(
      c, [](OTF2_LocationRef, Time t, std::uint64_t, void* u, List* l, OTF2_CallingContextRef r) {
        return guarded([&] { of(u).leave(t, l, of(u).definitions().site_of_context(r)); });
      });
  OTF2_EvtReaderCallbacks_SetMetricCallback(
      c, [](OTF2_LocationRef, Time t, std::uint64_t, void* u, List*, OTF2_MetricRef m,
            std::uint8_t n, const OTF2_Type* types, const OTF2_MetricValue* values) {
        return guarded([&] { of(u).metric(t, m, n, types, values); });
      });
  OTF2_EvtReaderCallbacks_SetParameterUnsignedIntCallback(
      c, [](OTF2_LocationRef, Time t, std::uint64_t, void* u, List* l, OTF2_ParameterRef p,
            std::uint64_t v) { return guarded([&] { of(u).parameter(t, l, p, v); }); });
  return c;
}

void define(Writer& writer, const otf2::Definitions& d) {
  using nlohmann::json;
  const auto line = [&](const json& definition) {
    writer.define(definition.dump(-1, ' ', false, json::error_handler_t::replace));
  };
  line({{"def", "clock"}, {"ticks", 0}, {"ns", 0}});
  json run = {{"def", "run"}};
  for (const auto& [name, value] : d.facts) run[name] = value;
  line(run);
  if (d.dropped > 0) line({{"def", "dropped"}, {"count", d.dropped}});
  for (const auto& [id, s] : d.sites) {
    line({{"def", "site"},
          {"id", id},
          {"name", s.name},
          {"category", category_name(s.category)},
          {"function", s.function},
          {"file", s.file},
          {"line", s.line},
          {"column", s.column},
          {"node", s.node},
          {"text", s.text}});
  }
  for (const auto& [id, m] : d.members) {
    line({{"def", "counter"},
          {"id", id + 1},
          {"name", m.name},
          {"unit", m.unit},
          {"kind", m.kind},
          {"doc", m.doc}});
  }
  // Where ids say nothing of ranks, each group is a rank and its locations are counted.
  const bool ranks = d.ids_are_ranks();
  std::map<std::uint32_t, std::uint64_t> rank_of, used;
  for (const auto& [id, l] : d.locations) rank_of.emplace(l.group, rank_of.size());
  std::uint32_t track = 0;
  for (const auto& [id, l] : d.locations) {
    const std::uint64_t given = ranks ? id : rank_of[l.group] << 32 | used[l.group]++;
    line({{"def", "thread"},
          {"track", ++track},
          {"id", given},
          {"name", l.name},
          {"system", l.system}});
  }
}

// The whole of it, in the child: throws what the user is to see.
void convert(const std::string& path, const std::string& output) {
  const otf2::QuietErrors quiet;
  OTF2_Reader* reader = OTF2_Reader_Open(path.c_str());
  if (!reader) damaged(path, otf2::last_error());
  OTF2_Pthread_Reader_SetLockingCallbacks(reader, nullptr);
  OTF2_Reader_SetSerialCollectiveCallbacks(reader);
  const otf2::Definitions d = otf2::read_definitions(reader, path);
  std::uint64_t count = 0;
  OTF2_Reader_GetNumberOfLocations(reader, &count);
  if (count != d.locations.size())
    damaged(path, format("it has {} locations and defines {}", count, d.locations.size()));
  for (const auto& [id, l] : d.locations) OTF2_Reader_SelectLocation(reader, id);
  const bool local = OTF2_Reader_OpenDefFiles(reader) == OTF2_SUCCESS;
  if (OTF2_Reader_OpenEvtFiles(reader) != OTF2_SUCCESS && count > 0)
    damaged(path, otf2::last_error());

  Writer writer(output);
  define(writer, d);
  struct Job {
    OTF2_EvtReader* events;
    LocationReader records;
    std::uint64_t id;
  };
  std::vector<std::unique_ptr<Job>> jobs;
  for (const auto& [id, l] : d.locations) {
    // How the numbers of the location differ from the global ones, and its clock; few have any.
    OTF2_DefReader* definitions = local ? OTF2_Reader_GetDefReader(reader, id) : nullptr;
    std::uint64_t ignored = 0;
    if (definitions) {
      OTF2_Reader_ReadAllLocalDefinitions(reader, definitions, &ignored);
      OTF2_Reader_CloseDefReader(reader, definitions);
    }
    OTF2_EvtReader* events = OTF2_Reader_GetEvtReader(reader, id);
    if (!events && l.events > 0) damaged(path, format("location {} has no events", id));
    const auto track = static_cast<std::uint32_t>(jobs.size() + 1);
    jobs.push_back(std::make_unique<Job>(Job{events, {d, writer, track}, id}));
  }
  if (d.own && !jobs.empty()) {
    jobs[0]->records.moment(0);
    jobs[0]->records.moment(d.length);
  }

  OTF2_EvtReaderCallbacks* callbacks = event_callbacks();
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr first;
  const auto work = [&] {
    for (std::size_t i; (i = next++) < jobs.size();) {
      Job& job = *jobs[i];
      try {
        const otf2::QuietErrors fresh;
        std::uint64_t read = 0;
        if (job.events) {
          OTF2_Reader_RegisterEvtCallbacks(reader, job.events, callbacks, &job.records);
          const OTF2_ErrorCode code = OTF2_Reader_ReadAllLocalEvents(reader, job.events, &read);
          if (trouble) std::rethrow_exception(std::exchange(trouble, nullptr));
          if (code != OTF2_SUCCESS)
            damaged(path, format("location {}: {}", job.id, otf2::last_error()));
        }
        job.records.flush();
      } catch (...) {
        std::scoped_lock lock(mutex);
        if (!first) first = std::current_exception();
      }
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1;
       i < std::min<std::size_t>(std::thread::hardware_concurrency(), jobs.size()); ++i)
    threads.emplace_back(work);
  work();
  for (std::thread& t : threads) t.join();
  if (first) std::rethrow_exception(first);
  // An archive of a recording that was cut off says so, as the recording itself did.
  if (d.closed != 0) writer.close();
}

// In the child: runs, reports through the pipe, and never returns.
[[noreturn]] void child(const std::string& path, const std::string& output, int pipe) {
  // The library's last words are for nobody.
  const int null = open("/dev/null", O_WRONLY);
  if (null >= 0) dup2(null, STDERR_FILENO);
  std::string report;
  const auto tell = [&](Kind kind, const std::string& message, const std::string& hint) {
    report = format("{}{}", static_cast<char>(kind), message);
    report += '\0';
    report += hint;
  };
  try {
    convert(path, output);
  } catch (const Error& e) {
    tell(e.kind(), e.message(), e.hint());
  } catch (const std::exception& e) {
    tell(Kind::value, format("{} is damaged: {}", path, e.what()), "");
  }
  if (write(pipe, report.data(), report.size()) < 0) _exit(2);
  _exit(report.empty() ? 0 : 1);
}

// The anchor of an archive: the file itself, or the only one in a folder.
std::string anchor_of(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return path;
  std::vector<std::string> anchors;
  for (const auto& entry : fs::directory_iterator(path, ignored)) {
    if (entry.path().extension() == ".otf2") anchors.push_back(entry.path().string());
  }
  if (anchors.size() == 1) return anchors[0];
  throw Error(Kind::value,
              anchors.empty() ? format("{} has no anchor of an OTF2 archive", path)
                              : format("{} has {} OTF2 archives", path, anchors.size()),
              anchors.empty() ? "an archive is a folder with a file NAME.otf2, which is its anchor"
                              : "name the anchor of one, a file NAME.otf2");
}

}  // namespace

bool is_otf2(const std::string& path) {
  std::error_code ignored;
  return fs::path(path).extension() == ".otf2" || fs::is_directory(path, ignored);
}

void convert_otf2(const std::string& path, const std::string& output) {
  const std::string anchor = anchor_of(path);
  if (access(anchor.c_str(), R_OK) != 0)
    throw Error(Kind::io, format("cannot read {}: {}", anchor, std::strerror(errno)));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw Error(Kind::io, format("cannot read {}: {}", anchor, std::strerror(errno)));
  const pid_t reader = fork();
  if (reader == 0) child(anchor, output, ends[1]);
  close(ends[1]);
  std::string report;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) != 0;) {
    if (n < 0 && errno != EINTR) break;
    if (n > 0) report.append(buffer, static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  while (reader > 0 && waitpid(reader, &status, 0) < 0 && errno == EINTR) {
  }
  if (reader > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  std::error_code ignored;
  fs::remove(output, ignored);
  if (reader < 0) throw Error(Kind::io, format("cannot read {}: no process could be made", anchor));
  if (report.empty()) {
    damaged(anchor, WIFSIGNALED(status)
                        ? format("the OTF2 library stopped with signal {}", WTERMSIG(status))
                        : std::string("the OTF2 library stopped"));
  }
  const std::size_t end = report.find('\0', 1);
  throw Error(static_cast<Kind>(report[0]), report.substr(1, end - 1), report.substr(end + 1));
}

}  // namespace jetlag::trace
