#include "trace/store/measures.h"

#include <algorithm>
#include <limits>

namespace jetlag::trace {

namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

struct Done {
  double bytes = 0;
  double flops = 0;
};

// Of the task whose work the span is; else of the span itself.
Done done(const Trace& trace, Index span) {
  const SpanRow& s = trace.spans[at(span)];
  if (s.task >= 0) return {trace.tasks[at(s.task)].bytes, trace.tasks[at(s.task)].flops};
  Done sum;
  auto w = std::lower_bound(trace.work.begin(), trace.work.end(), span,
                            [](const Work& a, Index b) { return a.span < b; });
  for (; w != trace.work.end() && w->span == span; ++w) {
    sum.bytes += w->bytes;
    sum.flops += w->flops;
  }
  return sum;
}

double ratio(double above, double below) {
  return above > 0 && below > 0 ? above / below : unknown;
}

double known(double value) { return value > 0 ? value : unknown; }

double took(const Trace& trace, Index span) {
  const SpanRow& s = trace.spans[at(span)];
  return static_cast<double>(s.task >= 0 ? trace.tasks[at(s.task)].busy : s.duration());
}

constexpr Measure table[] = {
    {"duration", "ns", "how long it took",
     [](const Trace& t, Index s, const CriticalPath*) {
       return static_cast<double>(t.spans[at(s)].duration());
     }},
    {"wait", "ns", "how long its task was ready before it began",
     [](const Trace& t, Index s, const CriticalPath*) {
       const Index task = t.spans[at(s)].task;
       if (task < 0 || t.tasks[at(task)].ready < 0 || t.tasks[at(task)].begin < 0) return unknown;
       return static_cast<double>(t.tasks[at(task)].begin - t.tasks[at(task)].ready);
     }},
    {"slack", "ns", "how much later its task could have ended and the run be as long",
     [](const Trace& t, Index s, const CriticalPath* path) {
       const Index task = t.spans[at(s)].task;
       return task < 0 ? unknown : static_cast<double>(path->slack[at(task)]);
     },
     true},
    {"bytes", "B", "what its task moved",
     [](const Trace& t, Index s, const CriticalPath*) { return known(done(t, s).bytes); }},
    {"flops", "flop", "what its task computed",
     [](const Trace& t, Index s, const CriticalPath*) { return known(done(t, s).flops); }},
    {"bandwidth", "GB/s", "bytes over time",
     [](const Trace& t, Index s, const CriticalPath*) {
       return ratio(done(t, s).bytes, took(t, s));
     }},
    {"speed", "Gflop/s", "flops over time",
     [](const Trace& t, Index s, const CriticalPath*) {
       return ratio(done(t, s).flops, took(t, s));
     }},
    {"intensity", "flop/B", "flops over bytes",
     [](const Trace& t, Index s, const CriticalPath*) {
       const Done d = done(t, s);
       return ratio(d.flops, d.bytes);
     }},
};

}  // namespace

std::span<const Measure> measures() { return table; }

const Measure* measure_named(std::string_view name) {
  for (const Measure& m : table) {
    if (m.name == name) return &m;
  }
  return nullptr;
}

}  // namespace jetlag::trace
