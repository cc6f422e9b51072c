#include "binding/convert.h"

#include <cstring>
#include <mutex>
#include <vector>

#include "array/spare.h"
#include "base/of_thread.h"
#include "binding/memory.h"

namespace jetlag::python {

namespace {

std::mutex dropped_mutex;
std::vector<PyObject*> dropped;
std::atomic<bool> any_dropped{false};

constexpr int typenums[] = {NPY_BOOL,    NPY_INT8,      NPY_UINT8,     NPY_INT16,  NPY_UINT16,
                            NPY_INT32,   NPY_UINT32,    NPY_INT64,     NPY_UINT64, NPY_FLOAT32,
                            NPY_FLOAT64, NPY_COMPLEX64, NPY_COMPLEX128};

}  // namespace

PyHandle::~PyHandle() {
  if (PyGILState_Check()) {
    Py_DECREF(object_);
    return;
  }
  std::scoped_lock lock(dropped_mutex);
  dropped.push_back(object_);
  any_dropped = true;
}

void release_dropped() {
  if (!any_dropped.load(std::memory_order_relaxed)) return;
  std::vector<PyObject*> now;
  {
    std::scoped_lock lock(dropped_mutex);
    now.swap(dropped);
    any_dropped = false;
  }
  for (PyObject* object : now) Py_DECREF(object);
}

int typenum_of(DType dtype) { return typenums[static_cast<int>(dtype)]; }

bool dtype_of_typenum(int typenum, DType& dtype) {
  for (int i = 0; i < dtype_count; ++i) {
    if (typenums[i] == typenum) {
      dtype = static_cast<DType>(i);
      return true;
    }
  }
  // C has two names for 64 bits.
  if (typenum == NPY_LONGLONG) return dtype = DType::int64, true;
  if (typenum == NPY_ULONGLONG) return dtype = DType::uint64, true;
  return false;
}

// ---- from Python --------------------------------------------------------------

namespace {

constexpr Py_ssize_t longest_tuple = 64;

// The dtype that a type stands for: numpy.float64, or Python's float.
bool dtype_of_type(PyObject* type, DType& dtype) {
  if (type == reinterpret_cast<PyObject*>(&PyFloat_Type)) return dtype = DType::float64, true;
  if (type == reinterpret_cast<PyObject*>(&PyLong_Type)) return dtype = DType::int64, true;
  if (type == reinterpret_cast<PyObject*>(&PyBool_Type)) return dtype = DType::boolean, true;
  if (type == reinterpret_cast<PyObject*>(&PyComplex_Type)) return dtype = DType::complex128, true;
  for (int i = 0; i < dtype_count; ++i) {
    static PyObject* types[dtype_count] = {};
    if (!types[i]) types[i] = PyArray_TypeObjectFromType(typenums[i]);
    if (types[i] == type) return dtype = static_cast<DType>(i), true;
  }
  return false;
}

bool is_native(PyArray_Descr* descr) { return PyArray_ISNBO(descr->byteorder); }

Value integer_from(PyObject* object) {
  int over = 0;
  const long long i = PyLong_AsLongLongAndOverflow(object, &over);
  if (over) return Value::object(make<PyHandle>(object));
  return Value::of(static_cast<std::int64_t>(i));
}

Value string_from(PyObject* object) {
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(object, &size);
  if (!text) {
    // Lone surrogates have no UTF-8.
    PyErr_Clear();
    return Value::object(make<PyHandle>(object));
  }
  Value v = Value::of(std::string(text, static_cast<std::size_t>(size)));
  v.text_object().handle = make<PyHandle>(object);
  return v;
}

bool as_int64(PyObject* object, std::int64_t& i) {
  int over = 0;
  i = PyLong_AsLongLongAndOverflow(object, &over);
  return over == 0;
}

Value range_from(PyObject* object) {
  std::int64_t bounds[3];
  const char* names[] = {"start", "stop", "step"};
  for (int i = 0; i < 3; ++i) {
    nb::object part = nb::steal(PyObject_GetAttrString(object, names[i]));
    if (!part.is_valid() || !as_int64(part.ptr(), bounds[i])) {
      PyErr_Clear();
      return Value::object(make<PyHandle>(object));
    }
  }
  return Value::range(bounds[0], bounds[1], bounds[2]);
}

// The array that owns the memory that an array looks at.
PyArrayObject* root_of(PyArrayObject* array) {
  while (true) {
    PyObject* base = PyArray_BASE(array);
    if (!base || !PyArray_CheckExact(base)) return array;
    array = reinterpret_cast<PyArrayObject*>(base);
  }
}

// First and one past the last byte.
std::pair<char*, char*> extent(PyArrayObject* array) {
  char* low = PyArray_BYTES(array);
  char* high = low + PyArray_ITEMSIZE(array);
  for (int i = 0; i < PyArray_NDIM(array); ++i) {
    const npy_intp count = PyArray_DIM(array, i);
    if (count == 0) return {low, low};
    const npy_intp span = (count - 1) * PyArray_STRIDE(array, i);
    (span < 0 ? low : high) += span;
  }
  return {low, high};
}

}  // namespace

Border::Border() : buffers_(std::move(of_thread<Known>())) {}

Border::~Border() {
  buffers_.clear();
  of_thread<Known>().swap(buffers_);
}

Value Border::from_python(PyObject* o) {
  if (o == Py_None) return Value::nil();
  if (o == Py_True || o == Py_False) return Value::of(o == Py_True);
  DType dtype;
  if (PyArray_CheckExact(o)) {
    auto* array = reinterpret_cast<PyArrayObject*>(o);
    PyArray_Descr* descr = PyArray_DESCR(array);
    if (dtype_of_typenum(descr->type_num, dtype) && is_native(descr) && PyArray_ISALIGNED(array)) {
      return array_from(array, dtype);
    }
    return Value::object(make<PyHandle>(o));
  }
  if (PyLong_CheckExact(o)) return integer_from(o);
  if (PyFloat_CheckExact(o)) return Value::of(PyFloat_AS_DOUBLE(o));
  if (PyComplex_CheckExact(o)) {
    return Value::of(std::complex<double>(PyComplex_RealAsDouble(o), PyComplex_ImagAsDouble(o)));
  }
  if (PyUnicode_CheckExact(o)) return string_from(o);
  if (PyArray_CheckScalar(o) && dtype_of_type(reinterpret_cast<PyObject*>(Py_TYPE(o)), dtype)) {
    std::complex<double> bytes;
    PyArray_ScalarAsCtype(o, &bytes);
    return Value::scalar(dtype, &bytes);
  }
  if (PyTuple_CheckExact(o) && PyTuple_GET_SIZE(o) <= longest_tuple) {
    std::vector<Value> items;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); ++i)
      items.push_back(from_python(PyTuple_GET_ITEM(o, i)));
    Value tuple = Value::tuple(std::move(items));
    tuple.items_object().handle = make<PyHandle>(o);
    return tuple;
  }
  if (Py_IS_TYPE(o, &PyRange_Type)) return range_from(o);
  if (PySlice_Check(o)) {
    auto* s = reinterpret_cast<PySliceObject*>(o);
    return Value::span(from_python(s->start), from_python(s->stop), from_python(s->step));
  }
  if (o == Py_Ellipsis) return Value::ellipsis();
  if (PyType_Check(o) && dtype_of_type(o, dtype)) return Value::of(dtype, make<PyHandle>(o));
  if (PyArray_DescrCheck(o)) {
    auto* descr = reinterpret_cast<PyArray_Descr*>(o);
    if (dtype_of_typenum(descr->type_num, dtype) && is_native(descr))
      return Value::of(dtype, make<PyHandle>(o));
  }
  return Value::object(make<PyHandle>(o));
}

