// OTF2 archives as traces: those that our writer made, and others'. The layout is in otf2_names.h;
// of others, a span with a GUID is the work of that task.
//
// The library works in a child of ours, which writes a trace file.
#include <otf2/otf2.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
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
#include "trace/formats/otf2_child.h"
#include "trace/formats/otf2_errors.h"
#include "trace/formats/otf2_location.h"
#include "trace/formats/writers.h"

namespace jetlag::trace {

namespace {

namespace fs = std::filesystem;

// Between signs of life of the child; a location that needs longer is left out.
constexpr std::chrono::seconds patience{60};
constexpr std::size_t most_skipped = 16;

// Locations on which the library ended the child, and how.
using Skipped = std::map<std::uint64_t, std::string>;

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
  throw Error(Kind::value, format("{} is damaged: {}", path, what),
              "otf2-print can show what is left of it");
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

// Reads the events of one archive, location by location, in the child.
class Conversion {
 public:
  Conversion(const std::string& path, const std::string& output, const Skipped& skipped,
             otf2::Line& line)
      : path_(path), skipped_(skipped), line_(line), reader_(OTF2_Reader_Open(path.c_str())) {
    if (!reader_) damaged(path, otf2::last_error());
    OTF2_Pthread_Reader_SetLockingCallbacks(reader_, nullptr);
    OTF2_Reader_SetSerialCollectiveCallbacks(reader_);
    definitions_ = otf2::read_definitions(reader_, path);
    std::uint64_t count = 0;
    OTF2_Reader_GetNumberOfLocations(reader_, &count);
    if (count != definitions_.locations.size())
      damaged(path,
              format("it has {} locations and defines {}", count, definitions_.locations.size()));
    writer_.emplace(output);
    define(*writer_, definitions_);
    open_locations();
  }

  void run(unsigned threads) {
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
      for (std::size_t i; (i = next++) < jobs_.size();) read(*jobs_[i]);
    };
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < std::min<std::size_t>(threads, jobs_.size()); ++i)
      others.emplace_back(work);
    work();
    for (std::thread& t : others) t.join();
    if (first_) std::rethrow_exception(first_);
    if (!jobs_.empty() && failed_ == jobs_.size()) damaged(path_, failure_);
    tell_what_is_missing();
    // An archive of a recording that was cut off says so, as the recording itself did.
    if (definitions_.closed != 0) writer_->close();
  }

 private:
  struct Job {
    OTF2_EvtReader* events;
    otf2::LocationReader records;
    std::uint64_t id;
  };

  void open_locations() {
    for (const auto& [id, l] : definitions_.locations) OTF2_Reader_SelectLocation(reader_, id);
    const bool local = OTF2_Reader_OpenDefFiles(reader_) == OTF2_SUCCESS;
    if (OTF2_Reader_OpenEvtFiles(reader_) != OTF2_SUCCESS && !definitions_.locations.empty())
      damaged(path_, otf2::last_error());
    const std::uint64_t most = bytes_of_events();
    for (const auto& [id, l] : definitions_.locations) {
      const auto beat = [this] { line_.beat(); };
      jobs_.push_back(
          std::make_unique<Job>(Job{nullptr, {definitions_, *writer_, l.track, most, beat}, id}));
      Job& job = *jobs_.back();
      if (const auto skipped = skipped_.find(id); skipped != skipped_.end()) {
        drop(job, skipped->second);
        continue;
      }
      line_.begin(id);
      // How its numbers differ from the global ones, and its clock; few have any.
      OTF2_DefReader* definitions = local ? OTF2_Reader_GetDefReader(reader_, id) : nullptr;
      std::uint64_t ignored = 0;
      if (definitions) {
        OTF2_Reader_ReadAllLocalDefinitions(reader_, definitions, &ignored);
        OTF2_Reader_CloseDefReader(reader_, definitions);
      }
      job.events = OTF2_Reader_GetEvtReader(reader_, id);
      line_.end(id);
      if (!job.events && l.events > 0) drop(job, otf2::last_error());
    }
    if (definitions_.own && !jobs_.empty()) {
      jobs_[0]->records.moment(0);
      jobs_[0]->records.moment(definitions_.length);
    }
  }

  // No event takes less than a byte, and none makes more than two records.
  std::uint64_t bytes_of_events() const {
    std::uint64_t bytes = 0;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(fs::path(path_).replace_extension(), ignored))
      bytes += entry.file_size(ignored);
    return 2 * bytes + 2;
  }

  // What a location cannot give does not take the others with it.
  void read(Job& job) {
    line_.begin(job.id);
    try {
      const otf2::QuietErrors fresh;
      if (job.events) {
        std::uint64_t count = 0;
        OTF2_Reader_RegisterEvtCallbacks(reader_, job.events, callbacks_, &job.records);
        const OTF2_ErrorCode code = OTF2_Reader_ReadAllLocalEvents(reader_, job.events, &count);
        otf2::rethrow_trouble();
        if (code != OTF2_SUCCESS) drop(job, otf2::last_error());
      }
      job.records.flush();
    } catch (const Error& e) {
      if (e.kind() != Kind::value) keep(std::current_exception());
      else drop(job, e.message());
    } catch (...) {
      keep(std::current_exception());
    }
    line_.end(job.id);
  }

  void keep(std::exception_ptr error) {
    std::scoped_lock lock(mutex_);
    if (!first_) first_ = error;
  }
  void drop(Job& job, const std::string& why) {
    std::scoped_lock lock(mutex_);
    const std::uint64_t kept = job.records.events();
    failure_ = format("location {}: {}", job.id, why);
    complaints_.push_back(
        kept == 0 ? format("location {} is left out: {}", job.id, why)
                  : format("location {} is left out from its record {} on: {}", job.id, kept, why));
    failed_ += kept == 0;
  }

  void tell_what_is_missing() {
    otf2::LeftOut all;
    for (const auto& job : jobs_) {
      for (const auto& [what, count] : job->records.left_out()) all[what] += count;
    }
    for (const auto& [what, count] : all)
      complaints_.push_back(format("{} {}: they are left out or unknown", count, what));
    for (const std::string& text : complaints_) {
      const nlohmann::json line = {{"def", "complaint"}, {"text", text}};
      writer_->define(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }
  }

  const std::string path_;
  const Skipped& skipped_;
  otf2::Line& line_;
  const otf2::QuietErrors quiet_;
  OTF2_Reader* const reader_;
  OTF2_EvtReaderCallbacks* const callbacks_ = otf2::event_callbacks();
  otf2::Definitions definitions_;
  std::optional<Writer> writer_;
  std::vector<std::unique_ptr<Job>> jobs_;
  std::mutex mutex_;
  std::exception_ptr first_;
  std::string failure_;
  std::size_t failed_ = 0;
  std::vector<std::string> complaints_;
};

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
  Skipped skipped;
  unsigned threads = std::max(std::thread::hardware_concurrency(), 1u);
  for (;;) {
    const otf2::Outcome outcome = otf2::run_in_child(
        [&](otf2::Line& line) { Conversion(anchor, output, skipped, line).run(threads); },
        patience);
    if (outcome.done) return;
    std::error_code ignored;
    fs::remove(output, ignored);
    if (outcome.error) throw *outcome.error;
    const std::string how = "the OTF2 library " + outcome.end;
    if (outcome.open.empty() || skipped.size() >= most_skipped) damaged(anchor, how);
    // Which of several locations it was is seen one by one.
    if (outcome.open.size() == 1) skipped.emplace(*outcome.open.begin(), how);
    else threads = 1;
  }
}

}  // namespace jetlag::trace
