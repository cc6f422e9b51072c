#include "trace/store/forest.h"

#include <algorithm>

namespace jetlag::trace {

namespace {

constexpr std::int64_t block = 256;   // slices of a node of level 0
constexpr std::int64_t fan_out = 16;  // nodes of a node above

std::int64_t slices_of(std::size_t level) {
  std::int64_t n = block;
  for (; level > 0; --level) n *= fan_out;
  return n;
}

// The first place from `from` on where `found` holds; it holds from there on. Looks near `from`
// first: windows are walked from left to right.
template <class F>
std::int64_t gallop(std::int64_t from, std::int64_t size, const F& found) {
  std::int64_t step = 1;
  std::int64_t low = from;
  while (low + step < size && !found(low + step)) {
    low += step;
    step *= 2;
  }
  std::int64_t high = std::min(low + step, size);
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (found(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

}  // namespace

void Sum::clear() {
  for (const Index key : keys_) of_key_[static_cast<std::size_t>(key)] = {};
  keys_.clear();
  longest_ = -1;
  slice_ = -1;
}

void Slices::append(std::int64_t begin, std::int64_t end, Index key, Index span) {
  if (size() % block == 0) block_begin_.push_back(begin);
  const std::int64_t took = end - begin;
  if (took >= long_mark) long_.push_back({size(), took});
  begin_.push_back(begin);
  took_.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>(took, long_mark)));
  key_.push_back(key);
  span_.push_back(span);
  keys_ = std::max(keys_, static_cast<std::size_t>(key) + 1);
  std::int64_t full = size();
  if (full % block != 0) return;
  full /= block;
  for (std::size_t level = 0;; ++level, full /= fan_out) {
    add_node(level);
    if (full % fan_out != 0) return;
  }
}

void Slices::add_node(std::size_t level) {
  if (levels_.size() == level) levels_.emplace_back();
  Level& l = levels_[level];
  if (scratch_.room() < keys_) scratch_ = Sum(2 * keys_);
  const auto number = static_cast<std::int64_t>(l.nodes.size());
  if (level == 0) add_slices(scratch_, number * block, (number + 1) * block);
  else add_nodes(scratch_, level - 1, number * fan_out, (number + 1) * fan_out);
  std::vector<Index> keys = scratch_.keys();
  std::sort(keys.begin(), keys.end());
  l.nodes.push_back({scratch_.longest(), scratch_.slice(),
                     static_cast<std::uint32_t>(l.keys.size()),
                     static_cast<std::uint32_t>(keys.size())});
  for (const Index key : keys) {
    l.keys.push_back(key);
    l.busy.push_back(scratch_.of(key));
  }
  scratch_.clear();
}

std::int64_t Slices::long_duration(std::int64_t i) const {
  const auto* found = std::lower_bound(long_.begin(), long_.end(), i,
                                       [](const Long& l, std::int64_t n) { return l.slice < n; });
  return found->duration;
}

// No slice lies over another, so of those that begin before the time only the last can end after
// it; slices without a length may end when they begin.
std::int64_t Slices::first_ending_after(std::int64_t time, std::int64_t from) const {
  const std::int64_t found = first_beginning_at(time, from);
  if (found > from && end(found - 1) > time) return found - 1;
  return gallop(found, size(), [&](std::int64_t i) { return end(i) > time; });
}

// First the block, then the slice in it: near where it would be if all in the block took as long,
// since each step of a search over the whole block waits for memory.
std::int64_t Slices::first_beginning_at(std::int64_t time, std::int64_t from) const {
  const auto blocks = static_cast<std::int64_t>(block_begin_.size());
  const std::int64_t next = gallop(std::min(from / block + 1, blocks), blocks,
                                   [&](std::int64_t b) { return block_begin_[at(b)] >= time; });
  const std::int64_t low = std::max(from, (next - 1) * block);
  const std::int64_t high = std::min(next * block, size());
  if (low >= high) return std::min(from, size());
  const std::int64_t* begin = begin_.data();
  const std::int64_t first = begin[low];
  const std::int64_t last = next < blocks ? block_begin_[at(next)] : begin[high - 1];
  const double share = time <= first ? 0
                       : time >= last
                           ? 1
                           : static_cast<double>(time - first) / static_cast<double>(last - first);
  const auto guess = low + static_cast<std::int64_t>(share * static_cast<double>(high - 1 - low));
  if (begin[guess] < time)
    return gallop(guess, high, [&](std::int64_t i) { return begin[i] >= time; });
  std::int64_t step = 1;
  std::int64_t end = guess;  // begins then or later
  while (end - step >= low && begin[end - step] >= time) {
    end -= step;
    step *= 2;
  }
  return std::lower_bound(begin + std::max(end - step, low), begin + end, time) - begin;
}

void Slices::add_slices(Sum& sum, std::int64_t first, std::int64_t last) const {
  const std::uint32_t* took = took_.data();
  const Index* key = key_.data();
  std::int64_t longest = -1;
  std::int64_t slice = -1;
  for (std::int64_t i = first; i < last; ++i) {
    const std::int64_t t = took[i] == long_mark ? long_duration(i) : took[i];
    sum.add(key[i], t);
    if (t > longest) {
      longest = t;
      slice = i;
    }
  }
  sum.tell_longest(longest, slice);
}

void Slices::add_nodes(Sum& sum, std::size_t level, std::int64_t first, std::int64_t last) const {
  const Level& l = levels_[level];
  for (std::int64_t n = first; n < last; ++n) {
    const Node& node = l.nodes[at(n)];
    for (std::uint32_t i = node.parts; i < node.parts + node.count; ++i)
      sum.add(l.keys[i], l.busy[i]);
    sum.tell_longest(node.longest, node.slice);
  }
}

// Slices that are added soon, one by one.
void Slices::fetch(std::int64_t first) const {
  constexpr std::int64_t ahead = 64;
  constexpr std::int64_t in_line = 64 / sizeof(Index);
  for (std::int64_t i = first; i < std::min(first + ahead, size()); i += in_line) {
    __builtin_prefetch(took_.data() + i);
    __builtin_prefetch(key_.data() + i);
  }
}

// From left to right, each stretch by the largest nodes that lie in it whole.
void Slices::add_to(Sum& sum, std::int64_t first, std::int64_t last) const {
  fetch(last / block * block);  // meanwhile the nodes before it are added
  while (first < last) {
    std::size_t level = levels_.size();
    while (level > 0) {
      const std::int64_t n = slices_of(level - 1);
      if (first % n == 0 && first + n <= last &&
          first / n < static_cast<std::int64_t>(levels_[level - 1].nodes.size()))
        break;
      --level;
    }
    if (level == 0) {
      const std::int64_t end = std::min((first / block + 1) * block, last);
      add_slices(sum, first, end);
      first = end;
    } else {
      const std::int64_t n = slices_of(level - 1);
      add_nodes(sum, level - 1, first / n, first / n + 1);
      first += n;
    }
  }
}

std::int64_t Slices::index_bytes() const {
  std::size_t bytes = block_begin_.size() * sizeof(std::int64_t);
  for (const Level& l : levels_)
    bytes += l.nodes.size() * sizeof(Node) + l.keys.size() * (sizeof(Index) + sizeof(std::int64_t));
  return static_cast<std::int64_t>(bytes);
}

}  // namespace jetlag::trace