Value Border::array_from(PyArrayObject* array, DType dtype) {
  auto handle = make<PyHandle>(reinterpret_cast<PyObject*>(array));
  Ref<Buffer> buffer = buffer_of(root_of(array), handle);
  Dims shape(
      std::span<const std::int64_t>(reinterpret_cast<const std::int64_t*>(PyArray_DIMS(array)),
                                    static_cast<std::size_t>(PyArray_NDIM(array))));
  Dims strides(
      std::span<const std::int64_t>(reinterpret_cast<const std::int64_t*>(PyArray_STRIDES(array)),
                                    static_cast<std::size_t>(PyArray_NDIM(array))));
  auto a = make<Array>(std::move(buffer), reinterpret_cast<std::byte*>(PyArray_DATA(array)), dtype,
                       std::move(shape), std::move(strides));
  if (!PyArray_ISWRITEABLE(array)) a->make_read_only();
  a->handle = std::move(handle);
  return Value::of(std::move(a));
}

// `handle` holds some array that looks at the root's memory, perhaps the root.
Ref<Buffer> Border::buffer_of(PyArrayObject* root, const Ref<PyHandle>& handle) {
  auto* key = reinterpret_cast<PyObject*>(root);
  for (const auto& [owner, buffer] : buffers_) {
    if (owner == key) return buffer;
  }
  const auto [low, high] = extent(root);
  for (const auto& [other, buffer] : buffers_) {
    const char* other_low = reinterpret_cast<const char*>(buffer->data());
    if (low < other_low + buffer->bytes() && other_low < high) tangled_ = true;
  }
  Ref<Buffer> buffer =
      Buffer::borrow(low, high - low, handle->get() == key ? handle : make<PyHandle>(key), true);
  buffer->make_visible();
  remember(key, buffer);
  return buffer;
}

