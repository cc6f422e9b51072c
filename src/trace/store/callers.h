// What threads did themselves between handing out work and waiting for it: the part of the task
// graph that no task is.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "trace/store/trace.h"

namespace jetlag::trace {

// A stretch of a thread's own work, without what it waited: of spans that belong to no task.
struct Piece {
  Index thread = -1;
  std::int64_t busy = 0;  // nanoseconds
};

struct SiteTime {
  Index piece = -1;
  Index site = -1;
  std::int64_t time = 0;  // nanoseconds of the site's own
};

// Pieces end where their thread makes a task and where it waits. Each follows the one before it on
// its thread; a task follows the piece that ends with making it, and the piece after a wait follows
// the last task of that thread's making that ended meanwhile.
struct Callers {
  std::vector<Piece> pieces;
  std::vector<SiteTime> sites;                       // by piece
  std::vector<std::pair<Index, Index>> after_piece;  // piece, then piece
  std::vector<std::pair<Index, Index>> makes;        // piece, then task
  std::vector<std::pair<Index, Index>> awaited;      // task, then piece

  std::span<const SiteTime> of_piece(Index piece) const;
};
Callers callers(const Trace& trace);

}  // namespace jetlag::trace
