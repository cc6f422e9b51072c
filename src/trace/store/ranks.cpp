// How far clocks are apart is read off messages as NTP does: the fastest message each way had about
// the same way to go, so half the difference of their times is the difference of the clocks
// (Mills, "Internet Time Synchronization: the Network Time Protocol", 1991).
#include "trace/store/ranks.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>

#include "base/text.h"

namespace jetlag::trace {

namespace {

constexpr int rank_shift = 32;   // in the ids of threads
constexpr int part_shift = 48;   // in the ids of tasks
constexpr std::size_t few = 16;  // messages each way, from which on speeds are told apart

// A message that one part sent and another received, each by its own clock.
struct Message {
  std::int64_t sent = 0, received = 0;
  Index sender = -1, receiver = -1;  // tasks of their parts
  double bytes = 0;
};
using Channel = std::pair<std::size_t, std::size_t>;  // from, to
using Channels = std::map<Channel, std::vector<Message>>;

// From one clock to another: t + offset + drift * (t - since).
struct Correction {
  double offset = 0, drift = 0;
  std::int64_t since = 0;
  std::int64_t operator()(std::int64_t t) const {
    return t + std::llround(offset + drift * static_cast<double>(t - since));
  }
};

std::int64_t fact_of(const Trace& t, std::string_view name) {
  std::int64_t value = 0;
  for (const char c : t.fact(name)) {
    if (c < '0' || c > '9') return 0;
    value = value * 10 + (c - '0');
  }
  return value;
}

// Messages do not overtake each other: the n-th that was sent is the n-th that came.
Channels channels_of(const std::vector<Trace>& parts, const std::vector<std::int64_t>& ranks) {
  std::map<std::int64_t, std::size_t> who;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    if (ranks[p] >= 0) who[ranks[p]] = p;
  }
  std::map<Channel, std::vector<const Point*>> sent, received;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    for (const Point& point : parts[p].points) {
      const auto other = who.find(rank_of(point.event, point.argument));
      if (other == who.end() || other->second == p) continue;
      if (point.event == Event::send) sent[{p, other->second}].push_back(&point);
      else received[{other->second, p}].push_back(&point);
    }
  }
  Channels channels;
  for (const auto& [channel, from] : sent) {
    const std::vector<const Point*>& to = received[channel];
    for (std::size_t i = 0; i < std::min(from.size(), to.size()); ++i)
      channels[channel].push_back({from[i]->time, to[i]->time, from[i]->task, to[i]->task,
                                   value_of(Event::send, from[i]->argument)});
  }
  return channels;
}

// The shortest that a message took, by the two clocks; none were sent: nothing.
std::optional<double> fastest(std::span<const Message> messages) {
  std::optional<double> least;
  for (const Message& m : messages) {
    const auto took = static_cast<double>(m.received - m.sent);
    if (!least || took < *least) least = took;
  }
  return least;
}

// What brings the clock of `there` to that of `here`; nothing, if no message went between them.
std::optional<Correction> correction(const Channels& channels, std::size_t here,
                                     std::size_t there) {
  const auto sorted = [&](Channel c) {
    const auto found = channels.find(c);
    std::vector<Message> m = found == channels.end() ? std::vector<Message>{} : found->second;
    const bool by_sent = c.first == there;  // always by the time over there
    std::sort(m.begin(), m.end(), [&](const Message& a, const Message& b) {
      return by_sent ? a.sent < b.sent : a.received < b.received;
    });
    return m;
  };
  const std::vector<Message> out = sorted({here, there}), back = sorted({there, here});
  const auto least_out = fastest(out), least_back = fastest(back);
  if (!least_out && !least_back) return std::nullopt;
  // One way only: as little as lets no message come before it was sent.
  if (!least_back) return Correction{.offset = std::max(0.0, -*least_out)};
  if (!least_out) return Correction{.offset = std::min(0.0, *least_back)};
  const auto between = [](double forth, double home) { return (home - forth) / 2; };
  if (out.size() < few || back.size() < few)
    return Correction{.offset = between(*least_out, *least_back)};
  const auto half = [](const std::vector<Message>& m, bool late) {
    const std::size_t middle = m.size() / 2;
    return late ? std::span(m).subspan(middle) : std::span(m).first(middle);
  };
  const double early = between(*fastest(half(out, false)), *fastest(half(back, false)));
  const double late = between(*fastest(half(out, true)), *fastest(half(back, true)));
  const auto middle_of = [&](bool second) {
    const auto a = half(out, second), b = half(back, second);
    return (static_cast<double>(a.front().received) + static_cast<double>(a.back().received) +
            static_cast<double>(b.front().sent) + static_cast<double>(b.back().sent)) /
           4;
  };
  const double first = middle_of(false), second = middle_of(true);
  Correction c;
  c.since = std::llround(first);
  c.offset = early;
  if (second > first) c.drift = (late - early) / (second - first);
  return c;
}

