// One trace of the traces of several processes.
#pragma once

#include <vector>

#include "trace/store/trace.h"

namespace jetlag::trace {

// Each part is a rank, in the order of the list, except that parts that hold ranks keep theirs as
// long as no two parts hold the same one. Times are brought to the clock of the first part: parts
// of one boot of one machine share a clock; others are held against the wall clock, and then
// against the messages between them, none of which comes before it was sent. Clocks that run at
// different speeds are met by a straight line, if messages go both ways early and late. What could
// not be held against anything is a complaint. Tasks that pass messages get edges between ranks.
Trace unite(std::vector<Trace> parts);

}  // namespace jetlag::trace
