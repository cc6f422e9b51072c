// The product loops for every machine, and which ones this machine runs.
#define JETLAG_ISA product_loops_of_baseline
#include "primitives/product_loops.inc"

namespace jetlag {

constinit const ProductLoops<float> product_loops_f32_baseline =
    product_loops_of_baseline::make_product_loops<float>();
constinit const ProductLoops<double> product_loops_f64_baseline =
    product_loops_of_baseline::make_product_loops<double>();

namespace {

#if defined(__x86_64__)
enum class Level : std::uint8_t { baseline, v3, v4 };

Level level() {
  static const Level found = __builtin_cpu_supports("x86-64-v4")   ? Level::v4
                             : __builtin_cpu_supports("x86-64-v3") ? Level::v3
                                                                   : Level::baseline;
  return found;
}
#endif

}  // namespace

template <>
const ProductLoops<float>& product_loops() {
#if defined(__x86_64__)
  if (level() == Level::v4) return product_loops_f32_x86_64_v4;
  if (level() == Level::v3) return product_loops_f32_x86_64_v3;
#endif
  return product_loops_f32_baseline;
}

template <>
const ProductLoops<double>& product_loops() {
#if defined(__x86_64__)
  if (level() == Level::v4) return product_loops_f64_x86_64_v4;
  if (level() == Level::v3) return product_loops_f64_x86_64_v3;
#endif
  return product_loops_f64_baseline;
}

}  // namespace jetlag
