// view[...] = value.
#include "primitives/arguments.h"
#include "primitives/index.h"
#include "primitives/moves.h"
#include "primitives/storing.h"

namespace jetlag {

namespace {

// The same elements at the same places: written over themselves.
bool is_same_view(const Array& a, const Array& b) {
  return a.data() == b.data() && a.dtype() == b.dtype() && a.shape() == b.shape() &&
         a.strides() == b.strides();
}

// Element by element, the target would overwrite what is still to be read.
Job copy_first(const Ref<Array>& from, const Ref<Array>& to, Watch* watch) {
  auto body = [from, to, watch](std::int64_t) {
    const Ref<Array> copy = new_array(from->dtype(), from->shape());
    copy_elements(*from, *copy);
    const Job job = move_job(copy, to, watch);
    for (std::int64_t i = 0; i < job.blocks; ++i) job.body(i);
  };
  return {.blocks = 1, .body = body, .finish = {}, .bytes = 4.0 * static_cast<double>(to->bytes())};
}

}  // namespace

std::optional<Job> assign(const Ref<Array>& to, const Value& value, Watch* watch) {
  if (!to->writable()) throw Error(Kind::value, "assignment destination is read-only");
  if (!is_assignable(value, to->dtype())) return std::nullopt;
  const Ref<Array> from = stored_operand(value, to->dtype());
  if (!from) return std::nullopt;
  // A single element refuses what has axes; only NumPy can tell a[0] from a[..., 0].
  if (to->rank() == 0 && from->rank() > 0) return std::nullopt;
  check_assignable(from->shape(), to->shape());
  const Ref<Array> spread = broadcast_into(from, to->shape());
  if (is_same_view(*spread, *to) || !may_overlap(*spread, *to)) return move_job(spread, to, watch);
  return copy_first(spread, to, watch);
}

}  // namespace jetlag
