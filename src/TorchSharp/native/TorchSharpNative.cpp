// The door from TorchSharp.dll to libtorch. Operators are called by schema name through libtorch's dispatcher, so this
// file stays the same whatever operators the C# side uses, and builds on libtorch 1.13 and 2.x alike.
//
// Conventions: a tensor handle is an at::Tensor* that the caller frees with torch_free. A function that can fail returns
// -1 or null, and torch_error() then holds libtorch's message for the calling thread.

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

thread_local std::string last_error;

// Runs body; on an exception keeps its message and returns failed.
template <class Body>
auto guarded(decltype(std::declval<Body>()()) failed, Body body) noexcept -> decltype(body()) {
  try {
    return body();
  } catch (const c10::Error& e) {
    last_error = e.what_without_backtrace();
  } catch (const std::exception& e) {
    last_error = e.what();
  } catch (...) {
    last_error = "libtorch threw something that is not an exception";
  }
  return failed;
}

enum Kind : int32_t { None, Tensor, Int, Double, Bool, IntList, TensorList, OptionalTensorList, Device, String, Generator };

// One boxed value on its way in or out. Lists are borrowed for the length of the call.
struct Value {
  int32_t kind;
  int32_t count;  // of a list's elements; a device's index
  union {
    int64_t integer;  // also a bool, a dtype, a device's type
    double real;
    const void* pointer;
  };
};

at::Tensor* own(at::Tensor tensor) { return new at::Tensor(std::move(tensor)); }
at::Tensor borrow(const void* handle) { return handle ? *static_cast<const at::Tensor*>(handle) : at::Tensor(); }

std::vector<at::Tensor> borrow_all(const at::Tensor* const* handles, int64_t count) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(count);
  for (int64_t i = 0; i < count; i++) tensors.push_back(borrow(handles[i]));
  return tensors;
}

c10::IValue box(const Value& value) {
  switch (value.kind) {
    case Tensor: return c10::IValue(borrow(value.pointer));
    case Int: return c10::IValue(value.integer);
    case Double: return c10::IValue(value.real);
    case Bool: return c10::IValue(value.integer != 0);
    case IntList: {
      auto first = static_cast<const int64_t*>(value.pointer);
      return c10::IValue(std::vector<int64_t>(first, first + value.count));
    }
    case TensorList: return c10::IValue(borrow_all(static_cast<const at::Tensor* const*>(value.pointer), value.count));
    case OptionalTensorList: {
      auto handles = static_cast<const at::Tensor* const*>(value.pointer);
      c10::List<c10::optional<at::Tensor>> list;
      for (int32_t i = 0; i < value.count; i++)
        list.push_back(handles[i] ? c10::optional<at::Tensor>(*handles[i]) : c10::nullopt);
      return c10::IValue(std::move(list));
    }
    case Device: return c10::IValue(c10::Device(static_cast<c10::DeviceType>(value.integer), value.count));
    case String: return c10::IValue(std::string(static_cast<const char*>(value.pointer), value.count));
    case Generator: return c10::IValue(*static_cast<const at::Generator*>(value.pointer));
    default: return c10::IValue();
  }
}

// Appends a result to out; a list of tensors becomes one value a tensor.
void unbox(c10::IValue&& result, std::vector<Value>& out) {
  Value value{};
  if (result.isTensor()) {
    auto tensor = std::move(result).toTensor();
    if (tensor.defined()) {
      value.kind = Tensor;
      value.pointer = own(std::move(tensor));
    }
  } else if (result.isTensorList()) {
    for (auto& tensor : result.toTensorVector()) unbox(c10::IValue(std::move(tensor)), out);
    return;
  } else if (result.isInt()) {
    value.kind = Int;
    value.integer = result.toInt();
  } else if (result.isDouble()) {
    value.kind = Double;
    value.real = result.toDouble();
  } else if (result.isBool()) {
    value.kind = Bool;
    value.integer = result.toBool();
  } else if (!result.isNone()) {
    TORCH_CHECK(false, "a result of type ", result.tagKind(), " has no counterpart in TorchSharp.dll");
  }
  out.push_back(value);
}

}  // namespace

EXPORT const char* torch_error() { return last_error.c_str(); }
EXPORT const char* torch_version() { return TORCH_VERSION; }

// ---- operators

EXPORT const void* torch_operator(const char* name, const char* overload) {
  return guarded(nullptr, [&]() -> const void* {
    return new c10::OperatorHandle(c10::Dispatcher::singleton().findSchemaOrThrow(name, overload));
  });
}

