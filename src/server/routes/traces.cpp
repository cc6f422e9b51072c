#include "server/routes/traces.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/settings.h"
#include "server/http/message.h"
#include "trace/chunk/reader.h"
#include "trace/formats/format.h"

namespace jetlag::routes {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_kept = 8;  // traces in memory
constexpr int deepest = 4;            // folders below the one that was named
// How often a trace that grows is looked at, and how much of the time reading it may take.
constexpr std::chrono::milliseconds pause{200};
constexpr int times_the_work = 4;

// False if it is gone.
bool look(const std::string& path, std::int64_t& bytes, std::int64_t& changed) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return false;
  bytes = status.st_size;
  changed = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  return true;
}

std::string records_of(const std::string& path) {
  std::error_code none;
  if (!fs::is_regular_file(path, none) || fs::path(path).extension() != ".jlt") return "0";
  std::uint64_t records = 0;
  const trace::Reader reader(path);
  for (const trace::Segment& s : reader.segments()) records += s.records;
  return format("{:x}", records);
}

// A folder that is a trace: an archive of jetlag's, or the pieces of one run.
bool is_one(const fs::path& folder) {
  std::error_code none;
  return fs::is_directory(folder, none) &&
         (fs::exists(folder / "traces.otf2", none) || trace::is_phylanx(folder));
}

class Lister {
 public:
  void add(const std::string& path, const std::string& name) {
    std::error_code none;
    const fs::path whole = fs::absolute(path, none).lexically_normal();
    ListedTrace t{Traces::id_of(path), name, whole, 0, 0};
    if (!look(t.path, t.bytes, t.changed)) return;
    for (const ListedTrace& known : found) {
      if (known.id == t.id) return;
    }
    found.push_back(std::move(t));
  }

  void add_folder(const fs::path& folder, const std::string& above, int depth) {
    std::error_code none;
    for (const fs::directory_entry& e : fs::directory_iterator(folder, none)) {
      const std::string file = e.path().filename();
      const std::string name = above.empty() ? file : above + "/" + file;
      if (file.starts_with(".")) continue;
      if (e.is_directory(none)) {
        if (is_one(e.path())) add(e.path(), name);
        else if (depth < deepest) add_folder(e.path(), name, depth + 1);
      } else if (e.path().extension() == ".jlt" || e.path().extension() == ".otf2") {
        if (file != "traces.otf2") add(e.path(), name);
      } else if (trace::is_phylanx(e.path()) && trace::leading_piece(e.path()) == e.path()) {
        add(e.path(), name);
      }
    }
  }

  std::vector<ListedTrace> found;
};

}  // namespace

std::string job_of_trace(std::string_view id) {
  if (!id.starts_with(job_mark)) return {};
  id.remove_prefix(job_mark.size());
  const std::size_t dash = id.find('-');
  const bool plain = id.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
  return plain && dash != std::string_view::npos ? std::string(id.substr(0, dash)) : std::string();
}

http::HttpError no_trace() {
  return {404, "trace", "there is no such trace, or its file was removed",
          "the list of traces shows those that are there"};
}

// FNV-1a, 64 bits: short, and the same in every process, so that links go on holding.
std::string Traces::id_of(const std::string& path) {
  std::error_code none;
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : fs::absolute(path, none).lexically_normal().string())
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return format("{:016x}", hash);
}

std::vector<ListedTrace> Traces::list() const {
  Lister lister;
  for (const std::string& place : places_) {
    std::error_code none;
    const fs::path leading = trace::leading_piece(place);
    if (fs::is_directory(place, none) && !is_one(place)) lister.add_folder(place, "", 0);
    else lister.add(leading, leading.filename());
  }
  std::stable_sort(
      lister.found.begin(), lister.found.end(),
      [](const ListedTrace& a, const ListedTrace& b) { return a.changed > b.changed; });
  return lister.found;
}

ListedTrace Traces::find(std::string_view id) const {
  if (const std::string job = job_of_trace(id); !jobs_.empty() && !job.empty()) {
    const std::string_view name = id.substr(job_mark.size());
    const std::string path =
        format("{}/jobs/{}/{}/files/trace.jlt", jobs_, job, name.substr(job.size() + 1));
    ListedTrace t{std::string(id), std::string(name), path, 0, 0};
    if (look(t.path, t.bytes, t.changed)) return t;
  }
  for (ListedTrace& t : list())
    if (t.id == id) return std::move(t);
  throw no_trace();
}

