// What a program is made of: shared by its builder, its runs and its diagnosis.
#pragma once

#include <memory>
#include <vector>

#include "primitives/element.h"
#include "primitives/expr.h"
#include "primitives/loops.h"

namespace jetlag {

// Elements computed at once: a handful of such buffers fits the first-level cache.
inline constexpr std::int64_t run_length = 512;

// One application of a primitive: values of the code that went in and came out.
struct Application {
  const Primitive* primitive;
  std::vector<int> operands;
  int result;
};

// A value made by a conversion, and the application it belongs to.
struct Conversion {
  int value;
  int application;
};

// Whether NumPy's loop compares the operands, so that a NaN raises "invalid".
bool reports_nan(const Primitive& p, DType operand);

// Whether NumPy may report conditions of an application with such operands and such a result.
bool may_report(const Primitive& p, std::span<const DType> operands, DType result);

// One operation to carry out.
struct Step {
  Loop loop;
  int a, b, c;  // values; -1 points to nothing
  int out;
  bool silent;  // its flags are not NumPy's
};

struct FreeBytes {
  void operator()(std::byte* p) const;
};
using Bytes = std::unique_ptr<std::byte[], FreeBytes>;
Bytes allocate_bytes(std::int64_t bytes);  // aligned to cache lines

class Program final : public ElementProgram {
 public:
  int inputs() const override { return static_cast<int>(input_values.size()); }
  int outputs() const override { return static_cast<int>(output_list.size()); }
  DType input_dtype(int i) const override { return code_[input_values[i]].dtype; }
  DType output_dtype(int i) const override { return code_[output_list[i]].dtype; }
  double flops_per_element() const override;
  int applications() const override { return static_cast<int>(application_list.size()); }
  const Primitive& application(int i) const override;
  const Code& code() const override { return code_; }
  std::span<const int> output_values() const override { return output_list; }
  bool computes_unread() const override { return unread; }
  bool is_loud(int value) const override {
    return value < static_cast<int>(loud.size()) && loud[static_cast<std::size_t>(value)];
  }

  bool is_fast(int value) const override {
    return value < static_cast<int>(fast.size()) && fast[static_cast<std::size_t>(value)];
  }

  bool conditions_hang_on(int input) const override {
    return telling[static_cast<std::size_t>(input)];
  }

  bool reads_whole(int input) const override { return whole[static_cast<std::size_t>(input)]; }

  // The steps that compute the wanted values, in order.
  std::vector<Step> steps_for(std::span<const int> wanted) const;
  // What NumPy would compute and might warn of: results and conversions.
  std::vector<int> all_results() const;
  // Fills what the lists below the line say.
  void finish();

  Code code_;
  std::vector<int> input_values;
  std::vector<int> output_list;
  std::vector<Application> application_list;
  std::vector<Conversion> casts;
  std::vector<bool> loud;  // of a value: a NaN that it compares is reported
  std::vector<bool> fast;  // of a value: machine code may rearrange it

  // ------ known once the code is complete
  std::vector<Step> steps;
  bool unread = false;                  // some steps are there for their conditions only
  std::vector<int> slots;               // of a value: its buffer; -1 for none
  std::vector<const std::byte*> fixed;  // of a constant: its elements
  int slot_count = 0;
  std::int64_t slot_bytes = 0;
  std::vector<int> step_of;    // of a value: the step that makes it; -1 for none
  std::vector<int> last_read;  // of a value: the last step that reads it; -1 for none
  std::vector<bool> telling;   // of an input: conditions hang on it
  std::vector<bool> whole;     // of an input: elements are taken of it

 private:
  bool tells_of(int value) const;
  void lay_out_constants();
  void assign_slots();
  Bytes constant_bytes_;
};

}  // namespace jetlag