// Calls an operator. Arguments left out at the end take the schema's defaults, so that a later libtorch may add some.
// Returns the number of results; they stay readable at *results until this thread's next call. Null results: drop them.
EXPORT int32_t torch_call(const c10::OperatorHandle* op, const Value* arguments, int32_t count, const Value** results) {
  return guarded(-1, [&]() -> int32_t {
    const auto& parameters = op->schema().arguments();
    torch::jit::Stack stack;
    stack.reserve(parameters.size());
    for (int32_t i = 0; i < count; i++) stack.push_back(box(arguments[i]));
    for (size_t i = count; i < parameters.size(); i++) {
      TORCH_CHECK(parameters[i].default_value(), op->schema().name(), " lacks its argument ", parameters[i].name());
      stack.push_back(*parameters[i].default_value());
    }
    op->callBoxed(&stack);
    if (!results) return 0;
    thread_local std::vector<Value> values;
    values.clear();
    for (auto& result : stack) unbox(std::move(result), values);
    *results = values.data();
    return static_cast<int32_t>(values.size());
  });
}

// ---- tensors

EXPORT void torch_free(at::Tensor* tensor) { delete tensor; }

EXPORT at::Tensor* torch_alias(const at::Tensor* tensor) {
  return guarded(nullptr, [&] { return own(*tensor); });
}

// A tensor over the caller's memory; release(context) is called when the last tensor over it is freed.
EXPORT at::Tensor* torch_from_memory(void* data, const int64_t* sizes, int64_t dimensions, int32_t dtype,
                                     void (*release)(void*), void* context) {
  return guarded(nullptr, [&] {
    return own(at::from_blob(data, at::IntArrayRef(sizes, dimensions), [release, context](void*) { release(context); },
                             at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype))));
  });
}

EXPORT int64_t torch_dim(const at::Tensor* tensor) { return tensor->dim(); }
EXPORT int64_t torch_numel(const at::Tensor* tensor) { return tensor->numel(); }
EXPORT int32_t torch_dtype(const at::Tensor* tensor) { return static_cast<int32_t>(tensor->scalar_type()); }
EXPORT int64_t torch_element_size(const at::Tensor* tensor) { return tensor->element_size(); }
EXPORT int32_t torch_device_type(const at::Tensor* tensor) { return static_cast<int32_t>(tensor->device().type()); }
EXPORT int32_t torch_device_index(const at::Tensor* tensor) { return tensor->device().index(); }
EXPORT int32_t torch_is_leaf(const at::Tensor* tensor) { return tensor->is_leaf(); }
EXPORT int32_t torch_requires_grad(const at::Tensor* tensor) { return tensor->requires_grad(); }

EXPORT int64_t torch_size(const at::Tensor* tensor, int64_t dimension) {
  return guarded(-1, [&] { return tensor->size(dimension); });
}
EXPORT int64_t torch_stride(const at::Tensor* tensor, int64_t dimension) {
  return guarded(-1, [&] { return tensor->stride(dimension); });
}
EXPORT int32_t torch_is_contiguous(const at::Tensor* tensor) {
  return guarded(-1, [&]() -> int32_t { return tensor->is_contiguous(); });
}
EXPORT int64_t torch_storage_offset(const at::Tensor* tensor) {
  return guarded(int64_t{-1}, [&] { return tensor->storage_offset(); });
}
EXPORT int32_t torch_data(const at::Tensor* tensor, void** data) {
  return guarded(-1, [&]() -> int32_t {
    *data = tensor->data_ptr();
    return 0;
  });
}

// ---- autograd

EXPORT int32_t torch_set_requires_grad(const at::Tensor* tensor, int32_t value) {
  return guarded(-1, [&]() -> int32_t {
    tensor->set_requires_grad(value != 0);
    return 0;
  });
}
EXPORT int32_t torch_retain_grad(const at::Tensor* tensor) {
  return guarded(-1, [&]() -> int32_t {
    tensor->retain_grad();
    return 0;
  });
}

// The gradient, or null where there is none.
EXPORT at::Tensor* torch_grad(const at::Tensor* tensor) {
  return guarded(nullptr, [&] { return tensor->grad().defined() ? own(tensor->grad()) : nullptr; });
}
EXPORT int32_t torch_set_grad(const at::Tensor* tensor, const at::Tensor* gradient) {
  return guarded(-1, [&]() -> int32_t {
    tensor->mutable_grad() = borrow(gradient);
    return 0;
  });
}

EXPORT int32_t torch_backward(const at::Tensor* const* tensors, const at::Tensor* const* gradients, int32_t count,
                              int32_t retain_graph, int32_t create_graph, const at::Tensor* const* inputs, int32_t input_count) {
  return guarded(-1, [&]() -> int32_t {
    torch::autograd::backward(borrow_all(tensors, count), borrow_all(gradients, count), retain_graph != 0, create_graph != 0,
                              borrow_all(inputs, input_count));
    return 0;
  });
}

