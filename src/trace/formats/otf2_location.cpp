#include "trace/formats/otf2_location.h"

#include <array>
#include <bit>
#include <cmath>
#include <exception>

#include "base/error.h"

namespace jetlag::trace::otf2 {

namespace {

constexpr std::size_t chunk = 1 << 16;
__extension__ using Wide = __int128;

double rest(double whole, double told) { return std::isfinite(told) ? whole - told : 0; }

double number_of(OTF2_Type type, const OTF2_MetricValue& v) {
  switch (type) {
    case OTF2_TYPE_INT64: return static_cast<double>(v.signed_int);
    case OTF2_TYPE_UINT64: return static_cast<double>(v.unsigned_int);
    default: return v.floating_point;
  }
}

}  // namespace

LocationReader::LocationReader(const Definitions& definitions, Writer& writer, std::uint32_t track,
                               std::uint64_t most_events, std::function<void()> beat)
    : d_(definitions), writer_(writer), track_(track), most_events_(most_events), beat_(beat) {
  records_.reserve(chunk);
}

void LocationReader::enter(std::uint64_t time, OTF2_AttributeList* list, SiteId site) {
  if (site != 0 && !d_.sites.contains(site)) skip("events name a region that nobody defined");
  Record r = record(Event::begin, time);
  r.site = site;
  if (d_.own) {
    r.task = number(list, task).value_or(0);
  } else if (const auto id = number(list, guid); id.value_or(0) != 0) {
    r.task = *id;
    Record made = r;
    made.event = Event::create;
    made.argument = number(list, parent_guid).value_or(0);
    put(made);
  }
  open_.emplace_back(site, r.task);
  put(r);
}

void LocationReader::leave(std::uint64_t time, OTF2_AttributeList* list, SiteId site) {
  if (d_.own && find(list, Attribute::open)) return;
  for (std::size_t i = open_.size(); i-- > 0;) {
    if (open_[i].first != site) continue;
    Record r = record(Event::end, time);
    r.site = site;
    r.task = open_[i].second;
    put(r);
    open_.resize(i);
    return;
  }
  skip("leaves have no enter");
}

void LocationReader::metric(std::uint64_t time, std::uint32_t metric, std::uint8_t count,
                            const OTF2_Type* types, const OTF2_MetricValue* values) {
  const auto found = d_.metrics.find(metric);
  if (found == d_.metrics.end()) return skip("samples name a metric that nobody defined");
  const Metric& m = found->second;
  for (std::size_t i = 0; i < std::min<std::size_t>(count, m.members.size()); ++i) {
    const auto member = d_.members.find(m.members[i]);
    if (member == d_.members.end()) {
      skip("samples name a member of a metric that nobody defined");
      continue;
    }
    Record r = record(Event::sample, time);
    r.site = member->first + 1;
    r.argument =
        std::bit_cast<std::uint64_t>(number_of(types[i], values[i]) * member->second.scale);
    const std::uint32_t about = d_.track_of(m);
    if (about == 0 || about == track_) put(r);
    else elsewhere_[about].push_back(r);
  }
}

void LocationReader::parameter(std::uint64_t time, OTF2_AttributeList* list,
                               std::uint32_t parameter, std::uint64_t value) {
  const auto event = d_.parameters.find(parameter);
  if (event == d_.parameters.end()) return skip("parameters have no place in a trace of jetlag");
  Record r = record(event->second, time);
  if (r.event == Event::work) return work(r, list, value);
  if (r.event == Event::create || r.event == Event::ready) {
    r.task = value;
    r.argument = number(list, r.event == Event::ready ? from : parent_guid).value_or(0);
  } else {
    r.task = number(list, task).value_or(0);
    r.argument = value;
  }
  if (r.event == Event::ready) {
    r.site = std::bit_cast<std::uint32_t>(static_cast<float>(real(list, bytes)));
  } else if (const auto at = find(list, Attribute::site)) {
    r.site = d_.site_of_region(at->regionRef);
  }
  put(r);
}

void LocationReader::message(std::uint64_t time, Event event, std::uint32_t rank,
                             std::uint64_t size) {
  Record r = record(event, time);
  if (!open_.empty()) r.site = open_.back().first;
  r.argument = pack(static_cast<double>(size), rank);
  put(r);
}

void LocationReader::flush() {
  beat_();
  if (first_ > most_events_)
    throw Error(Kind::value, "it has more events than bytes", "the archive is damaged");
  for (auto& [track, records] : elsewhere_) {
    writer_.add_columns(records, track, first_);
    records.clear();
  }
  if (records_.empty()) return;
  writer_.add_columns(records_, track_, first_);
  first_ += records_.size();
  records_.clear();
}

Record LocationReader::record(Event event, std::uint64_t time) const {
  Record r;
  // Before the offset they are negative: two's complement, which readers take back.
  const auto past = static_cast<std::int64_t>(time - d_.offset);
  r.ticks = static_cast<std::uint64_t>(
      d_.resolution == ticks_per_second
          ? past
          : static_cast<std::int64_t>(Wide{past} * std::int64_t{ticks_per_second} /
                                      static_cast<Wide>(d_.resolution)));
  r.event = event;
  return r;
}

void LocationReader::put(const Record& r) {
  records_.push_back(r);
  if (records_.size() == chunk) flush();
}

// Figures are kept in single precision: a sum that needs more is told in parts.
void LocationReader::work(Record r, OTF2_AttributeList* list, std::uint64_t of_task) {
  r.task = of_task;
  double moved = real(list, bytes);
  double done = real(list, flops);
  for (int part = 0; part < 3 && (part == 0 || moved != 0 || done != 0); ++part) {
    r.argument = pack(moved, done);
    moved = rest(moved, first_of(r.argument));
    done = rest(done, second_of(r.argument));
    put(r);
  }
}

std::optional<OTF2_AttributeValue> LocationReader::find(OTF2_AttributeList* list,
                                                        Attribute which) const {
  const OTF2_AttributeRef id = d_.attributes[which];
  if (id == OTF2_UNDEFINED_ATTRIBUTE || !OTF2_AttributeList_TestAttributeByID(list, id)) return {};
  OTF2_Type type;
  OTF2_AttributeValue value;
  if (OTF2_AttributeList_GetAttributeByID(list, id, &type, &value) != OTF2_SUCCESS) return {};
  constexpr std::array wanted{OTF2_TYPE_UINT64, OTF2_TYPE_UINT64, OTF2_TYPE_UINT64,
                              OTF2_TYPE_UINT8,  OTF2_TYPE_REGION, OTF2_TYPE_UINT64,
                              OTF2_TYPE_DOUBLE, OTF2_TYPE_DOUBLE};
  if (type != wanted[which]) return {};
  return value;
}

std::optional<std::uint64_t> LocationReader::number(OTF2_AttributeList* list,
                                                    Attribute which) const {
  const auto value = find(list, which);
  return value ? std::optional(value->uint64) : std::nullopt;
}

double LocationReader::real(OTF2_AttributeList* list, Attribute which) const {
  const auto value = find(list, which);
  return value ? value->float64 : 0;
}

namespace {

LocationReader& of(void* data) { return *static_cast<LocationReader*>(data); }

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

// What is counted and left out: what a trace here has no place for. Program begin and end,
// measurement on and off and flushes of buffers say nothing about the program.
enum class Foreign : std::uint8_t { mpi, omp, threads, rma, io, parameters, samples };
constexpr std::array<std::string_view, 7> foreign_kinds{
    "events of MPI that are no messages have no place in a trace of jetlag",
    "events of OpenMP have no place in a trace of jetlag",
    "events of threads have no place in a trace of jetlag",
    "events of remote memory have no place in a trace of jetlag",
    "events of input and output have no place in a trace of jetlag",
    "parameters have no place in a trace of jetlag",
    "samples of calling contexts have no place in a trace of jetlag"};

template <Foreign kind, class... Rest>
OTF2_CallbackCode skip(OTF2_LocationRef, Time, std::uint64_t, void* u, List*, Rest...) {
  return guarded([&] { of(u).skip(foreign_kinds[static_cast<std::size_t>(kind)]); });
}

void skip_others(OTF2_EvtReaderCallbacks* c) {
  OTF2_EvtReaderCallbacks_SetMpiIsendCompleteCallback(c, skip<Foreign::mpi>);
  OTF2_EvtReaderCallbacks_SetMpiIrecvRequestCallback(c, skip<Foreign::mpi>);
  OTF2_EvtReaderCallbacks_SetMpiRequestTestCallback(c, skip<Foreign::mpi>);
  OTF2_EvtReaderCallbacks_SetMpiRequestCancelledCallback(c, skip<Foreign::mpi>);
  OTF2_EvtReaderCallbacks_SetMpiCollectiveBeginCallback(c, skip<Foreign::mpi>);
  OTF2_EvtReaderCallbacks_SetMpiCollectiveEndCallback(c, skip<Foreign::mpi>);
  OTF2_EvtReaderCallbacks_SetNonBlockingCollectiveRequestCallback(c, skip<Foreign::mpi>);
  OTF2_EvtReaderCallbacks_SetNonBlockingCollectiveCompleteCallback(c, skip<Foreign::mpi>);
  OTF2_EvtReaderCallbacks_SetCommCreateCallback(c, skip<Foreign::mpi>);
  OTF2_EvtReaderCallbacks_SetCommDestroyCallback(c, skip<Foreign::mpi>);
  OTF2_EvtReaderCallbacks_SetOmpForkCallback(c, skip<Foreign::omp>);
  OTF2_EvtReaderCallbacks_SetOmpJoinCallback(c, skip<Foreign::omp>);
  OTF2_EvtReaderCallbacks_SetOmpAcquireLockCallback(c, skip<Foreign::omp>);
  OTF2_EvtReaderCallbacks_SetOmpReleaseLockCallback(c, skip<Foreign::omp>);
  OTF2_EvtReaderCallbacks_SetOmpTaskCreateCallback(c, skip<Foreign::omp>);
  OTF2_EvtReaderCallbacks_SetOmpTaskSwitchCallback(c, skip<Foreign::omp>);
  OTF2_EvtReaderCallbacks_SetOmpTaskCompleteCallback(c, skip<Foreign::omp>);
  OTF2_EvtReaderCallbacks_SetThreadForkCallback(c, skip<Foreign::threads>);
  OTF2_EvtReaderCallbacks_SetThreadJoinCallback(c, skip<Foreign::threads>);
  OTF2_EvtReaderCallbacks_SetThreadTeamBeginCallback(c, skip<Foreign::threads>);
  OTF2_EvtReaderCallbacks_SetThreadTeamEndCallback(c, skip<Foreign::threads>);
  OTF2_EvtReaderCallbacks_SetThreadAcquireLockCallback(c, skip<Foreign::threads>);
  OTF2_EvtReaderCallbacks_SetThreadReleaseLockCallback(c, skip<Foreign::threads>);
  OTF2_EvtReaderCallbacks_SetThreadTaskCreateCallback(c, skip<Foreign::threads>);
  OTF2_EvtReaderCallbacks_SetThreadTaskSwitchCallback(c, skip<Foreign::threads>);
  OTF2_EvtReaderCallbacks_SetThreadTaskCompleteCallback(c, skip<Foreign::threads>);
  OTF2_EvtReaderCallbacks_SetThreadCreateCallback(c, skip<Foreign::threads>);
  OTF2_EvtReaderCallbacks_SetThreadBeginCallback(c, skip<Foreign::threads>);
  OTF2_EvtReaderCallbacks_SetThreadWaitCallback(c, skip<Foreign::threads>);
  OTF2_EvtReaderCallbacks_SetThreadEndCallback(c, skip<Foreign::threads>);
  OTF2_EvtReaderCallbacks_SetRmaWinCreateCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaWinDestroyCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaCollectiveBeginCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaCollectiveEndCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaGroupSyncCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaRequestLockCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaAcquireLockCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaTryLockCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaReleaseLockCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaSyncCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaWaitChangeCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaPutCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaGetCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaAtomicCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaOpCompleteBlockingCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaOpCompleteNonBlockingCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaOpTestCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetRmaOpCompleteRemoteCallback(c, skip<Foreign::rma>);
  OTF2_EvtReaderCallbacks_SetIoCreateHandleCallback(c, skip<Foreign::io>);
  OTF2_EvtReaderCallbacks_SetIoDestroyHandleCallback(c, skip<Foreign::io>);
  OTF2_EvtReaderCallbacks_SetIoDuplicateHandleCallback(c, skip<Foreign::io>);
  OTF2_EvtReaderCallbacks_SetIoSeekCallback(c, skip<Foreign::io>);
  OTF2_EvtReaderCallbacks_SetIoChangeStatusFlagsCallback(c, skip<Foreign::io>);
  OTF2_EvtReaderCallbacks_SetIoDeleteFileCallback(c, skip<Foreign::io>);
  OTF2_EvtReaderCallbacks_SetIoOperationBeginCallback(c, skip<Foreign::io>);
  OTF2_EvtReaderCallbacks_SetIoOperationTestCallback(c, skip<Foreign::io>);
  OTF2_EvtReaderCallbacks_SetIoOperationIssuedCallback(c, skip<Foreign::io>);
  OTF2_EvtReaderCallbacks_SetIoOperationCompleteCallback(c, skip<Foreign::io>);
  OTF2_EvtReaderCallbacks_SetIoOperationCancelledCallback(c, skip<Foreign::io>);
  OTF2_EvtReaderCallbacks_SetIoAcquireLockCallback(c, skip<Foreign::io>);
  OTF2_EvtReaderCallbacks_SetIoReleaseLockCallback(c, skip<Foreign::io>);
  OTF2_EvtReaderCallbacks_SetIoTryLockCallback(c, skip<Foreign::io>);
  OTF2_EvtReaderCallbacks_SetParameterIntCallback(c, skip<Foreign::parameters>);
  OTF2_EvtReaderCallbacks_SetParameterStringCallback(c, skip<Foreign::parameters>);
  OTF2_EvtReaderCallbacks_SetCallingContextSampleCallback(c, skip<Foreign::samples>);
}

}  // namespace

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
  OTF2_EvtReaderCallbacks_SetMpiSendCallback(
      c, [](OTF2_LocationRef, Time t, std::uint64_t, void* u, List*, std::uint32_t rank,
            OTF2_CommRef, std::uint32_t, std::uint64_t bytes) {
        return guarded([&] { of(u).message(t, Event::send, rank, bytes); });
      });
  OTF2_EvtReaderCallbacks_SetMpiIsendCallback(
      c, [](OTF2_LocationRef, Time t, std::uint64_t, void* u, List*, std::uint32_t rank,
            OTF2_CommRef, std::uint32_t, std::uint64_t bytes, std::uint64_t) {
        return guarded([&] { of(u).message(t, Event::send, rank, bytes); });
      });
  OTF2_EvtReaderCallbacks_SetMpiRecvCallback(
      c, [](OTF2_LocationRef, Time t, std::uint64_t, void* u, List*, std::uint32_t rank,
            OTF2_CommRef, std::uint32_t, std::uint64_t bytes) {
        return guarded([&] { of(u).message(t, Event::receive, rank, bytes); });
      });
  OTF2_EvtReaderCallbacks_SetMpiIrecvCallback(
      c, [](OTF2_LocationRef, Time t, std::uint64_t, void* u, List*, std::uint32_t rank,
            OTF2_CommRef, std::uint32_t, std::uint64_t bytes, std::uint64_t) {
        return guarded([&] { of(u).message(t, Event::receive, rank, bytes); });
      });
  skip_others(c);
  return c;
}

void rethrow_trouble() {
  if (trouble) std::rethrow_exception(std::exchange(trouble, nullptr));
}

}  // namespace jetlag::trace::otf2
