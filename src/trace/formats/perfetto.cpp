// Perfetto's own format: packets in protocol buffers, as protos/perfetto/trace/trace_packet.proto
// and track_event/ publish them. The numbers of the fields below are theirs.
#include <bit>
#include <map>

#include "trace/formats/text.h"
#include "trace/formats/writers.h"

namespace jetlag::trace {

namespace {

// A message that grows, field by field (protobuf.dev/programming-guides/encoding).
class Message {
 public:
  Message& number(int field, std::uint64_t value) {
    tag(field, 0);
    varint(value);
    return *this;
  }
  Message& fixed(int field, std::uint64_t value) {
    tag(field, 1);
    for (int i = 0; i < 64; i += 8) bytes_ += static_cast<char>(value >> i);
    return *this;
  }
  Message& real(int field, double value) {
    return fixed(field, std::bit_cast<std::uint64_t>(value));
  }
  Message& text(int field, std::string_view value) {
    tag(field, 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(int field, const Message& inner) { return text(field, inner.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  void tag(int field, unsigned wire) { varint(static_cast<unsigned>(field) << 3 | wire); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

enum TrackEventType : std::uint8_t { slice_begin = 1, slice_end, instant, counter };
constexpr std::uint64_t state_cleared = 1;
constexpr std::uint64_t needs_state = 2;
constexpr std::uint64_t the_sequence = 1;
// Identities of tracks: ranks, threads and counters begin here, each.
constexpr std::uint64_t first_process = 1;
constexpr std::uint64_t first_thread = std::uint64_t{1} << 40;
constexpr std::uint64_t first_counter = std::uint64_t{2} << 40;
// Its numbers of processes and threads say nothing about the system's.
constexpr std::uint64_t first_tid = 1'000'000;

// What a span says beside its name, by the numbers of their names.
enum Note : std::uint8_t { column = 1, function, node, physl, task, moved, flops, open, argument };
constexpr std::pair<Note, std::string_view> notes[] = {
    {column, "column"}, {function, "function"}, {node, "node"},
    {physl, "physl"},   {task, "task"},         {moved, "bytes"},
    {flops, "flops"},   {open, "open"},         {argument, "argument"}};

class Perfetto {
 public:
  Perfetto(const Trace& trace, const std::string& path)
      : trace_(trace), file_(path), flows_(trace.spans.size()) {}

  void run() {
    names();
    tracks();
    arrows();
    walk_spans(
        trace_, [&](Index i) { enter(i); },
        [&](Index i) {
          const SpanRow& s = row(i);
          put(s.end, Message().number(9, slice_end).number(11, thread_track(s.thread)));
        });
    samples();
    points();
    file_.finish();
  }

 private:
  struct Flows {
    std::vector<std::uint64_t> out, in;
  };

  const SpanRow& row(Index span) const { return trace_.spans[static_cast<std::size_t>(span)]; }

  // Packets of a trace are fields 1 of it.
  void write(const Message& packet) { file_.write(Message().message(1, packet).bytes()); }

  // Names that events tell by number: sites from 1 on, the unknown one first.
  void names() {
    Message interned;
    for (std::size_t c = 0; c < category_count; ++c)
      interned.message(1,
                       Message().number(1, c + 1).text(2, category_name(static_cast<Category>(c))));
    for (Index i = -1; i < static_cast<Index>(trace_.sites.size()); ++i) {
      const Site& s = site_of(trace_, i);
      interned.message(2, Message().number(1, site(i)).text(2, valid_text(s.name)));
      if (s.file.empty()) continue;
      Message place = Message().number(1, site(i)).text(2, valid_text(s.file));
      place.text(3, valid_text(s.function)).number(4, static_cast<std::uint64_t>(s.line));
      interned.message(4, place);
    }
    for (const auto& [note, name] : notes)
      interned.message(3, Message().number(1, note).text(2, name));
    write(Message().number(10, the_sequence).number(13, state_cleared).message(12, interned));
  }

  void tracks() {
    std::map<std::uint64_t, bool> ranks;
    if (trace_.threads.empty()) ranks[0];
    for (const Thread& t : trace_.threads) ranks[t.id >> 32];
    for (const auto& [rank, unused] : ranks) {
      const std::string_view program = trace_.fact("program");
      std::string name(program.empty() ? "jetlag" : program);
      if (ranks.size() > 1) name += format(", rank {}", rank);
      track(Message()
                .number(1, first_process + rank)
                .message(3, Message().number(1, rank + 1).text(6, valid_text(name))));
    }
    for (std::size_t i = 0; i < trace_.threads.size(); ++i) {
      const Thread& t = trace_.threads[i];
      Message thread = Message().number(1, (t.id >> 32) + 1).number(2, first_tid + i);
      track(Message()
                .number(1, first_thread + i)
                .number(5, first_process + (t.id >> 32))
                .message(4, thread.text(5, valid_text(t.name))));
    }
  }
  void track(const Message& descriptor) {
    write(Message().number(10, the_sequence).message(60, descriptor));
  }

  // From the last span of a task to the first of the one that waited for it.
  void arrows() {
    const std::vector<TaskSpans> of = spans_of_tasks(trace_);
    for (std::size_t i = 0; i < trace_.edges.size(); ++i) {
      const Edge& e = trace_.edges[i];
      const Index from = e.from < 0 ? -1 : of[static_cast<std::size_t>(e.from)].last;
      const Index to = e.to < 0 ? -1 : of[static_cast<std::size_t>(e.to)].first;
      if (from < 0 || to < 0) continue;
      flows_[static_cast<std::size_t>(from)].out.push_back(i + 1);
      flows_[static_cast<std::size_t>(to)].in.push_back(i + 1);
    }
  }

  void enter(Index i) {
    const SpanRow& s = row(i);
    const Site& where = site_of(trace_, s.site);
    Message e = Message().number(9, slice_begin).number(11, thread_track(s.thread));
    e.number(3, static_cast<std::uint64_t>(where.category) + 1).number(10, site(s.site));
    if (!where.file.empty()) e.number(34, site(s.site));
    if (where.column > 0) note(e, column, static_cast<std::uint64_t>(where.column));
    if (where.node >= 0) note(e, node, static_cast<std::uint64_t>(where.node));
    if (!where.function.empty()) note(e, function, where.function);
    if (!where.text.empty()) note(e, physl, where.text);
    if (s.open) note(e, open, std::uint64_t{1});
    if (s.task >= 0) {
      const TaskRow& t = trace_.tasks[static_cast<std::size_t>(s.task)];
      note(e, task, t.id);
      note(e, moved, t.bytes);
      note(e, flops, t.flops);
    }
    for (const std::uint64_t id : flows_[static_cast<std::size_t>(i)].out) e.fixed(47, id);
    for (const std::uint64_t id : flows_[static_cast<std::size_t>(i)].in) e.fixed(48, id);
    put(s.begin, e);
  }

  static void note(Message& e, Note which, std::uint64_t value) {
    e.message(4, Message().number(1, which).number(3, value));
  }
  static void note(Message& e, Note which, double value) {
    e.message(4, Message().number(1, which).real(5, value));
  }
  static void note(Message& e, Note which, const std::string& value) {
    e.message(4, Message().number(1, which).text(6, valid_text(value)));
  }

  // A counter has a track in each rank.
  void samples() {
    std::map<std::pair<Index, std::uint64_t>, std::uint64_t> known;
    for (const Sample& s : trace_.samples) {
      const std::uint64_t rank = rank_of_thread(s.thread);
      const auto [at, fresh] = known.try_emplace({s.counter, rank}, first_counter + known.size());
      if (fresh) {
        const Counter& c = trace_.counters[static_cast<std::size_t>(s.counter)];
        track(Message()
                  .number(1, at->second)
                  .text(2, valid_text(c.name))
                  .number(5, first_process + rank)
                  .message(8, Message().text(6, valid_text(c.unit))));
      }
      put(s.time, Message().number(9, counter).number(11, at->second).real(44, s.value));
    }
  }

  void points() {
    for (const Point& p : trace_.points) {
      const std::string_view kind = describe(p.event).name;
      Message e = Message().number(9, instant).number(11, thread_track(p.thread)).text(22, kind);
      if (p.site < 0) e.text(23, kind);
      else e.number(10, site(p.site));
      note(e, argument, p.argument);
      put(p.time, e);
    }
  }

  void put(std::int64_t time, const Message& event) {
    write(Message()
              .number(8, static_cast<std::uint64_t>(time))
              .number(10, the_sequence)
              .number(13, needs_state)
              .message(11, event));
  }

  static std::uint64_t site(Index i) { return static_cast<std::uint64_t>(i + 2); }
  static std::uint64_t thread_track(Index thread) {
    return first_thread + static_cast<std::uint64_t>(std::max<Index>(thread, 0));
  }
  std::uint64_t rank_of_thread(Index thread) const {
    return thread < 0 ? 0 : trace_.threads[static_cast<std::size_t>(thread)].id >> 32;
  }

  const Trace& trace_;
  TextFile file_;
  std::vector<Flows> flows_;  // of each span
};

}  // namespace

void write_perfetto(const Trace& trace, const std::string& path) { Perfetto(trace, path).run(); }

}  // namespace jetlag::trace