// Writes one handle an input to results; null where an unused input was allowed.
EXPORT int32_t torch_gradients(const at::Tensor* const* outputs, const at::Tensor* const* gradients, int32_t count,
                               const at::Tensor* const* inputs, int32_t input_count, int32_t retain_graph, int32_t create_graph,
                               int32_t allow_unused, at::Tensor** results) {
  return guarded(-1, [&]() -> int32_t {
    auto all = torch::autograd::grad(borrow_all(outputs, count), borrow_all(inputs, input_count), borrow_all(gradients, count),
                                     retain_graph != 0, create_graph != 0, allow_unused != 0);
    for (size_t i = 0; i < all.size(); i++) results[i] = all[i].defined() ? own(all[i]) : nullptr;
    return 0;
  });
}

EXPORT int32_t torch_grad_mode() { return c10::GradMode::is_enabled(); }
EXPORT void torch_set_grad_mode(int32_t enabled) { c10::GradMode::set_enabled(enabled != 0); }
EXPORT int32_t torch_inference_mode() { return c10::InferenceMode::is_enabled(); }
EXPORT void* torch_enter_inference_mode(int32_t enabled) { return new c10::InferenceMode(enabled != 0); }
EXPORT void torch_leave_inference_mode(c10::InferenceMode* mode) { delete mode; }

// ---- threads

EXPORT int32_t torch_num_threads() { return at::get_num_threads(); }
EXPORT int32_t torch_set_num_threads(int32_t count) {
  return guarded(-1, [&]() -> int32_t {
    at::set_num_threads(count);
    return 0;
  });
}
EXPORT int32_t torch_num_interop_threads() { return at::get_num_interop_threads(); }
EXPORT int32_t torch_set_num_interop_threads(int32_t count) {
  return guarded(-1, [&]() -> int32_t {
    at::set_num_interop_threads(count);
    return 0;
  });
}

// ---- random numbers

EXPORT int32_t torch_manual_seed(uint64_t seed) {
  return guarded(-1, [&]() -> int32_t {
    at::manual_seed(seed);
    return 0;
  });
}
EXPORT at::Generator* torch_default_generator(int32_t device_type, int32_t device_index) {
  return guarded(nullptr, [&] {
    return new at::Generator(at::globalContext().defaultGenerator(c10::Device(static_cast<c10::DeviceType>(device_type), device_index)));
  });
}
EXPORT at::Generator* torch_new_generator(uint64_t seed, int32_t device_type, int32_t device_index) {
  return guarded(nullptr, [&] {
    c10::Device device(static_cast<c10::DeviceType>(device_type), device_index);
    // clone() would do for the CPU too, but libtorch 1.13's copies are never freed.
    auto generator = device.is_cpu() ? at::make_generator<at::CPUGeneratorImpl>(seed)
                                     : at::globalContext().defaultGenerator(device).clone();
    generator.set_current_seed(seed);
    return new at::Generator(std::move(generator));
  });
}
EXPORT void torch_free_generator(at::Generator* generator) { delete generator; }
EXPORT uint64_t torch_generator_seed(const at::Generator* generator) { return generator->current_seed(); }
EXPORT int32_t torch_generator_set_seed(at::Generator* generator, uint64_t seed) {
  return guarded(-1, [&]() -> int32_t {
    std::lock_guard<std::mutex> lock(generator->mutex());
    generator->set_current_seed(seed);
    return 0;
  });
}
EXPORT at::Tensor* torch_generator_state(const at::Generator* generator) {
  return guarded(nullptr, [&] { return own(generator->get_state()); });
}
EXPORT int32_t torch_generator_set_state(at::Generator* generator, const at::Tensor* state) {
  return guarded(-1, [&]() -> int32_t {
    std::lock_guard<std::mutex> lock(generator->mutex());
    generator->set_state(*state);
    return 0;
  });
}

// ---- CUDA

EXPORT int32_t torch_cuda_device_count() {
  return guarded(-1, []() -> int32_t {
    return at::globalContext().hasCUDA() ? c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).deviceCount() : 0;
  });
}
EXPORT int32_t torch_cuda_synchronize(int32_t index) {
  return guarded(-1, [&]() -> int32_t {
    at::detail::getCUDAHooks().deviceSynchronize(index);
    return 0;
  });
}
EXPORT int32_t torch_init_device(int32_t device_type) {
  return guarded(-1, [&]() -> int32_t {
    if (device_type == static_cast<int32_t>(c10::DeviceType::CUDA)) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 6)
      at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
#else
      at::globalContext().lazyInitCUDA();
#endif
    }
    return 0;
  });
}