void shift(Trace& t, const Correction& to) {
  const auto move = [&](std::int64_t& time) {
    if (time >= 0) time = to(time);
  };
  for (SpanRow& s : t.spans) s.begin = to(s.begin), s.end = to(s.end);
  for (TaskRow& k : t.tasks) move(k.created), move(k.ready), move(k.begin), move(k.end);
  for (Sample& s : t.samples) s.time = to(s.time);
  for (Point& p : t.points) p.time = to(p.time);
}

enum class Clock : std::uint8_t { unknown, by_day, common };

// Parts of one boot have one clock, others know the time of day; times of all stay positive.
std::vector<Clock> align_by_origin(std::vector<Trace>& parts) {
  const Trace& first = parts[0];
  std::vector<Clock> known{Clock::common};
  std::vector<std::int64_t> offsets{0};
  for (std::size_t p = 1; p < parts.size(); ++p) {
    const Trace& t = parts[p];
    const bool together = !t.fact("boot").empty() && t.fact("boot") == first.fact("boot");
    const bool dated = t.day != 0 && first.day != 0;
    known.push_back(together ? Clock::common : dated ? Clock::by_day : Clock::unknown);
    offsets.push_back(together ? t.origin - first.origin : dated ? t.day - first.day : 0);
  }
  const std::int64_t least = *std::min_element(offsets.begin(), offsets.end());
  for (std::size_t p = 0; p < parts.size(); ++p)
    shift(parts[p], {.offset = static_cast<double>(offsets[p] - least)});
  return known;
}

// What brings each part to the clock of the first, from part to part along the messages.
std::vector<Correction> corrections(const Channels& channels, std::vector<Clock>& known) {
  std::vector<Correction> clocks(known.size());
  std::vector<std::size_t> next;
  for (std::size_t p = 0; p < known.size(); ++p) {
    if (known[p] == Clock::common) next.push_back(p);
  }
  for (std::size_t i = 0; i < next.size(); ++i) {
    for (std::size_t p = 0; p < known.size(); ++p) {
      if (known[p] == Clock::common) continue;
      const auto found = correction(channels, next[i], p);
      if (!found) continue;
      // First to the clock of the neighbour, then with that to the clock of the first part.
      const Correction& beyond = clocks[next[i]];
      const double there = static_cast<double>(found->since) + found->offset;
      clocks[p] = *found;
      clocks[p].offset +=
          beyond.offset + beyond.drift * (there - static_cast<double>(beyond.since));
      clocks[p].drift += beyond.drift;
      known[p] = Clock::common;
      next.push_back(p);
    }
  }
  return clocks;
}

std::int64_t earliest(const Trace& t) {
  std::int64_t first = INT64_MAX;
  for (const SpanRow& s : t.spans) first = std::min(first, s.begin);
  for (const TaskRow& k : t.tasks) first = std::min(first, k.created < 0 ? first : k.created);
  for (const Sample& s : t.samples) first = std::min(first, s.time);
  for (const Point& p : t.points) first = std::min(first, p.time);
  return first;
}

// Brings all parts to the clock of the first. Times begin at zero.
std::vector<std::string> align(std::vector<Trace>& parts, const std::vector<std::int64_t>& ranks,
                               Channels& channels) {
  std::vector<Clock> known = align_by_origin(parts);
  channels = channels_of(parts, ranks);
  std::vector<Correction> clocks = corrections(channels, known);
  std::int64_t first = INT64_MAX;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const std::int64_t begin = earliest(parts[p]);
    if (begin != INT64_MAX) first = std::min(first, clocks[p](begin));
  }
  std::vector<std::string> complaints;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    if (first != INT64_MAX) clocks[p].offset -= static_cast<double>(first);
    shift(parts[p], clocks[p]);
    if (known[p] == Clock::common) continue;
    const std::string against = format("held against that of {}", parts[0].path);
    complaints.push_back(
        known[p] == Clock::by_day
            ? format("{}: its clock is {} by the time of day alone", parts[p].path, against)
            : format("{}: its clock cannot be {}: both begin at the same moment", parts[p].path,
                     against));
  }
  return complaints;
}

std::vector<std::int64_t> ranks_of(const std::vector<Trace>& parts) {
  std::vector<std::int64_t> own;
  std::set<std::int64_t> seen;
  bool distinct = true;
  for (const Trace& t : parts) {
    std::set<std::int64_t> here;
    for (const Thread& thread : t.threads)
      here.insert(static_cast<std::int64_t>(thread.id >> rank_shift));
    if (here.empty() && !t.fact("rank").empty()) here.insert(fact_of(t, "rank"));
    if (here.size() == 1 && *here.begin() == 0 && !t.fact("rank").empty())
      here = {fact_of(t, "rank")};
    own.push_back(here.size() == 1 ? *here.begin() : -1);
    for (const std::int64_t r : here) distinct = seen.insert(r).second && distinct;
  }
  if (distinct) return own;
  for (std::size_t p = 0; p < own.size(); ++p) own[p] = static_cast<std::int64_t>(p);
  return own;
}

// Adds parts to a trace, with their rows in new places.
class Union {
 public:
  explicit Union(Trace& all) : all_(all) {}

