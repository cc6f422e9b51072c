#include "compiler/loops/specialise.h"

#include <utility>

#include "compiler/loops/rounds.h"
#include "compiler/loops/seen.h"
#include "compiler/loops/specialiser.h"

namespace jetlag::loops {

namespace {

constexpr std::size_t most_versions = 600;
constexpr std::int64_t rounds_between_polls = std::int64_t{1} << 20;

void write_key(std::string& key, const void* bytes, std::size_t size) {
  key.append(static_cast<const char*>(bytes), size);
}

std::string key_of(const Flat& flat, int node, const State& state) {
  std::string key;
  write_key(key, &node, sizeof node);
  key += static_cast<char>(state.mode);
  write_key(key, &state.check, sizeof state.check);
  const auto& live = flat.live[static_cast<std::size_t>(node)];
  for (std::size_t v = 0; v < live.size(); ++v) {
    if (!live[v]) continue;
    const Kind& k = state.kinds[v];
    key += static_cast<char>(k.kind);
    key += static_cast<char>(k.dtype);
    key += static_cast<char>(k.known);
    write_key(key, &k.array, sizeof k.array);
    write_key(key, &k.rank, sizeof k.rank);
    write_key(key, &k.literal, sizeof k.literal);
    write_key(key, &k.symbol, sizeof k.symbol);
    key += static_cast<char>(k.line);
    key += static_cast<char>(k.flipped);
  }
  return key;
}

}  // namespace

Specialiser::Specialiser(const Flat& flat, const Request& request, Functions& functions)
    : flat_(flat),
      request_(request),
      functions_(functions),
      loop_(flat.loops[static_cast<std::size_t>(request.loop)]) {
  out_->arrays = request.arrays;
  out_->disjoint = request.disjoint;
  if (loop_.counted) {
    for (int part = 0; part < 4; ++part)
      out_->loop_live_in.push_back(loop_cell(request_.loop, part));
  }
  start(loop_.head);
}

Specialiser::Specialiser(const Flat& flat, const Request& request, Functions& functions,
                         const Kind&)
    : flat_(flat), request_(request), functions_(functions), is_function_(true) {
  loop_.last = static_cast<int>(flat.nodes.size());
  out_->is_function = true;
  start(0);
}

void Specialiser::start(int head) {
  out_->careful = request_.careful;
  out_->noting = request_.noting;
  entries_.resize(flat_.nodes.size() + 1);
  for (const Node& n : flat_.nodes) {
    if (n.yes >= 0) ++entries_[static_cast<std::size_t>(n.yes)];
    if (n.no >= 0) ++entries_[static_cast<std::size_t>(n.no)];
  }
  State state;
  state.kinds = request_.kinds;
  state.kinds.resize(static_cast<std::size_t>(flat_.variables));
  const auto& live = flat_.live[static_cast<std::size_t>(head)];
  // From here on a variable that is not read has no kind.
  for (int v = 0; v < flat_.slots + flat_.captures; ++v) {
    Kind& k = state.kinds[static_cast<std::size_t>(v)];
    // A call hands over every argument, read or not.
    if (!live[static_cast<std::size_t>(v)] && !is_function_) k = {};
    if (!k.is_number()) continue;
    out_->live_in.push_back({v, k, number_cell(v, k), imaginary_cell(v, k)});
  }
  new_block();
  const int first = version(head, state);
  block_ = 0;
  if (request_.ascending && loop_.counted) {
    // Said in a way that what makes machine code understands: no index is negative.
    for (int part : {0, 3}) {
      const int c = loop_cell(request_.loop, part);
      set(c, compute(Opcode::maximum, DType::int64, get(c), integer(0)));
    }
    set(loop_cell(request_.loop, 1), integer(1));
  }
  end_jump(first);
}

bool Specialiser::advance() {
  if (!waiting_.empty() && functions_.known() > known_before_) {
    for (Work& w : waiting_) work_.push_back(std::move(w));
    waiting_.clear();
  }
  const bool some = !work_.empty();
  while (!work_.empty()) {
    Work work = std::move(work_.front());
    work_.pop_front();
    try {
      fill(work.node, std::move(work.state), work.block);
    } catch (const Postponed&) {
      known_before_ = functions_.known();
      waiting_.push_back({node_, state_, block_});
    }
  }
  return some;
}

std::shared_ptr<Program> Specialiser::finish() {
  for (const Check& check : checks_) close_check(check);
  enter_rounds_by_parts(*out_, parts_);
  if (result_) out_->result = *result_;
  const bool by_flags = request_.wanted != 0 && !request_.careful && !request_.noting;
  if (by_flags && !are_seen(*out_, watched_)) throw NeedsCare{};
  return out_;
}

// ---- blocks ---------------------------------------------------------------------------

int Specialiser::new_block() {
  out_->blocks.emplace_back();
  return static_cast<int>(out_->blocks.size()) - 1;
}

void Specialiser::end_jump(int to) {
  Block& b = out_->blocks[static_cast<std::size_t>(block_)];
  b.end = Block::End::jump;
  b.yes = to;
}

void Specialiser::end_branch(int value, int yes, int no, Odds odds) {
  Block& b = out_->blocks[static_cast<std::size_t>(block_)];
  b.odds = odds;
  b.end = Block::End::branch;
  b.value = value;
  b.yes = yes;
  b.no = no;
}

void Specialiser::normalise(int node, State& state) const {
  const auto& live = flat_.live[static_cast<std::size_t>(node)];
  for (std::size_t v = 0; v < live.size(); ++v) {
    if (!live[v]) state.kinds[v] = {};
  }
  if (state.mode == Mode::open) return;
  const int around = flat_.enclosing(node);
  const Node& n = flat_.nodes[static_cast<std::size_t>(node)];
  const bool inside = around >= 0 &&
                      checks_[static_cast<std::size_t>(state.check)].loop == around &&
                      node >= flat_.loops[static_cast<std::size_t>(around)].head;
  if (!inside || n.kind == NodeKind::next) {
    for (Kind& k : state.kinds) k.symbol = -1;
  }
  if (!inside) {
    state.mode = Mode::open;
    state.check = -1;
  }
}

int Specialiser::version(int node, State state) {
  normalise(node, state);
  const std::string key = key_of(flat_, node, state);
  if (const auto at = versions_.find(key); at != versions_.end()) return at->second;
  if (versions_.size() >= most_versions) decline("its variables change their kinds too often");
  const int block = new_block();
  versions_[key] = block;
  work_.push_back({node, std::move(state), block});
  return block;
}

void Specialiser::fill(int node, State state, int block) {
  state_ = std::move(state);
  block_ = block;
  while (true) {
    node_ = node;
    if (node < loop_.first || node >= loop_.last) return finish_exit(node);
    int next = node;
    if (!step(next)) return;
    if (entries_[static_cast<std::size_t>(next)] > 1 ||
        flat_.nodes[static_cast<std::size_t>(next)].kind == NodeKind::next) {
      return end_jump(version(next, state_));
    }
    node = next;
  }
}

void Specialiser::finish_exit(int node) {
  node_ = node;
  Block& b = out_->blocks[static_cast<std::size_t>(block_)];
  b.end = Block::End::exit;
  b.exit = exit_here();
}

// What this node cannot do natively is left to the interpreter where that is rare.
bool Specialiser::leave_here() {
  finish_exit(node_);
  return false;
}

bool Specialiser::step(int& next) {
  const Node& n = node();
  next = n.yes;
  switch (n.kind) {
    case NodeKind::jump: return true;
    case NodeKind::move:
      if (n.src >= 0 && state_.kinds[static_cast<std::size_t>(n.src)].line)
        decline("a condition gives a slice");
      write(n.dst, n.src < 0 ? Val{python_kind(ValueKind::nil), -1} : read(n.src));
      if (n.src >= 0 && is_row(state_.kinds[static_cast<std::size_t>(n.src)]))
        set(cell(n.dst, DType::int64), get(cell(n.src, DType::int64)));
      return true;
    case NodeKind::test: test(); return false;
    case NodeKind::next: next_round(); return false;
    case NodeKind::leave: return is_function_ ? give() : leave_here();
    case NodeKind::finish: return leave_here();
    case NodeKind::other:
      if (n.branches == 0) decline("a statement in it runs in Python");
      return leave_here();
    case NodeKind::begin:
    case NodeKind::op: break;
  }
  // An operation that cannot be compiled leaves no traces.
  const State before = state_;
  const int block = block_;
  const std::size_t blocks = out_->blocks.size();
  const std::size_t emitted = out_->blocks[static_cast<std::size_t>(block_)].instructions.size();
  const std::size_t watched = watched_.size();
  try {
    if (n.kind == NodeKind::begin) begin();
    else operation();
  } catch (const Declined&) {
    if (n.branches == 0 || !n.resumable) throw;
    state_ = before;
    block_ = block;
    out_->blocks.resize(blocks);
    watched_.resize(watched);
    // Its end may have been a branch to blocks that are gone.
    Block& open = out_->blocks[static_cast<std::size_t>(block_)];
    open.instructions.resize(emitted);
    open = {.instructions = std::move(open.instructions)};
    return leave_here();
  }
  return true;
}

// The cells of a variable, for an exit. A tuple or a slice's bounds are made again from their
// parts.
void Specialiser::save(Exit& exit, int variable, const Kind& k) {
  Saved saved{variable, k, -1};
  if (k.is_number()) {
    saved.cell = number_cell(variable, k);
    saved.more = imaginary_cell(variable, k);
  }
  if (k.is(ValueKind::range) || k.line) {
    saved.cell = cell(variable, DType::int64, 0);
    saved.more = cell(variable, DType::int64, 1);
  }
  if (is_row(k)) saved.cell = cell(variable, DType::int64);
  exit.variables.push_back(saved);
  const bool bounds = k.is(ValueKind::span);
  if (!bounds && (!k.is(ValueKind::tuple) || k.array >= 0)) return;
  const Node& made = flat_.nodes[static_cast<std::size_t>(k.literal)];
  for (int a : made.op->args) {
    const Kind& part = state_.kinds[static_cast<std::size_t>(made.base + a)];
    if (!part.is_number() && !part.is(ValueKind::array) && !(bounds && part.is(ValueKind::nil)))
      decline("it holds a tuple");
    save(exit, made.base + a, part);
  }
}

// All ways to give a result give one kind.
bool Specialiser::give() {
  const Val v = node().src < 0 ? Val{} : read(node().src);
  if (!v.kind.is_number()) decline("a function gives something else than a number");
  Kind k = v.kind.is(ValueKind::scalar) ? scalar_kind(v.kind.dtype) : python_kind(v.kind.kind);
  if (result_ && !(*result_ == k)) decline("a function gives numbers of different kinds");
  result_ = k;
  Block& b = out_->blocks[static_cast<std::size_t>(block_)];
  b.end = Block::End::give;
  b.value = v.value;
  b.imaginary = v.imaginary;
  return false;
}

int Specialiser::exit_here() {
  if (is_function_) {
    if (out_->exits.empty()) out_->exits.emplace_back();
    return 0;
  }
  const int here = std::exchange(node_, beginning_of_pending());
  try {
    const int exit = exit_at_node();
    node_ = here;
    return exit;
  } catch (...) {
    node_ = here;
    throw;
  }
}

// Elements that are still to be computed are nothing that the interpreter could take: it begins
// where they begin. All is pure from there to the node.
int Specialiser::beginning_of_pending() const {
  int node = node_;
  for (bool moved = true; std::exchange(moved, false);) {
    const auto& live = flat_.live[static_cast<std::size_t>(node)];
    for (std::size_t v = 0; v < live.size(); ++v) {
      const Kind& k = state_.kinds[v];
      if (!live[v] || !k.is_pending()) continue;
      const int first = pending_[static_cast<std::size_t>(k.literal)].first;
      if (first < node) node = first, moved = true;
    }
  }
  return node;
}

int Specialiser::exit_at_node() {
  State state = state_;
  normalise(node_, state);
  const Node& n = node();
  const bool outside = node_ < loop_.first || node_ >= loop_.last;
  if (!outside && !n.resumable) decline("it may fail in the middle of a condition");
  Exit exit;
  exit.node = node_;
  exit.finished = outside;
  const auto& live = flat_.live[static_cast<std::size_t>(node_)];
  for (int v = 0; v < flat_.variables; ++v) {
    const Kind& k = state.kinds[static_cast<std::size_t>(v)];
    const bool captured = v >= flat_.slots && v < flat_.slots + flat_.captures;
    if (live[static_cast<std::size_t>(v)] && k.bound() && (!k.is(ValueKind::object) || k.line) &&
        !captured)
      save(exit, v, k);
  }
  std::string key = format("{}", node_);
  for (const Saved& s : exit.variables)
    key += format(" {}:{}:{}:{}:{}:{}:{}:{}:{}:{}", s.variable, static_cast<int>(s.kind.kind),
                  s.cell, s.more, s.kind.array, s.kind.rank, s.kind.known, s.kind.literal,
                  s.kind.line, s.kind.flipped);
  if (const auto at = exits_.find(key); at != exits_.end()) return at->second;
  if (!outside) {
    // For loops whose body is around the node.
    std::vector<int> around;
    if (n.kind == NodeKind::next) around.push_back(n.loop);
    for (int w = n.where; w >= 0; w = flat_.wheres[static_cast<std::size_t>(w)].parent) {
      const Where& here = flat_.wheres[static_cast<std::size_t>(w)];
      if (here.statement == loop_.statement || here.parent < 0) break;
      const plan::Statement* up = flat_.wheres[static_cast<std::size_t>(here.parent)].statement;
      if (here.op < 0 && here.block == 0 && up->kind == plan::StatementKind::for_each)
        around.push_back(flat_.loop_of.at(up));
    }
    for (std::size_t i = around.size(); i-- > 0;) {
      exit.loops.push_back(around[i]);
      for (int part = 0; part < 4; ++part) exit.loop_cells.push_back(loop_cell(around[i], part));
    }
  }
  out_->exits.push_back(std::move(exit));
  return exits_[key] = static_cast<int>(out_->exits.size()) - 1;
}

// ---- loops and branches ------------------------------------------------------------------

void Specialiser::test() {
  const Node& n = node();
  if (n.src < 0) return end_jump(version(n.no, state_));
  const Val v = read(n.src);
  if (v.kind.is(ValueKind::nil)) return end_jump(version(n.no, state_));
  if (v.kind.is(ValueKind::boolean) && v.kind.known)
    return end_jump(version(v.kind.literal ? n.yes : n.no, state_));
  const int value = truth(v);
  const int yes = version(n.yes, state_), no = version(n.no, state_);
  end_branch(value, yes, no);
}

int Specialiser::truth(const Val& v) {
  if (!v.kind.is_number()) decline("a condition in it is no number");
  const DType d = held_as(v.kind);
  if (d == DType::boolean) return v.value;
  if (is_complex(d)) return negated(equals({v.value, v.imaginary}, {real(0), real(0)}));
  return compute(Opcode::not_equal, d, v.value, literal(d, 0));
}

void Specialiser::begin() {
  const Node& n = node();
  const Val v = n.src < 0 ? Val{} : read(n.src);
  if (!v.kind.is(ValueKind::range)) decline("a loop in it is over something else than a range");
  const std::int64_t by = v.kind.literal;
  const int start = get(cell(n.src, DType::int64, 0)), stop = get(cell(n.src, DType::int64, 1));
  const int distance = by > 0 ? checked(Opcode::subtract, DType::int64, stop, start)
                              : checked(Opcode::subtract, DType::int64, start, stop);
  const std::int64_t size = by > 0 ? by : -by;
  int count = distance;
  if (size != 1) {
    const int above = checked(Opcode::add, DType::int64, distance, integer(size - 1));
    count = compute(Opcode::floor_divide, DType::int64, above, integer(size));
  }
  set(loop_cell(n.loop, 0), start);
  set(loop_cell(n.loop, 1), integer(by));
  set(loop_cell(n.loop, 2), compute(Opcode::maximum, DType::int64, count, integer(0)));
  set(loop_cell(n.loop, 3), integer(0));
}

// Innermost loops come in two versions; which one runs is found out before.
void Specialiser::open_check() {
  const Node& n = node();
  const int number = static_cast<int>(checks_.size());
  checks_.push_back({block_, n.loop, -1, -1, state_, {}});
  State fast = state_, slow = state_;
  fast.mode = Mode::checked_before;
  slow.mode = Mode::checked_each;
  fast.check = slow.check = number;
  const int part = part_of_rounds(n.loop, version(node_, fast)), no = version(node_, slow);
  // The list of checks may have grown meanwhile.
  checks_[static_cast<std::size_t>(number)].part = part;
  checks_[static_cast<std::size_t>(number)].no = no;
}

// A block that asks the host and begins the next rounds, as many as may run before it is asked
// again. Variables may have changed their kinds since the check, so each version of the rounds has
// a block of its own.
int Specialiser::part_of_rounds(int loop, int round) {
  if (const auto at = parts_.find(round); at != parts_.end()) return at->second;
  const int before = std::exchange(block_, new_block());
  const int position = get(loop_cell(loop, 3)), count = get(loop_cell(loop, 2));
  const int left = compute(Opcode::subtract, DType::int64, count, position);
  const int some = compute(Opcode::minimum, DType::int64, left, integer(rounds_between_polls));
  emit({.what = Do::poll, .a = some, .index = exit_here()});
  set(loop_cell(loop, 4), compute(Opcode::add, DType::int64, position, some, -1, true));
  end_jump(round);
  return parts_[round] = std::exchange(block_, before);
}

void Specialiser::next_round() {
  const Node& n = node();
  const LoopSpan& loop = flat_.loops[static_cast<std::size_t>(n.loop)];
  if (loop.inner && state_.mode == Mode::open) return open_check();
  const bool fast = loop.inner && state_.mode == Mode::checked_before;
  if (!fast) emit({.what = Do::poll, .a = integer(1), .index = exit_here()});
  const int position = get(loop_cell(n.loop, 3));
  // A part ends where its limit is met: so its length is plain to see.
  const int more = compute(fast ? Opcode::not_equal : Opcode::less, DType::int64, position,
                           get(loop_cell(n.loop, fast ? 4 : 2)));
  const int head = block_, body = new_block();
  int over;
  if (fast) {
    // A part is done: the next one, or the end.
    over = new_block();
    block_ = over;
    const int rest =
        compute(Opcode::less, DType::int64, get(loop_cell(n.loop, 3)), get(loop_cell(n.loop, 2)));
    const int done = version(n.no, state_);
    end_branch(rest, part_of_rounds(n.loop, version(node_, state_)), done, Odds::no);
  } else {
    over = version(n.no, state_);
  }
  block_ = head;
  end_branch(more, body, over);

  block_ = body;
  State inside = state_;
  const int at = get(loop_cell(n.loop, 3));
  const int moved =
      compute(Opcode::multiply, DType::int64, at, get(loop_cell(n.loop, 1)), -1, true);
  const int value = compute(Opcode::add, DType::int64, get(loop_cell(n.loop, 0)), moved, -1, true);
  set(loop_cell(n.loop, 3), compute(Opcode::add, DType::int64, at, integer(1), -1, true));
  Kind k = python_kind(ValueKind::integer);
  if (fast) k.symbol = symbol({Symbol::Form::loop, 0, 0, true});
  set(cell(loop.variable, DType::int64), value);
  inside.kinds[static_cast<std::size_t>(loop.variable)] = k;
  if (entries_[static_cast<std::size_t>(n.yes)] > 1 ||
      flat_.nodes[static_cast<std::size_t>(n.yes)].kind == NodeKind::next) {
    return end_jump(version(n.yes, inside));
  }
  work_.push_back({n.yes, std::move(inside), body});
}

}  // namespace jetlag::loops
