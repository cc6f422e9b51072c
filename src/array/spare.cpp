#include "array/spare.h"

namespace jetlag {

namespace {

Ref<Buffer>& spare() {
  static thread_local Ref<Buffer> memory;
  return memory;
}

}  // namespace

Ref<Array> new_small_array(DType dtype, const Dims& shape) {
  Ref<Buffer>& kept = spare();
  if (!kept || kept->bytes() != element_count(shape) * size_of(dtype))
    return new_array(dtype, shape);
  Ref<Buffer> buffer = std::move(kept);
  std::byte* const data = buffer->data();
  return make<Array>(std::move(buffer), data, dtype, shape,
                     contiguous_strides(shape, size_of(dtype)));
}

void give_spare(Ref<Buffer> buffer) { spare() = std::move(buffer); }

}  // namespace jetlag
