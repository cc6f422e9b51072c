// A trace that was opened once is kept on disk as it lies in memory: spans, tracks, forest,
// figures. Opening it again maps that file instead of reading and adding up every record.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "trace/store/profile.h"
#include "trace/store/timeline.h"
#include "trace/store/trace.h"

namespace jetlag::trace {

// A trace with what is made of it.
class Indexed {
 public:
  explicit Indexed(Trace from) : trace(std::move(from)), timeline(trace) {}
  template <class Archive>
  Indexed(std::string path, Archive& kept);
  Indexed(const Indexed&) = delete;
  Indexed& operator=(const Indexed&) = delete;

  const Trace trace;
  const Timeline timeline;
  // Made when somebody asks first.
  const std::vector<SiteFigures>& sites() const;

 private:
  mutable std::once_flag has_sites_;
  mutable std::vector<SiteFigures> sites_;
};

// Says what a trace's files are now: any change of them changes it.
std::string identity_of(const std::string& path);

// What was kept of this trace; null if there is nothing, or it is not of these files, of another
// jetlag, damaged, or another user's. It lies beside the trace, or in `cache`, a folder, where that
// cannot be written.
std::shared_ptr<const Indexed> find_kept(const std::string& path, const std::string& identity,
                                         const std::string& cache);

// Keeps it for the next time; false if there is no place to. Traces that are read in no time are
// not worth a file: `worth_keeping` says which are.
bool keep(const Indexed& indexed, const std::string& identity, const std::string& cache,
          const std::stop_token& stop = {});
bool worth_keeping(const Trace& trace);

// Where it lies beside the trace.
std::string kept_beside(const std::string& path);

}  // namespace jetlag::trace
