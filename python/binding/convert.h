// Values cross the border. Arrays are borrowed on the way in and handed over
// on the way out; nothing is copied.
#pragma once

#include <utility>
#include <vector>

#include "array/value.h"
#include "base/pool.h"
#include "binding/numpy_api.h"

namespace jetlag::python {

// Keeps a Python object. The last reference may be dropped by any thread: the
// object is let go when somebody next holds the GIL.
class PyHandle : public Handle, public Pooled {
 public:
  // Takes a new reference. The GIL is held.
  explicit PyHandle(PyObject* object) : object_(Py_NewRef(object)) {}
  ~PyHandle() override;
  PyObject* get() const { return object_; }

 private:
  PyObject* object_;
};

// Lets go of what other threads dropped. The GIL is held.
void release_dropped();

// What one call knows of the memory that Python owns: arrays that share memory
// share a buffer. The GIL is held for all of this.
class Border {
 public:
  Border();
  ~Border();
  Border(const Border&) = delete;
  Border& operator=(const Border&) = delete;

  Value from_python(PyObject* object);

  // A new reference, or null with a Python error set.
  PyObject* to_python(const Value& value);
  // The same for what a call gives back, of which nothing is kept here.
  PyObject* result_to_python(const Value& value);

  // Two owners of overlapping memory were seen, which no base relates.
  bool tangled() const { return tangled_; }

 private:
  Value array_from(PyArrayObject* array, DType dtype);
  Ref<Buffer> buffer_of(PyArrayObject* root, const Ref<PyHandle>& handle);
  void remember(PyObject* owner, const Ref<Buffer>& buffer);
  void forget_unused();
  PyObject* array_to(const Ref<Array>& array);
  PyObject* items_to(const Value& value);

  using Known = std::vector<std::pair<PyObject*, Ref<Buffer>>>;

  Known buffers_;  // with their owners; few
  bool tangled_ = false;
};

// The dtype of a NumPy type number, if it is one of ours.
bool dtype_of_typenum(int typenum, DType& dtype);
int typenum_of(DType dtype);

}  // namespace jetlag::python