void Border::remember(PyObject* owner, const Ref<Buffer>& buffer) {
  constexpr std::size_t many = 64;
  if (buffers_.size() >= many) forget_unused();
  buffers_.emplace_back(owner, buffer);
}

void Border::forget_unused() {
  std::erase_if(buffers_, [](const auto& entry) { return entry.second->use_count() == 1; });
}

// ---- to Python ------------------------------------------------------------------

PyObject* Border::to_python(const Value& v) {
  switch (v.kind()) {
    case ValueKind::unbound:
    case ValueKind::nil: return Py_NewRef(Py_None);
    case ValueKind::boolean: return PyBool_FromLong(v.boolean());
    case ValueKind::integer: return PyLong_FromLongLong(v.integer());
    case ValueKind::real: return PyFloat_FromDouble(v.real());
    case ValueKind::complex: return PyComplex_FromDoubles(v.complex().real(), v.complex().imag());
    case ValueKind::scalar: {
      PyArray_Descr* descr = PyArray_DescrFromType(typenum_of(v.dtype()));
      PyObject* scalar = PyArray_Scalar(const_cast<void*>(v.scalar_bytes()), descr, nullptr);
      Py_DECREF(descr);
      return scalar;
    }
    case ValueKind::array: return array_to(v.array());
    case ValueKind::string:
      if (const auto& known = v.text_object().handle)
        return Py_NewRef(static_cast<PyHandle*>(known.get())->get());
      return PyUnicode_FromStringAndSize(v.text().data(), static_cast<Py_ssize_t>(v.text().size()));
    case ValueKind::tuple:
    case ValueKind::list: return items_to(v);
    case ValueKind::range:
      return PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyRange_Type), "LLL",
                                   static_cast<long long>(v.range().start),
                                   static_cast<long long>(v.range().stop),
                                   static_cast<long long>(v.range().step));
    case ValueKind::span: {
      nb::object start = nb::steal(to_python(v.span().start));
      nb::object stop = nb::steal(to_python(v.span().stop));
      nb::object step = nb::steal(to_python(v.span().step));
      return PySlice_New(start.ptr(), stop.ptr(), step.ptr());
    }
    case ValueKind::ellipsis: return Py_NewRef(Py_Ellipsis);
    case ValueKind::dtype:
      if (v.target()) return Py_NewRef(static_cast<PyHandle*>(v.target().get())->get());
      return reinterpret_cast<PyObject*>(PyArray_DescrFromType(typenum_of(v.dtype())));
    case ValueKind::object: return Py_NewRef(static_cast<PyHandle*>(v.object())->get());
    case ValueKind::function:
      PyErr_SetString(PyExc_TypeError, "a function of the program cannot be handed to Python");
      return nullptr;
  }
  return nullptr;
}

