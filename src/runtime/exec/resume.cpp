#include "runtime/exec/resume.h"

#include <algorithm>

#include "primitives/operators.h"

namespace jetlag::exec {

using plan::Op;
using plan::OpKind;
using plan::Statement;
using plan::StatementKind;

Resume::Resume(Lane& lane, const loops::Flat& flat, const Left& left, Frame& frame)
    : lane_(lane), flat_(flat), left_(left), frame_(frame) {
  const loops::Node& node = flat.nodes[static_cast<std::size_t>(left.node)];
  for (int w = node.where; w >= 0; w = flat.wheres[static_cast<std::size_t>(w)].parent) {
    path_.insert(path_.begin(), w);
  }
}

Flow Resume::finish_round(const Statement& loop, Value& last, bool& over) {
  std::size_t level = 0;
  while (where(level).statement != &loop) ++level;
  Flow flow = Flow::next;
  try {
    flow = body(loop, level, last, over);
  } catch (...) {
    lane_.left_at(loop.place);
    throw;
  }
  return flow;
}

// What is left of a loop's round, up to the point where its driver takes over.
Flow Resume::body(const Statement& s, std::size_t level, Value& last, bool& over) {
  if (descends(level)) {
    const loops::Where& next = where(level + 1);
    const Flow flow = block(level + 1, s.blocks[static_cast<std::size_t>(next.block)], last);
    // Leaving the else leaves the loop around.
    if (next.block == 1) return over = true, flow;
    over = flow == Flow::break_ || flow == Flow::leave;
    return flow == Flow::leave ? flow : Flow::next;
  }
  const loops::Node& node = flat_.nodes[static_cast<std::size_t>(left_.node)];
  if (s.kind == StatementKind::for_each) {
    JETLAG_CHECK(is_last(level) && node.at < 0, "a sequence in the middle of its own loop");
    return Flow::next;
  }
  Value value = region(level);
  if (lane_.decide(s, value)) return lane_.round(s, frame_, last, over);
  over = true;
  last = Value::nil();
  return s.blocks.size() > 1 ? lane_.block(s.blocks[1], frame_, last) : Flow::next;
}

Flow Resume::statement(std::size_t level, Value& last) {
  try {
    return unguarded(level, last);
  } catch (...) {
    lane_.left_at(where(level).statement->place);
    throw;
  }
}

Flow Resume::unguarded(std::size_t level, Value& last) {
  const Statement& s = *where(level).statement;
  switch (s.kind) {
    case StatementKind::region: last = region(level); return Flow::next;
    case StatementKind::leave: last = region(level); return Flow::leave;
    case StatementKind::branch: {
      if (descends(level)) {
        const std::size_t which = static_cast<std::size_t>(where(level + 1).block);
        return block(level + 1, s.blocks[which], last);
      }
      Value value = region(level);
      const bool yes = lane_.decide(s, value);
      last = Value::nil();
      if (yes) return lane_.block(s.blocks[0], frame_, last);
      return s.blocks.size() > 1 ? lane_.block(s.blocks[1], frame_, last) : Flow::next;
    }
    case StatementKind::loop: {
      bool over = false;
      const Flow flow = body(s, level, last, over);
      if (flow == Flow::leave) return flow;
      if (over) return last = Value::nil(), flow;
      return lane_.loop(s, frame_, last);
    }
    case StatementKind::for_each: {
      const auto at = left_.positions.find(&s);
      // Still before its first round: the range is made anew from what was held.
      if (at == left_.positions.end() && !descends(level)) {
        Value sequence = region(level);
        return lane_.over(s, frame_, last, std::move(sequence), 0);
      }
      bool over = false;
      const Flow flow = body(s, level, last, over);
      if (flow == Flow::leave) return flow;
      if (over) return last = Value::nil(), flow;
      return lane_.over(s, frame_, last, at->second.range, at->second.next);
    }
    // A statement that the interpreter does from its beginning.
    default: return lane_.run_statement(s, frame_, last);
  }
}

// The block from the statement of the path on.
Flow Resume::block(std::size_t level, const plan::Block& b, Value& last) {
  last = Value::nil();
  const std::size_t begin = static_cast<std::size_t>(where(level).index);
  for (std::size_t i = begin; i < b.statements.size(); ++i) {
    const Flow flow =
        i == begin ? statement(level, last) : lane_.statement(b.statements[i], frame_, last);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

// The statement's region from the operation of the path on.
Value Resume::region(std::size_t level) {
  const plan::Region& r = where(level).statement->region;
  const int size = static_cast<int>(r.ops.size());
  if (size == 0) return Value::nil();
  const int base = flat_.base_of.at(&r);
  std::vector<Value> regs(r.ops.size());
  for (int k = 0; k < size; ++k) {
    const auto held = left_.registers.find(base + k);
    if (held != left_.registers.end()) regs[static_cast<std::size_t>(k)] = held->second;
  }
  const int first =
      is_last(level) ? flat_.nodes[static_cast<std::size_t>(left_.node)].at : where(level + 1).op;
  for (int k = first; k < size; ++k) {
    const Op& o = r.ops[static_cast<std::size_t>(k)];
    ++lane_.sequence_;
    try {
      const bool within = k == first && !is_last(level);
      regs[static_cast<std::size_t>(k)] =
          within ? inside(o, level + 1) : lane_.op(o, frame_, regs.data());
    } catch (Error& error) {
      error.locate(o.place);
      lane_.left_at(o);
      throw;
    } catch (...) {
      lane_.left_at(o);
      throw;
    }
  }
  return r.result >= 0 ? regs[static_cast<std::size_t>(r.result)] : Value::nil();
}

// An operation with blocks, from the middle of one of them on.
Value Resume::inside(const Op& op, std::size_t level) {
  const std::size_t number = static_cast<std::size_t>(where(level).block);
  Value value = Value::nil();
  block(level, op.blocks[number], value);
  if (op.kind == OpKind::nested) return value;
  return lane_.logical_from(op, frame_, std::move(value), number + 1);
}

}  // namespace jetlag::exec
