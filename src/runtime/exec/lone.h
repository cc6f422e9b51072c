// Elementwise steps that belong to no group, kept for the next walk or call: its operands are
// likely to be like those before.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "primitives/element.h"

namespace jetlag::exec {

struct LoneRun {
  struct Likeness {
    ValueKind kind;
    DType dtype;
    Dims shape, strides;
  };
  const Primitive* ufunc = nullptr;
  std::uint32_t settings = 0;  // the version of then
  std::vector<Likeness> operands;
  std::shared_ptr<ElementRun> run;
  Dims shape;            // of the result, which lies in C order
  bool settled = false;  // it has machine code, or nobody need ask for it
};

LoneRun::Likeness likeness_of(const Value& v);
bool is_like(const Value& v, const LoneRun::Likeness& before);

// Safe from any thread: who takes one has it alone.
class LoneRuns {
 public:
  // Results as long as this are computed at once by what is kept, if little is computed.
  static constexpr std::int64_t most_bytes = std::int64_t{128} << 10;
  static constexpr double most_flops = 300'000;

  std::unique_ptr<LoneRun> take(int op);
  void put(int op, std::unique_ptr<LoneRun> run);

 private:
  std::mutex mutex_;
  std::unordered_map<int, std::unique_ptr<LoneRun>> runs_;
};

}  // namespace jetlag::exec
