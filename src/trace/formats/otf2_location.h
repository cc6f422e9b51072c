// The events of one location of an OTF2 archive as records.
#pragma once

#include <otf2/otf2.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trace/chunk/writer.h"
#include "trace/formats/otf2_definitions.h"

namespace jetlag::trace::otf2 {

// How many events could not become records, by what is the matter with them.
using LeftOut = std::map<std::string_view, std::uint64_t>;

// Written by and by. The methods that events call throw Error(io), and Error(value) once there are
// more events than the archive has bytes.
class LocationReader {
 public:
  // `beat` is called now and then: as long as it is, the archive is being read.
  LocationReader(const Definitions& definitions, Writer& writer, std::uint32_t track,
                 std::uint64_t most_events, std::function<void()> beat);

  void enter(std::uint64_t time, OTF2_AttributeList* list, SiteId site);
  // A leave ends the latest span of its region; without one it is left out. A span that was open
  // when the trace ended stays so.
  void leave(std::uint64_t time, OTF2_AttributeList* list, SiteId site);
  void metric(std::uint64_t time, std::uint32_t metric, std::uint8_t count, const OTF2_Type* types,
              const OTF2_MetricValue* values);
  void parameter(std::uint64_t time, OTF2_AttributeList* list, std::uint32_t parameter,
                 std::uint64_t value);
  // A message to a rank, or from one.
  void message(std::uint64_t time, Event event, std::uint32_t rank, std::uint64_t bytes);
  void skip(std::string_view what) { ++left_out_[what]; }
  // A moment at which nothing happened: where a trace begins or ends.
  void moment(std::uint64_t ns) { put({.ticks = ns}); }

  void flush();
  const LeftOut& left_out() const { return left_out_; }
  std::uint64_t events() const { return first_ + records_.size(); }
  const Definitions& definitions() const { return d_; }

 private:
  Record record(Event event, std::uint64_t time) const;
  void put(const Record& r);
  void work(Record r, OTF2_AttributeList* list, std::uint64_t task);
  std::optional<OTF2_AttributeValue> find(OTF2_AttributeList* list, Attribute which) const;
  std::optional<std::uint64_t> number(OTF2_AttributeList* list, Attribute which) const;
  double real(OTF2_AttributeList* list, Attribute which) const;

  const Definitions& d_;
  Writer& writer_;
  const std::uint32_t track_;
  const std::uint64_t most_events_;
  const std::function<void()> beat_;
  std::uint64_t first_ = 0;
  std::vector<Record> records_;
  std::map<std::uint32_t, std::vector<Record>> elsewhere_;  // samples about other locations
  std::vector<std::pair<SiteId, TaskId>> open_;
  LeftOut left_out_;
};

// Those that call a LocationReader, which the user data points to. An error is kept and thrown by
// rethrow_trouble(): none may pass through the library, which is C.
OTF2_EvtReaderCallbacks* event_callbacks();
// Of this thread.
void rethrow_trouble();

}  // namespace jetlag::trace::otf2
