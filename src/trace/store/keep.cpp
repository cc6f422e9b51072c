#include "trace/store/keep.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/text.h"
#include "trace/store/archive.h"

namespace jetlag::trace {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t many_spans = 500'000;
constexpr int layout_version = 1;  // of what is told below, and of what it means

template <class Archive, class T>
void strings(Archive& a, T& list) {
  a.each(list, [&](auto& pair) { a.all(pair.first, pair.second); });
}

// All of a trace but its path: files are moved.
template <class Archive>
void tell(Archive& a, Trace& t) {
  strings(a, t.facts);
  a.each(t.sites, [&](Site& s) {
    a.all(s.name, s.category, s.function, s.file, s.line, s.column, s.node, s.text);
  });
  a.each(t.counters, [&](Counter& c) { a.all(c.name, c.unit, c.kind, c.doc); });
  a.each(t.threads, [&](Thread& thread) { a.all(thread.id, thread.name, thread.system); });
  a.all(t.spans, t.tasks, t.edges, t.samples, t.points, t.work);
  a.all(t.length, t.origin, t.day, t.dropped, t.closed);
  a.each(t.complaints, [&](std::string& c) { a.all(c); });
}

// Every layout that is written as it lies in memory.
std::string layout() {
  return format("{} {} {} {} {} {} {} {} {}", layout_version, sizeof(SpanRow), sizeof(TaskRow),
                sizeof(Edge), sizeof(Sample), sizeof(Point), sizeof(Work), sizeof(TreeNode),
                sizeof(SiteFigures));
}

std::string key_of(const std::string& identity) { return layout() + " " + identity; }

std::string in_cache(const std::string& path, const std::string& cache) {
  std::error_code none;
  std::string name = fs::absolute(path, none).lexically_normal().string();
  std::replace(name.begin(), name.end(), '/', '%');
  constexpr std::size_t longest = 200;  // of a file's name
  if (name.size() > longest) name = format("{:x}", std::hash<std::string>{}(name));
  return cache + "/traces/" + name + ".index";
}

void say(std::string& all, const fs::path& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return;
  all += format("{} {} {}.{:09} {};", path.filename().string(), status.st_size,
                status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ino);
}

template <class Archive>
Trace told(std::string path, Archive& kept) {
  Trace t;
  tell(kept, t);
  t.path = std::move(path);
  return t;
}

}  // namespace

template <class Archive>
Indexed::Indexed(std::string path, Archive& kept)
    : trace(told(std::move(path), kept)), timeline(trace, kept) {
  std::call_once(has_sites_, [&] { kept.all(sites_); });
}

const std::vector<SiteFigures>& Indexed::sites() const {
  std::call_once(has_sites_, [this] { sites_ = profile_by_site(trace); });
  return sites_;
}

std::string identity_of(const std::string& path) {
  std::string all;
  std::error_code none;
  const fs::path named(path);
  say(all, named);
  // An archive is a folder, or an anchor with a folder of its name beside it.
  const fs::path folder =
      fs::is_directory(named, none) ? named : fs::path(named).replace_extension();
  if (folder == named || named.extension() == ".otf2") {
    std::vector<fs::path> files;
    for (fs::recursive_directory_iterator at(folder, none), end; at != end; at.increment(none)) {
      if (none) break;
      files.push_back(at->path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) say(all, file);
  }
  return all;
}

// Beside the file itself, whatever links lead there.
std::string kept_beside(const std::string& path) {
  std::error_code none;
  std::string place = fs::weakly_canonical(path, none).string();
  if (none) place = path;
  while (place.ends_with('/')) place.pop_back();
  return place + ".index";
}

std::shared_ptr<const Indexed> find_kept(const std::string& path, const std::string& identity,
                                         const std::string& cache) {
  std::vector<std::string> places{kept_beside(path)};
  if (!cache.empty()) places.push_back(in_cache(path, cache));
  for (const std::string& place : places) {
    auto archive = ArchiveReader::open(place, key_of(identity));
    if (!archive) continue;
    try {
      return std::make_shared<const Indexed>(path, *archive);
    } catch (const ArchiveReader::Damaged&) {
      continue;  // its digests hold, so another program made it
    }
  }
  return nullptr;
}

bool worth_keeping(const Trace& trace) { return trace.closed && trace.spans.size() >= many_spans; }

bool keep(const Indexed& indexed, const std::string& identity, const std::string& cache,
          const std::stop_token& stop) {
  struct stat status{};
  if (stat(indexed.trace.path.c_str(), &status) != 0) return false;
  ArchiveWriter archive(status.st_mode & 0666);  // who may read the trace may read this
  // Telling changes nothing; the same lines read.
  tell(archive, const_cast<Trace&>(indexed.trace));
  const_cast<Timeline&>(indexed.timeline).fields(archive);
  archive.all(indexed.sites());
  if (archive.write(kept_beside(indexed.trace.path), key_of(identity), stop)) return true;
  if (cache.empty() || stop.stop_requested()) return false;
  const std::string place = in_cache(indexed.trace.path, cache);
  std::error_code none;
  fs::create_directories(fs::path(place).parent_path(), none);
  return archive.write(place, key_of(identity), stop);
}

}  // namespace jetlag::trace
