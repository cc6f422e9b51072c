#include "trace/store/moments.h"

#include <array>

#include "base/error.h"
#include "trace/store/report.h"

namespace jetlag::trace {

namespace {

bool says_bytes(Event event) {
  return describe(event).form == ArgumentForm::bytes || event == Event::send ||
         event == Event::receive;
}

}  // namespace

std::vector<MomentFigures> moments(const Trace& trace) {
  std::array<MomentFigures, event_count> all{};
  for (const Point& p : trace.points) {
    MomentFigures& f = all[static_cast<std::size_t>(p.event)];
    f.event = p.event;
    ++f.count;
    if (says_bytes(p.event)) f.total += value_of(p.event, p.argument);
  }
  std::vector<MomentFigures> happened;
  for (const MomentFigures& f : all) {
    if (f.count > 0) happened.push_back(f);
  }
  return happened;
}

std::string moments_text(const Trace& trace) {
  std::string text;
  for (const MomentFigures& f : moments(trace)) {
    text += format("{}{} {}", text.empty() ? "" : ", ", describe(f.event).name, f.count);
    if (says_bytes(f.event)) text += format(" ({})", bytes_text(f.total));
  }
  return text;
}

}  // namespace jetlag::trace