  // rank -1: the threads keep theirs.
  void add(Trace& t, std::size_t part, std::int64_t rank) {
    const auto base = [](const auto& rows) { return static_cast<Index>(rows.size()); };
    const Index threads = base(all_.threads), spans = base(all_.spans), tasks = base(all_.tasks);
    std::vector<Index> sites, counters;
    for (Site& s : t.sites) sites.push_back(site(std::move(s)));
    for (Counter& c : t.counters) counters.push_back(counter(std::move(c)));
    const auto moved = [](Index& i, Index by) { i += i < 0 ? 0 : by; };
    const auto named = [](Index& i, const std::vector<Index>& by) {
      if (i >= 0) i = by[static_cast<std::size_t>(i)];
    };
    for (Thread& thread : t.threads) {
      constexpr std::uint64_t number = (std::uint64_t{1} << rank_shift) - 1;
      if (rank >= 0)
        thread.id = static_cast<std::uint64_t>(rank) << rank_shift | (thread.id & number);
      all_.threads.push_back(std::move(thread));
    }
    for (SpanRow& s : t.spans) {
      named(s.site, sites), moved(s.thread, threads), moved(s.parent, spans);
      if (s.task >= 0) s.task += tasks;
      all_.spans.push_back(s);
    }
    for (TaskRow& k : t.tasks) {
      named(k.site, sites), moved(k.parent, tasks), moved(k.maker, threads);
      k.id |= static_cast<std::uint64_t>(part) << part_shift;
      all_.tasks.push_back(k);
    }
    for (Edge& e : t.edges) {
      moved(e.from, tasks), moved(e.to, tasks);
      all_.edges.push_back(e);
    }
    for (Sample& s : t.samples) {
      named(s.counter, counters), moved(s.thread, threads);
      all_.samples.push_back(s);
    }
    for (Point& p : t.points) {
      named(p.site, p.event == Event::sample ? counters : sites);
      moved(p.thread, threads), moved(p.task, tasks);
      all_.points.push_back(p);
    }
    for (Work& w : t.work) {
      moved(w.span, spans);
      all_.work.push_back(w);
    }
    all_.dropped += t.dropped;
    all_.closed = all_.closed && t.closed;
    all_.complaints.insert(all_.complaints.end(), t.complaints.begin(), t.complaints.end());
  }

 private:
  Index site(Site s) {
    const auto [at, fresh] = sites_.try_emplace(
        std::tuple(s.name, s.function, s.file, s.line, s.column, s.node, s.category), 0);
    if (fresh) {
      at->second = static_cast<Index>(all_.sites.size());
      all_.sites.push_back(std::move(s));
    }
    return at->second;
  }
  Index counter(Counter c) {
    const auto [at, fresh] =
        counters_.try_emplace(c.name, static_cast<Index>(all_.counters.size()));
    if (fresh) all_.counters.push_back(std::move(c));
    return at->second;
  }

  Trace& all_;
  std::map<std::tuple<std::string, std::string, std::string, int, int, int, Category>, Index>
      sites_;
  std::map<std::string, Index> counters_;
};

// A task that began after a message came had to wait for the one that sent it, if that had ended.
void add_message_edges(Trace& all, const Channels& channels, const std::vector<Index>& tasks) {
  for (const auto& [channel, messages] : channels) {
    for (const Message& m : messages) {
      if (m.sender < 0 || m.receiver < 0) continue;
      const Index from = tasks[channel.first] + m.sender, to = tasks[channel.second] + m.receiver;
      const std::int64_t ended = all.tasks[static_cast<std::size_t>(from)].end;
      if (ended >= 0 && ended <= all.tasks[static_cast<std::size_t>(to)].begin)
        all.edges.push_back({from, to, m.bytes});
    }
  }
}

template <class Row, class Key>
void sort_by(Column<Row>& rows, Key key) {
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Row& a, const Row& b) { return key(a) < key(b); });
}

std::int64_t latest(const Trace& t) {
  std::int64_t last = 0;
  for (const SpanRow& s : t.spans) last = std::max(last, s.end);
  if (!t.samples.empty()) last = std::max(last, t.samples.back().time);
  if (!t.points.empty()) last = std::max(last, t.points.back().time);
  return last;
}

}  // namespace

Trace unite(std::vector<Trace> parts) {
  if (parts.empty()) return {};
  if (parts.size() == 1) return std::move(parts[0]);
  const std::vector<std::int64_t> ranks = ranks_of(parts);
  Trace all;
  Channels channels;
  all.complaints = align(parts, ranks, channels);
  all.path = parts[0].path;
  all.facts = parts[0].facts;
  all.origin = parts[0].origin;
  all.day = parts[0].day;
  std::vector<Index> tasks;
  Union rows(all);
  for (std::size_t p = 0; p < parts.size(); ++p) {
    tasks.push_back(static_cast<Index>(all.tasks.size()));
    rows.add(parts[p], p, ranks[p]);
  }
  add_message_edges(all, channels, tasks);
  sort_by(all.edges, [](const Edge& e) { return e.to; });
  sort_by(all.samples, [](const Sample& s) { return s.time; });
  sort_by(all.points, [](const Point& p) { return p.time; });
  all.length = latest(all);
  return all;
}

}  // namespace jetlag::trace
