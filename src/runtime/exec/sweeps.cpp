#include "runtime/exec/sweeps.h"

#include <algorithm>
#include <cstdlib>

#include "primitives/index.h"
#include "primitives/run_all.h"
#include "primitives/storing.h"
#include "runtime/exec/stretches.h"

namespace jetlag::exec {

namespace {

constexpr std::int64_t part_elements = 1024;
constexpr std::int64_t most_parts = 1024;
constexpr std::int64_t part_bytes = 8 << 10;

void touch_operand(Footprint& print, const ElementRun& run, int operand, bool written,
                   const std::function<std::int64_t(std::int64_t)>& first_element) {
  const Array* array = run.operand(operand);
  if (!array) return;  // a scalar, which the run has for itself
  Reach& reach = print.of(array->buffer().get(), written);
  for (std::int64_t part = 0; part < print.parts(); ++part) {
    Footprint::touch(reach, part,
                     run.extent(operand, first_element(part), first_element(part + 1)));
  }
}

}  // namespace

void touch_inputs(Footprint& print, const ElementRun& run,
                  const std::function<std::int64_t(std::int64_t)>& first_element) {
  for (int i = 0; i < run.program().inputs(); ++i)
    touch_operand(print, run, i, false, first_element);
}

Sweep element_sweep(const ElementRun& run, const Array& out,
                    std::function<void(std::int64_t, std::int64_t)> compute,
                    std::shared_ptr<const Footprint> known) {
  const std::int64_t size = run.size();
  const std::int64_t each = whole_rows(out, std::max(part_elements, size / most_parts));
  const auto first_element = [=](std::int64_t part) { return std::min(part * each, size); };
  const std::int64_t parts = (size + each - 1) / each;
  if (!known || known->parts() != parts) {
    auto print = std::make_shared<Footprint>(parts);
    touch_inputs(*print, run, first_element);
    for (int o = 0; o < run.program().outputs(); ++o)
      touch_operand(*print, run, run.program().inputs() + o, true, first_element);
    print->close();
    known = std::move(print);
  }
  return {std::move(known),
          [=, compute = std::move(compute)](std::int64_t first, std::int64_t last) {
            compute(first_element(first), first_element(last));
          }};
}

bool is_plain_copy(const Array& to, const Value& from) {
  if (to.rank() == 0 || to.size() == 0) return false;
  if (!from.is_array()) return from.is_numeric();
  const Array& a = *from.array();
  return a.in_memory() && a.dtype() == to.dtype() && !may_overlap(a, to);
}

RowWork copied_rows(const Ref<Array>& to, const Ref<Array>& from) {
  return {to->shape()[0], to->rank(), [=](std::int64_t first, std::int64_t last) {
            const auto rows_of = [=](const Array& a) {
              Dims shape = a.shape();
              shape[0] = last - first;
              return Array(nullptr, a.data() + first * a.strides()[0], a.dtype(), shape,
                           a.strides());
            };
            copy_elements(rows_of(*from), rows_of(*to));
          }};
}

Sweep copy_sweep(const Ref<Array>& to, const Value& from, std::shared_ptr<const Footprint> known) {
  const std::int64_t axis = row_axis(*to), rows = to->shape()[axis];
  // A column reaches as far as the rows that it crosses.
  const std::int64_t row_bytes = std::max(to->bytes() / rows, std::abs(to->strides()[axis]));
  const std::int64_t each =
      std::max({std::int64_t{1}, part_bytes / row_bytes, (rows + most_parts - 1) / most_parts});
  const std::int64_t parts = (rows + each - 1) / each;
  const Ref<Array> source =
      from.is_array() ? broadcast_into(from.array(), to->shape()) : Ref<Array>();
  const auto rows_of = [=](const Ref<Array>& a, std::int64_t first, std::int64_t last) {
    Dims shape = a->shape();
    shape[axis] = std::min(last * each, rows) - first * each;
    return view_of(a, a->data() + first * each * a->strides()[axis], shape, a->strides());
  };
  if (!known || known->parts() != parts) {
    auto print = std::make_shared<Footprint>(parts);
    const auto touch = [&](const Ref<Array>& a, bool written) {
      Reach& reach = print->of(a->buffer().get(), written);
      for (std::int64_t part = 0; part < parts; ++part)
        Footprint::touch(reach, part, extent_of(*rows_of(a, part, part + 1)));
    };
    if (source) touch(source, false);
    touch(to, true);
    print->close();
    known = std::move(print);
  }
  return {std::move(known), [=](std::int64_t first, std::int64_t last) {
            const Value value = source ? Value::of(rows_of(source, first, last)) : from;
            run_all(*assign(rows_of(to, first, last), value));
          }};
}

}  // namespace jetlag::exec
