// A fused group while it runs. Members are checked in program order, so that
// errors come where Python has them, but computed together at the last one.
// What does not fit (an object, a scalar, shapes that grow) makes the group
// run member by member, as if there were no group.
#pragma once

#include "runtime/exec/stream.h"

namespace jetlag::exec {

class FusedGroup {
 public:
  // Operands may be late results of the stream; null if the region has none.
  FusedGroup(Lane& lane, const plan::Region& region, const plan::Group& group, Value* regs,
             StreamRun* stream)
      : lane_(lane),
        region_(region),
        group_(group),
        regs_(regs),
        stream_(stream),
        specs_(group.members.size()) {}

  void member(int reg, Frame& frame);

 private:
  struct Spec {
    bool deferred = false;
    DType dtype = DType::float64;
    Dims shape;
    const Primitive* ufunc = nullptr;
    std::vector<DType> loop;
    std::int64_t sequence = 0;
  };

  int position(int reg) const;  // in the group; -1: an operand from outside
  bool check(int at);           // fills the spec; false: run eagerly
  void go_eager(int until, Frame& frame);
  void finish(int reg, Frame& frame);
  // stores.cpp: where the result is to be stored, if it can be computed there; or null.
  Ref<Array> destination(int reg, const Frame& frame, std::span<const Value> inputs) const;
  std::optional<Value> foreseen(int reg, int root, const Frame& frame) const;
  std::string key() const;
  std::shared_ptr<const FusedProgram> build() const;

  Lane& lane_;
  const plan::Region& region_;
  const plan::Group& group_;
  Value* regs_;
  StreamRun* stream_;
  std::vector<Spec> specs_;
  bool eager_ = false;
};

}  // namespace jetlag::exec
