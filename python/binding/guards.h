// What a plan relies on outside of itself: names of modules, closure cells,
// the code and the defaults of functions that were looked at.
#pragma once

#include <vector>

#include "binding/numpy_api.h"

namespace jetlag::python {

class Guards {
 public:
  Guards() = default;
  // (holder, key, expected): holder is a dict, a cell (no key), or an object
  // with an attribute.
  explicit Guards(const nb::list& guards);

  // Whether everything still is what it was. The GIL is held.
  bool hold() const;

  int traverse(visitproc visit, void* arg) const;
  void clear() { guards_.clear(); }

 private:
  struct Guard {
    // Returns a borrowed reference, or null if nothing is there.
    PyObject* (*look)(const Guard&);
    nb::object holder, key, expected;
  };
  static PyObject* in_dict(const Guard& g);
  static PyObject* in_cell(const Guard& g);
  static PyObject* code_of(const Guard& g);
  static PyObject* defaults_of(const Guard& g);
  static PyObject* keyword_defaults_of(const Guard& g);
  static PyObject* attribute_of(const Guard& g);
  static PyObject* (*look_for(const nb::object& holder, const nb::object& key))(const Guard&);

  std::vector<Guard> guards_;
};

}  // namespace jetlag::python
