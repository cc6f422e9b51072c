// The product loops for processors with AVX-512 (-march=x86-64-v4, see CMakeLists.txt).
#if defined(__x86_64__)
#define JETLAG_ISA product_loops_of_x86_64_v4
#include "primitives/product_loops.inc"

namespace jetlag {
constinit const ProductLoops<float> product_loops_f32_x86_64_v4 =
    product_loops_of_x86_64_v4::make_product_loops<float>();
constinit const ProductLoops<double> product_loops_f64_x86_64_v4 =
    product_loops_of_x86_64_v4::make_product_loops<double>();
}  // namespace jetlag
#endif