std::string Traces::place_for(std::string_view name) const {
  constexpr std::size_t longest = 200;  // bytes
  const bool odd = std::any_of(name.begin(), name.end(), [](char c) {
    return c == '/' || c == '\\' || static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
  if (odd || name.size() > longest || name.starts_with('.') || !name.ends_with(".jlt"))
    throw http::HttpError(400, "name", format("a trace cannot be called {}", http::json_text(name)),
                          "a name ends in .jlt, does not begin with a dot, and names no folder");
  std::error_code none;
  for (const std::string& place : places_) {
    if (fs::is_directory(place, none) && !is_one(place)) return fs::path(place) / name;
  }
  throw http::HttpError(409, "folder", "this server serves files that were named, and no folder",
                        "start it with a folder: jetlag serve FOLDER");
}

void Traces::remove(std::string_view id) {
  const ListedTrace listed = find(id);
  std::error_code trouble;
  if (id.starts_with(job_mark) || !fs::is_regular_file(listed.path, trouble) ||
      !listed.path.ends_with(".jlt"))
    throw http::HttpError(409, "trace", "this trace is a job's, or not one file of jetlag's",
                          "remove it where it lies");
  const std::string index = trace::kept_beside(listed.path);
  if (!fs::remove(listed.path, trouble))
    throw Error(Kind::io, format("cannot remove {}: {}", listed.path, trouble.message()));
  fs::remove(index, trouble);
  const std::scoped_lock lock(mutex_);
  if (const auto kept = kept_.find(id); kept != kept_.end()) kept_.erase(kept);
}

std::shared_ptr<const OpenTrace> Traces::open(std::string_view id) {
  const ListedTrace listed = find(id);
  std::shared_ptr<Kept> kept;
  {
    const std::scoped_lock lock(mutex_);
    std::shared_ptr<Kept>& place = kept_[std::string(id)];
    if (!place) place = std::make_shared<Kept>();
    place->used = ++uses_;
    kept = place;
    forget_some();
  }
  const std::scoped_lock reading(kept->reading);
  renew(*kept, listed);
  return kept->trace;
}

void Traces::renew(Kept& kept, const ListedTrace& listed) {
  const auto now = std::chrono::steady_clock::now();
  if (kept.trace && now < kept.next_look) return;
  std::string revision = format("{:x}-{:x}", listed.changed, listed.bytes);
  // What threads write into their rings changes neither the time nor the size of the file.
  if (kept.trace && !kept.trace->trace.closed) revision += "-" + records_of(listed.path);
  if (!kept.trace || kept.trace->revision != revision) {
    const bool is_new = !kept.trace;
    auto indexed = read(listed.path);
    if (!indexed->trace.closed && is_new) revision += "-" + records_of(listed.path);
    kept.trace = std::make_shared<OpenTrace>(std::move(indexed), std::move(revision));
  }
  const auto took = std::chrono::steady_clock::now() - now;
  if (!kept.trace->trace.closed)
    kept.next_look = now + std::max<std::chrono::nanoseconds>(pause, took * times_the_work);
}

// What was read once is kept on disk; that is written while the first questions are answered.
std::shared_ptr<const trace::Indexed> Traces::read(const std::string& path) {
  const std::string identity = trace::identity_of(path);
  const std::string cache = cache_folder();
  if (auto found = trace::find_kept(path, identity, cache)) return found;
  auto indexed = std::make_shared<const trace::Indexed>(trace::open(path));
  if (trace::worth_keeping(indexed->trace)) {
    const std::scoped_lock lock(mutex_);
    keepers_.emplace_back(
        [=](const std::stop_token& stop) { trace::keep(*indexed, identity, cache, stop); });
  }
  return indexed;
}

const trace::CriticalPath& OpenTrace::critical_path() const {
  std::call_once(has_path_, [this] { path_ = trace::critical_path(trace); });
  return path_;
}

void Traces::forget_some() {
  while (kept_.size() > most_kept) {
    const auto oldest = std::min_element(
        kept_.begin(), kept_.end(),
        [](const auto& a, const auto& b) { return a.second->used < b.second->used; });
    kept_.erase(oldest);
  }
}

}  // namespace jetlag::routes