namespace {

// A few elements are sooner copied than their memory is handed over.
constexpr std::int64_t most_copied_bytes = 1024;

bool is_sooner_copied(const Array& a) {
  return a.in_memory() && a.use_count() == 1 && a.buffer()->use_count() == 1 && !a.handle &&
         !a.base && !a.buffer()->owner() && a.bytes() <= most_copied_bytes && a.writable() &&
         a.is_contiguous();
}

}  // namespace

PyObject* Border::result_to_python(const Value& value) {
  if (!value.is_array() || !is_sooner_copied(*value.array())) return to_python(value);
  const Array& a = *value.array();
  PyArray_Descr* descr = PyArray_DescrFromType(typenum_of(a.dtype()));
  PyObject* made = PyArray_NewFromDescr(&PyArray_Type, descr, static_cast<int>(a.rank()),
                                        reinterpret_cast<const npy_intp*>(a.shape().data()),
                                        nullptr, nullptr, 0, nullptr);
  if (made) {
    std::memcpy(PyArray_DATA(reinterpret_cast<PyArrayObject*>(made)), a.data(),
                static_cast<std::size_t>(a.bytes()));
  }
  if (!a.buffer()->visible() && !a.buffer()->hazards) give_spare(a.buffer());
  return made;
}

PyObject* Border::items_to(const Value& value) {
  Items& items = value.items_object();
  const bool tuple = value.is(ValueKind::tuple);
  if (tuple && items.handle) return Py_NewRef(static_cast<PyHandle*>(items.handle.get())->get());
  const auto count = static_cast<Py_ssize_t>(items.items.size());
  nb::object result = nb::steal(tuple ? PyTuple_New(count) : PyList_New(count));
  if (!result.is_valid()) return nullptr;
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* item = to_python(items.items[static_cast<std::size_t>(i)]);
    if (!item) return nullptr;
    if (tuple) {
      PyTuple_SET_ITEM(result.ptr(), i, item);
    } else {
      PyList_SET_ITEM(result.ptr(), i, item);
    }
  }
  // It is one tuple over there, too.
  if (tuple) items.handle = make<PyHandle>(result.ptr());
  return result.release().ptr();
}

PyObject* Border::array_to(const Ref<Array>& a) {
  if (a->handle) return Py_NewRef(static_cast<PyHandle*>(a->handle.get())->get());
  nb::object base;
  if (a->base) {
    base = nb::steal(array_to(a->base));
    if (!base.is_valid()) return nullptr;
  }
  const int flags = a->writable() ? NPY_ARRAY_WRITEABLE : 0;
  PyArray_Descr* descr = PyArray_DescrFromType(typenum_of(a->dtype()));
  PyObject* made = PyArray_NewFromDescr(&PyArray_Type, descr, static_cast<int>(a->rank()),
                                        reinterpret_cast<const npy_intp*>(a->shape().data()),
                                        reinterpret_cast<const npy_intp*>(a->strides().data()),
                                        a->data(), flags, nullptr);
  if (!made) return nullptr;
  auto* array = reinterpret_cast<PyArrayObject*>(made);
  a->handle = make<PyHandle>(made);
  a->buffer()->make_visible();
  if (base.is_valid()) {
    PyArray_SetBaseObject(array, base.release().ptr());
    return made;
  }
  if (!a->buffer()->owner()) {
    hand_over(array);
    a->buffer()->give_to(a->handle);
    remember(made, a->buffer());
    return made;
  }
  PyArray_SetBaseObject(array,
                        Py_NewRef(static_cast<PyHandle*>(a->buffer()->owner().get())->get()));
  return made;
}

}  // namespace jetlag::python
