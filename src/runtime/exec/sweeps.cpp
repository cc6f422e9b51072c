#include "runtime/exec/sweeps.h"

#include <algorithm>

#include "runtime/exec/stretches.h"

namespace jetlag::exec {

namespace {

constexpr std::int64_t part_elements = 1024;
constexpr std::int64_t most_parts = 1024;

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

}  // namespace jetlag::exec
