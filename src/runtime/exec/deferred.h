// fused-reduction: an elementwise result that waits for the reduction that reads
// it, and is computed there stretch by stretch. Should anybody else ask for its
// elements, they are computed as they would have been at once.
#pragma once

#include <atomic>

#include "primitives/on_demand.h"
#include "runtime/exec/lane.h"

namespace jetlag::exec {

class DeferredElements : public OnDemand {
 public:
  struct Work {
    const plan::Op* op;
    std::shared_ptr<const ElementProgram> program;
    std::vector<Value> operands;
    DType dtype;
    Dims shape, strides;  // no strides: C order
    std::function<FpReport(int application)> name;
    // One application, which each reader may compute for itself (outer-elements); or null.
    const Primitive* ufunc = nullptr;
    std::vector<DType> loop = {};
    // Elements of an array by indices (fused-gather): the operands are the array, the indices and,
    // where some are below 0, the count to be added to those.
    bool gathers = false;
    bool far = false;  // the array is larger than caches
  };
  DeferredElements(Lane& lane, Work work);

  std::vector<Ref<Array>> start() const override;  // on the lane
  void compute(std::int64_t first, std::int64_t last, std::byte* to) const override;
  bool fold_lines(Fold fold, std::int64_t first, std::int64_t n, std::int64_t lines,
                  std::byte* out) const override;
  bool place_lines(Fold fold, std::int64_t first, std::int64_t n, std::int64_t lines,
                   std::int64_t* out) const override;
  bool multiply_lines(const void* vector, std::int64_t first, std::int64_t n, std::int64_t lines,
                      std::byte* out) const override;
  bool fold_rows(Fold fold, std::int64_t first, std::int64_t step, std::int64_t rows,
                 std::int64_t n, std::byte* sums) const override;
  double bytes_read() const override;
  double flops() const override;
  Ref<Array> written_out() const override;
  const Work& work() const { return work_; }
  // Of that application, at its own place.
  FpReport report() const {
    FpReport report = work_.name(0);
    report.sequence = sequence_;
    return report;
  }

 private:
  bool fold(const LineFold& how, const LineStretch& lines) const;

  Lane& lane_;
  mutable Work work_;  // operands are lent out when the work begins
  std::int64_t sequence_;
  mutable std::shared_ptr<ElementRun> run_;
  mutable std::function<void(std::int64_t, std::int64_t)> tell_;
  mutable unsigned wanted_ = 0;
  mutable std::atomic<int> met_ = 0;  // how often a kernel that folds met a condition
  double bytes_ = 0;
};

// Null if the value is something else.
const DeferredElements* deferred_in(const Value& v);
// The same, of elements that each reader may compute for itself, or takes from an array.
inline const DeferredElements* outer_in(const Value& v) {
  const DeferredElements* d = deferred_in(v);
  return d && (d->work().ufunc || d->work().gathers) ? d : nullptr;
}

}  // namespace jetlag::exec
