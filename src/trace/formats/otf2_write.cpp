// Traces as OTF2 archives (Open Trace Format 2, Score-P). The layout is in otf2_names.h.
#include <otf2/otf2.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

#include "base/error.h"
#include "trace/formats/otf2_errors.h"
#include "trace/formats/otf2_names.h"
#include "trace/formats/text.h"
#include "trace/formats/writers.h"

namespace jetlag::trace {

namespace {

constexpr std::uint64_t event_chunk_bytes = 1 << 20;
constexpr std::uint64_t definition_chunk_bytes = 4 << 20;

// An event of a location: what it is, and the row that says more.
struct Item {
  enum Kind : std::uint8_t { enter, leave, work, create, ready, edge, task_work, sample, point };
  std::int64_t time;
  Index row;
  Kind kind;
};

OTF2_FlushType flush(void*, OTF2_FileType, OTF2_LocationRef, void*, bool) { return OTF2_FLUSH; }

class ArchiveWriter {
 public:
  ArchiveWriter(const Trace& trace, const std::string& path)
      : trace_(trace), path_(path), spans_of_(spans_of_tasks(trace)) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored))
      throw Error(Kind::io, format("cannot write {}: it is there already", path),
                  "name a folder that is not there: an OTF2 archive is a folder");
    archive_ =
        OTF2_Archive_Open(path.c_str(), "traces", OTF2_FILEMODE_WRITE, event_chunk_bytes,
                          definition_chunk_bytes, OTF2_SUBSTRATE_POSIX, OTF2_COMPRESSION_NONE);
    if (!archive_) fail();
  }
  ~ArchiveWriter() {
    if (archive_) OTF2_Archive_Close(archive_);
  }
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  void run() {
    static const OTF2_FlushCallbacks callbacks = {.otf2_pre_flush = flush,
                                                  .otf2_post_flush = nullptr};
    check(OTF2_Archive_SetFlushCallbacks(archive_, &callbacks, nullptr));
    check(OTF2_Archive_SetSerialCollectiveCallbacks(archive_));
    check(OTF2_Archive_SetCreator(archive_, std::string(otf2::creator).c_str()));
    threads_ = trace_.threads;
    if (threads_.empty()) threads_.push_back({0, "thread", 0});
    distribute();
    events();
    empty_local_definitions();
    definitions();
    check(OTF2_Archive_Close(std::exchange(archive_, nullptr)));
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(Kind::io, format("cannot write {}: {}", path_, otf2::last_error()),
                "name a folder that can be made");
  }
  void check(OTF2_ErrorCode code) const {
    if (code != OTF2_SUCCESS) fail();
  }

  // Every event to its location, in the order of time.
  void distribute() {
    items_.resize(threads_.size());
    const auto put = [&](Index thread, std::int64_t time, Item::Kind kind, std::size_t row) {
      items_[static_cast<std::size_t>(std::max<Index>(thread, 0))].push_back(
          {time, static_cast<Index>(row), kind});
    };
    std::size_t work = 0;
    walk_spans(
        trace_,
        [&](Index i) {
          const SpanRow& s = trace_.spans[static_cast<std::size_t>(i)];
          put(s.thread, s.begin, Item::enter, static_cast<std::size_t>(i));
          for (; work < trace_.work.size() && trace_.work[work].span <= i; ++work) {
            if (trace_.work[work].span == i) put(s.thread, s.begin, Item::work, work);
          }
        },
        [&](Index i) {
          const SpanRow& s = trace_.spans[static_cast<std::size_t>(i)];
          put(s.thread, s.end, Item::leave, static_cast<std::size_t>(i));
        });
    std::size_t edge = 0;
    for (std::size_t i = 0; i < trace_.tasks.size(); ++i) {
      const TaskRow& t = trace_.tasks[i];
      const Index first = spans_of_[i].first;
      const Index home = first < 0 ? 0 : trace_.spans[static_cast<std::size_t>(first)].thread;
      if (t.created >= 0) put(t.maker < 0 ? home : t.maker, t.created, Item::create, i);
      while (edge < trace_.edges.size() && trace_.edges[edge].to < static_cast<Index>(i)) ++edge;
      bool waited = false;
      for (; edge < trace_.edges.size() && trace_.edges[edge].to == static_cast<Index>(i); ++edge) {
        put(home, std::max<std::int64_t>(t.ready, 0), Item::edge, edge);
        waited = true;
      }
      if (t.ready >= 0 && !waited) put(home, t.ready, Item::ready, i);
      const bool unseen = t.created < 0 && t.ready < 0 && first < 0;
      if (t.bytes != 0 || t.flops != 0 || unseen)
        put(home, std::max<std::int64_t>({t.created, t.begin, 0}), Item::task_work, i);
    }
    for (std::size_t i = 0; i < trace_.samples.size(); ++i)
      put(trace_.samples[i].thread, trace_.samples[i].time, Item::sample, i);
    for (std::size_t i = 0; i < trace_.points.size(); ++i)
      put(trace_.points[i].thread, trace_.points[i].time, Item::point, i);
    // Spans keep their order: theirs is the order of time already.
    for (auto& items : items_) {
      std::stable_sort(items.begin(), items.end(),
                       [](const Item& a, const Item& b) { return a.time < b.time; });
    }
  }

  void events() {
    check(OTF2_Archive_OpenEvtFiles(archive_));
    attributes_ = OTF2_AttributeList_New();
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      writer_ = OTF2_Archive_GetEvtWriter(archive_, threads_[i].id);
      if (!writer_) fail();
      for (const Item& item : items_[i]) event(item);
      check(OTF2_Archive_CloseEvtWriter(archive_, writer_));
    }
    OTF2_AttributeList_Delete(attributes_);
    check(OTF2_Archive_CloseEvtFiles(archive_));
  }

  // Writing an event empties the list of attributes.
  void event(const Item& item) {
    const auto row = static_cast<std::size_t>(item.row);
    const auto time = static_cast<std::uint64_t>(item.time);
    switch (item.kind) {
      case Item::enter: {
        const SpanRow& s = trace_.spans[row];
        add(otf2::guid, guid(item.row));
        add(otf2::parent_guid, parent_guid(s));
        if (s.task >= 0) add(otf2::task, id(s.task));
        check(OTF2_EvtWriter_Enter(writer_, attributes_, time, region(s.site)));
        return;
      }
      case Item::leave: {
        const SpanRow& s = trace_.spans[row];
        if (s.open) check(OTF2_AttributeList_AddUint8(attributes_, otf2::open, 1));
        check(OTF2_EvtWriter_Leave(writer_, attributes_, time, region(s.site)));
        return;
      }
      case Item::work: {
        const Work& w = trace_.work[row];
        return work(time, 0, w.bytes, w.flops);
      }
      case Item::task_work: {
        const TaskRow& t = trace_.tasks[row];
        return work(time, t.id, t.bytes, t.flops);
      }
      case Item::create: {
        const TaskRow& t = trace_.tasks[row];
        if (t.parent >= 0) add(otf2::parent_guid, id(t.parent));
        if (t.site >= 0) add_site(t.site);
        return parameter(time, Event::create, t.id);
      }
      case Item::ready: return parameter(time, Event::ready, trace_.tasks[row].id);
      case Item::edge: {
        const Edge& e = trace_.edges[row];
        if (e.from >= 0) add(otf2::from, id(e.from));
        check(OTF2_AttributeList_AddDouble(attributes_, otf2::bytes, e.bytes));
        return parameter(time, Event::ready, id(e.to));
      }
      case Item::sample: {
        const Sample& s = trace_.samples[row];
        const OTF2_Type type = OTF2_TYPE_DOUBLE;
        OTF2_MetricValue value;
        value.floating_point = s.value;
        check(OTF2_EvtWriter_Metric(writer_, attributes_, time,
                                    static_cast<OTF2_MetricRef>(s.counter), 1, &type, &value));
        return;
      }
      case Item::point: {
        const Point& p = trace_.points[row];
        if (p.task >= 0) add(otf2::task, id(p.task));
        if (p.site >= 0) add_site(p.site);
        return parameter(time, p.event, p.argument);
      }
    }
  }

  void add(otf2::Attribute attribute, std::uint64_t value) {
    check(OTF2_AttributeList_AddUint64(attributes_, attribute, value));
  }
  void add_site(Index site) {
    check(OTF2_AttributeList_AddRegionRef(attributes_, otf2::site, region(site)));
  }
  void work(std::uint64_t time, std::uint64_t task, double bytes, double flops) {
    check(OTF2_AttributeList_AddDouble(attributes_, otf2::bytes, bytes));
    check(OTF2_AttributeList_AddDouble(attributes_, otf2::flops, flops));
    parameter(time, Event::work, task);
  }
  void parameter(std::uint64_t time, Event event, std::uint64_t value) {
    check(OTF2_EvtWriter_ParameterUnsignedInt(writer_, attributes_, time,
                                              static_cast<OTF2_ParameterRef>(event), value));
  }

  static OTF2_RegionRef region(Index site) { return static_cast<OTF2_RegionRef>(site + 1); }
  std::uint64_t id(Index task) const { return trace_.tasks[static_cast<std::size_t>(task)].id; }
  std::uint64_t guid(Index span) const {
    const SpanRow& s = trace_.spans[static_cast<std::size_t>(span)];
    if (is_outermost(s)) return id(s.task);
    const std::uint64_t last = trace_.tasks.empty() ? 0 : trace_.tasks.back().id;
    return last + 1 + static_cast<std::uint64_t>(span);
  }
  // Of its task's spans.
  bool is_outermost(const SpanRow& s) const {
    return s.task >= 0 &&
           (s.parent < 0 || trace_.spans[static_cast<std::size_t>(s.parent)].task != s.task);
  }
  std::uint64_t parent_guid(const SpanRow& s) const {
    if (is_outermost(s)) {
      const Index maker = trace_.tasks[static_cast<std::size_t>(s.task)].parent;
      if (maker >= 0) return id(maker);
    }
    return s.parent < 0 ? 0 : guid(s.parent);
  }

  // Readers ask for those of each location, even if there are none.
  void empty_local_definitions() {
    check(OTF2_Archive_OpenDefFiles(archive_));
    for (const Thread& t : threads_) {
      OTF2_DefWriter* writer = OTF2_Archive_GetDefWriter(archive_, t.id);
      if (!writer) fail();
      check(OTF2_Archive_CloseDefWriter(archive_, writer));
    }
    check(OTF2_Archive_CloseDefFiles(archive_));
  }

  void definitions() {
    definer_ = OTF2_Archive_GetGlobalDefWriter(archive_);
    if (!definer_) fail();
    text("");
    check(OTF2_GlobalDefWriter_WriteClockProperties(definer_, otf2::ticks_per_second, 0,
                                                    static_cast<std::uint64_t>(trace_.length),
                                                    OTF2_UNDEFINED_TIMESTAMP));
    constexpr OTF2_Type types[] = {OTF2_TYPE_UINT64, OTF2_TYPE_UINT64, OTF2_TYPE_UINT64,
                                   OTF2_TYPE_UINT8,  OTF2_TYPE_REGION, OTF2_TYPE_UINT64,
                                   OTF2_TYPE_DOUBLE, OTF2_TYPE_DOUBLE};
    for (std::uint32_t i = 0; i < otf2::attribute_names.size(); ++i) {
      const OTF2_StringRef name = text(otf2::attribute_names[i]);
      check(OTF2_GlobalDefWriter_WriteAttribute(definer_, i, name, name, types[i]));
    }
    for (const EventKind& k : event_kinds()) {
      check(OTF2_GlobalDefWriter_WriteParameter(definer_, static_cast<OTF2_ParameterRef>(k.event),
                                                text(k.name), OTF2_PARAMETER_TYPE_UINT64));
    }
    sites();
    counters();
    places();
  }

  static OTF2_RegionRole role(Category category) {
    switch (category) {
      case Category::call:
      case Category::opaque: return OTF2_REGION_ROLE_FUNCTION;
      case Category::task: return OTF2_REGION_ROLE_TASK;
      case Category::wait: return OTF2_REGION_ROLE_TASK_WAIT;
      default: return OTF2_REGION_ROLE_CODE;
    }
  }

  void sites() {
    for (Index i = -1; i < static_cast<Index>(trace_.sites.size()); ++i) {
      const Site& s = site_of(trace_, i);
      const auto line = static_cast<std::uint32_t>(std::max(s.line, 0));
      const OTF2_StringRef file = text(s.file);
      check(OTF2_GlobalDefWriter_WriteRegion(definer_, region(i), text(s.name), text(s.function),
                                             text(s.text), role(s.category), OTF2_PARADIGM_USER,
                                             OTF2_REGION_FLAG_NONE, file, line, line));
      if (i < 0) continue;
      const auto context = static_cast<OTF2_CallingContextRef>(i);
      check(OTF2_GlobalDefWriter_WriteSourceCodeLocation(definer_, context, file, line));
      check(OTF2_GlobalDefWriter_WriteCallingContext(definer_, context, region(i), context,
                                                     OTF2_UNDEFINED_CALLING_CONTEXT));
      const auto property = [&](std::string_view name, OTF2_Type type, OTF2_AttributeValue value) {
        check(OTF2_GlobalDefWriter_WriteCallingContextProperty(definer_, context, text(name), type,
                                                               value));
      };
      property(otf2::category, OTF2_TYPE_STRING, text_value(category_name(s.category)));
      property(otf2::column, OTF2_TYPE_INT64, number_value(s.column));
      property(otf2::node, OTF2_TYPE_INT64, number_value(s.node));
    }
  }

  static OTF2_MetricMode mode_of(CounterKind kind) {
    switch (kind) {
      case CounterKind::monotone: return OTF2_METRIC_ACCUMULATED_START;
      case CounterKind::rate: return OTF2_METRIC_RELATIVE_POINT;
      case CounterKind::average: return OTF2_METRIC_ABSOLUTE_LAST;
      case CounterKind::gauge: break;
    }
    return OTF2_METRIC_ABSOLUTE_POINT;
  }

  void counters() {
    for (std::size_t i = 0; i < trace_.counters.size(); ++i) {
      const Counter& c = trace_.counters[i];
      const auto member = static_cast<OTF2_MetricMemberRef>(i);
      check(OTF2_GlobalDefWriter_WriteMetricMember(
          definer_, member, text(c.name), text(c.doc), OTF2_METRIC_TYPE_OTHER, mode_of(c.kind),
          OTF2_TYPE_DOUBLE, OTF2_BASE_DECIMAL, 0, text(c.unit)));
      check(OTF2_GlobalDefWriter_WriteMetricClass(
          definer_, member, 1, &member, OTF2_METRIC_ASYNCHRONOUS, OTF2_RECORDER_KIND_CPU));
    }
  }

  // The host, the processes on it, their threads.
  void places() {
    const std::string_view host = trace_.fact("host");
    check(OTF2_GlobalDefWriter_WriteSystemTreeNode(definer_, 0, text(host.empty() ? "host" : host),
                                                   text("node"), OTF2_UNDEFINED_SYSTEM_TREE_NODE));
    std::map<std::uint64_t, OTF2_LocationGroupRef> groups;
    for (const Thread& t : threads_) groups.emplace(t.id >> 32, 0);
    for (auto& [rank, group] : groups) {
      group = static_cast<OTF2_LocationGroupRef>(rank);
      const std::string_view process = trace_.fact("process");
      check(OTF2_GlobalDefWriter_WriteLocationGroup(
          definer_, group,
          text(process.empty() ? format("process of rank {}", rank)
                               : format("process {}", process)),
          OTF2_LOCATION_GROUP_TYPE_PROCESS, 0, OTF2_UNDEFINED_LOCATION_GROUP));
    }
    const OTF2_LocationGroupRef first = groups.begin()->second;
    const auto property = [&](std::string_view name, OTF2_Type type, OTF2_AttributeValue value) {
      check(OTF2_GlobalDefWriter_WriteLocationGroupProperty(definer_, first, text(name), type,
                                                            value));
    };
    for (const auto& [name, value] : trace_.facts)
      property(std::string(otf2::fact_prefix) + name, OTF2_TYPE_STRING, text_value(value));
    property(otf2::dropped, OTF2_TYPE_INT64,
             number_value(static_cast<std::int64_t>(trace_.dropped)));
    property(otf2::closed, OTF2_TYPE_INT64, number_value(trace_.closed ? 1 : 0));
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      const Thread& t = threads_[i];
      check(OTF2_GlobalDefWriter_WriteLocation(definer_, t.id, text(t.name),
                                               OTF2_LOCATION_TYPE_CPU_THREAD, items_[i].size(),
                                               groups[t.id >> 32]));
      check(OTF2_GlobalDefWriter_WriteLocationProperty(definer_, t.id, text(otf2::system),
                                                       OTF2_TYPE_INT64, number_value(t.system)));
    }
  }

  // The number of a string, which is defined when it is first wanted: a definition must stand
  // before those that name it.
  OTF2_StringRef text(std::string_view t) {
    const auto [at, fresh] =
        strings_.try_emplace(std::string(t), static_cast<OTF2_StringRef>(strings_.size()));
    if (fresh) {
      check(OTF2_GlobalDefWriter_WriteString(definer_, at->second, valid_text(t).c_str()));
    }
    return at->second;
  }
  OTF2_AttributeValue text_value(std::string_view t) {
    OTF2_AttributeValue value;
    value.stringRef = text(t);
    return value;
  }
  static OTF2_AttributeValue number_value(std::int64_t n) {
    OTF2_AttributeValue value;
    value.int64 = n;
    return value;
  }

  const Trace& trace_;
  const std::string path_;
  const otf2::QuietErrors quiet_;
  std::vector<TaskSpans> spans_of_;
  std::vector<Thread> threads_;
  std::vector<std::vector<Item>> items_;  // of each thread
  OTF2_Archive* archive_ = nullptr;
  OTF2_EvtWriter* writer_ = nullptr;
  OTF2_AttributeList* attributes_ = nullptr;
  OTF2_GlobalDefWriter* definer_ = nullptr;
  std::map<std::string, OTF2_StringRef> strings_;
};

}  // namespace

void write_otf2(const Trace& trace, const std::string& path) { ArchiveWriter(trace, path).run(); }

}  // namespace jetlag::trace
