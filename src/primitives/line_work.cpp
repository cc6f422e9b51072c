#include "primitives/line_work.h"

#include <cstring>

#include "primitives/element_program.h"
#include "primitives/element_run.h"
#include "primitives/element_space.h"
#include "primitives/primitive.h"

namespace jetlag {

namespace {

struct MemoryLine {
  std::byte* data;
  std::int64_t step;

  std::byte* at(std::int64_t i) const { return data + i * step; }
};

// Whether a store to one changes what is read of the other later on.
bool is_in_the_way(const MemoryLine& to, const MemoryLine& from, std::int64_t n,
                   std::int64_t item) {
  if (n == 0 || (to.data == from.data && to.step == from.step)) return false;
  const std::byte* first = std::min(to.at(0), to.at(n - 1));
  const std::byte* last = std::max(to.at(0), to.at(n - 1));
  return std::min(from.at(0), from.at(n - 1)) < last + item &&
         first < std::max(from.at(0), from.at(n - 1)) + item;
}

// The steps, decoded; what does not lie without gaps gets a buffer of a run's length.
struct Decoded {
  struct Part {
    LineStep what = LineStep::end;
    Loop loop = nullptr;
    int arity = 0;
    MemoryLine line{};
    std::uint64_t number = 0;
  };
  Part parts[most_line_steps];
  std::size_t count = 0;
  std::int64_t length;
  unsigned wanted;
  MemoryLine to;
  bool aside;  // all is computed before anything is stored

  Decoded(const std::uint64_t* words, DType dtype) {
    const auto next_line = [&] {
      const MemoryLine line{reinterpret_cast<std::byte*>(words[0]),
                            static_cast<std::int64_t>(words[1])};
      words += 2;
      return line;
    };
    length = static_cast<std::int64_t>(*words++);
    wanted = static_cast<unsigned>(*words++);
    std::uint64_t code = *words++;
    to = next_line();
    aside = wanted != 0;
    for (; code != 0; code >>= 8) {
      Part& part = parts[count++];
      const auto step = static_cast<std::uint8_t>(code);
      part.what = static_cast<LineStep>(std::min<int>(step, static_cast<int>(LineStep::operation)));
      if (part.what == LineStep::line) {
        part.line = next_line();
        aside = aside || is_in_the_way(to, part.line, length, size_of(dtype));
      } else if (part.what == LineStep::number) {
        part.number = *words++;
      } else {
        const auto opcode = static_cast<Opcode>(step - static_cast<int>(LineStep::operation));
        part.loop = find_loop(opcode, dtype);
        part.arity = info(opcode).arity;
      }
    }
  }
};

constexpr std::int64_t run_bytes(std::int64_t item) { return run_length * item; }

// Elements [first, first + n) go to `to`, one after another.
void compute_run(const Decoded& work, std::byte* buffers, std::int64_t first, std::int64_t n,
                 std::int64_t item, std::byte* to) {
  const std::byte* results[most_line_steps];
  results[0] = to;
  std::size_t top = 0;
  for (std::size_t k = 0; k < work.count; ++k) {
    const Decoded::Part& part = work.parts[k];
    std::byte* own = buffers + static_cast<std::int64_t>(k) * run_bytes(item);
    if (part.what == LineStep::line) {
      const bool dense = part.line.step == item;
      if (!dense) copy_strided(part.line.at(first), part.line.step, own, item, n, item);
      results[top++] = dense ? part.line.at(first) : own;
    } else if (part.what == LineStep::number) {
      results[top++] = own;
    } else {
      top -= static_cast<std::size_t>(part.arity);
      std::byte* out = k + 1 == work.count ? to : own;
      part.loop(results[top], part.arity > 1 ? results[top + 1] : nullptr, nullptr, out, n);
      results[top++] = out;
    }
  }
  if (results[0] != to) std::memcpy(to, results[0], static_cast<std::size_t>(n * item));
}

template <class T>
unsigned work_on_line(const std::uint64_t* words) {
  constexpr std::int64_t item = sizeof(T);
  const Decoded work(words, dtype_of<T>());
  const std::int64_t n = work.length, parts = static_cast<std::int64_t>(work.count) + 1;
  std::byte* buffers = scratch(parts * run_bytes(item) + (work.aside ? n * item : 0));
  std::byte* last = buffers + (parts - 1) * run_bytes(item);
  for (std::size_t k = 0; k < work.count; ++k) {
    if (work.parts[k].what != LineStep::number) continue;
    copy_strided(reinterpret_cast<const std::byte*>(&work.parts[k].number), 0,
                 buffers + static_cast<std::int64_t>(k) * run_bytes(item), item,
                 std::min(n, run_length), item);
  }
  const unsigned saved = save_flags();
  if (work.wanted != 0) clear_flags();
  const bool direct = !work.aside && work.to.step == item;
  for (std::int64_t first = 0; first < n; first += run_length) {
    const std::int64_t some = std::min(run_length, n - first);
    std::byte* to = direct ? work.to.at(first) : work.aside ? last + first * item : last;
    compute_run(work, buffers, first, some, item, to);
    if (!direct && !work.aside)
      copy_strided(last, item, work.to.at(first), work.to.step, some, item);
  }
  if (work.wanted != 0) {
    const unsigned met = read_flags() & work.wanted;
    restore_flags(saved);
    if (met != 0) return met;
  }
  if (work.aside) copy_strided(last, item, work.to.data, work.to.step, n, item);
  return 0;
}

}  // namespace

LineFunction find_line_work(DType dtype) {
  if (dtype == DType::float64) return reinterpret_cast<LineFunction>(work_on_line<double>);
  if (dtype == DType::float32) return reinterpret_cast<LineFunction>(work_on_line<float>);
  return nullptr;
}

}  // namespace jetlag
