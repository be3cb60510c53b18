// NativeEngine over Node-API.
#include "engine-object.h"

#include <cstring>
#include <exception>

namespace millet {

namespace {

constexpr int kMaxArguments = 3;
constexpr uint64_t kMaxThreads = 256;

struct Arguments {
  napi_value self;
  napi_value values[kMaxArguments];
};

// A call's `this` and arguments; missing ones are undefined.
bool take(napi_env env, napi_callback_info info, Arguments* arguments) {
  size_t count = kMaxArguments;
  return napi_get_cb_info(env, info, &count, arguments->values, &arguments->self, nullptr) == napi_ok;
}

bool within(const Arena& arena, uint64_t address, uint64_t length) {
  return address <= arena.committed() && length <= arena.committed() - address;
}

void drop_arena(napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Arena>*>(hint); }

}  // namespace

// The running engine behind `arguments.self`.
#define MILLET_METHOD(arguments, object)                                                                     \
  Arguments arguments;                                                                                       \
  EngineObject* object = nullptr;                                                                            \
  if (!take(env, info, &arguments)) return nullptr;                                                          \
  if (napi_unwrap(env, arguments.self, reinterpret_cast<void**>(&object)) != napi_ok)                        \
    return fail(env, "ERR_INVALID_THIS", "not a NativeEngine");                                              \
  if (object->engine_ == nullptr) return fail(env, "ERR_DISPOSED", "the engine was disposed")

bool EngineObject::define(napi_env env, napi_value exports) {
  const auto method = [](const char* name, napi_callback callback) {
    return napi_property_descriptor{name, nullptr, callback, nullptr, nullptr, nullptr, napi_default_method, nullptr};
  };
  const napi_property_descriptor methods[] = {
      {"threads", nullptr, nullptr, threads, nullptr, nullptr, napi_enumerable, nullptr},
      method("grow", grow), method("release", release), method("view", view),   method("write", write),
      method("read", read), method("run", run),         method("abort", abort), method("dispose", dispose),
      method("map", map),   method("unmap", unmap),
  };
  napi_value type = nullptr;
  return napi_define_class(env, "NativeEngine", NAPI_AUTO_LENGTH, construct, nullptr,
                           sizeof methods / sizeof *methods, methods, &type) == napi_ok &&
         napi_set_named_property(env, exports, "NativeEngine", type) == napi_ok;
}

// new NativeEngine(level, threads, reservedBytes)
napi_value EngineObject::construct(napi_env env, napi_callback_info info) {
  Arguments arguments;
  std::string name;
  uint64_t threads = 0;
  uint64_t reserved = 0;
  if (!take(env, info, &arguments) || !read_string(env, arguments.values[0], &name) ||
      !read_size(env, arguments.values[1], &threads) || !read_size(env, arguments.values[2], &reserved)) {
    return nullptr;
  }
  const Level* level = find_level(name);
  if (level == nullptr) return fail(env, "ERR_LEVEL", "this processor does not run that instruction set level");
  if (threads < 1 || threads > kMaxThreads) return fail(env, "ERR_INVALID_ARG_VALUE", "threads must be 1 to 256");
  auto* object = new EngineObject(env);
  if (!object->open(*level, static_cast<int>(threads), reserved) ||
      napi_wrap(env, arguments.self, object, on_collected, nullptr, nullptr) != napi_ok) {
    delete object;
    return fail(env, "ERR_ENGINE", "the engine could not be started");
  }
  return arguments.self;
}

bool EngineObject::open(const Level& level, int threads, uint64_t reserved_bytes) {
  try {
    engine_ = std::make_unique<Engine>(level, threads, reserved_bytes);
  } catch (const std::bad_alloc&) {
    return fail(env_, "ERR_OUT_OF_MEMORY", "the addresses could not be reserved") != nullptr;
  } catch (const std::exception& error) {
    return fail(env_, "ERR_THREADS", error.what()) != nullptr;
  }
  const bool made = napi_create_threadsafe_function(env_, nullptr, nullptr, string(env_, "millet"), 0, 1, nullptr,
                                                    nullptr, this, on_finished, &completions_) == napi_ok;
  // An idle engine keeps no process alive.
  return made && napi_unref_threadsafe_function(env_, completions_) == napi_ok &&
         napi_add_env_cleanup_hook(env_, on_environment_end, this) == napi_ok;
}

// Ends the threads; a running call is aborted first and its promise stays pending.
void EngineObject::stop() {
  if (engine_ == nullptr) return;
  engine_.reset();
  napi_remove_env_cleanup_hook(env_, on_environment_end, this);
  if (completions_ != nullptr) napi_release_threadsafe_function(completions_, napi_tsfn_abort);
  completions_ = nullptr;
}

void EngineObject::on_environment_end(void* self) { static_cast<EngineObject*>(self)->stop(); }

void EngineObject::on_collected(napi_env, void* self, void*) { delete static_cast<EngineObject*>(self); }

// threads: number
napi_value EngineObject::threads(napi_env env, napi_callback_info info) {
  MILLET_METHOD(arguments, object);
  return number(env, object->engine_->threads());
}

// grow(byteLength, large): boolean
napi_value EngineObject::grow(napi_env env, napi_callback_info info) {
  MILLET_METHOD(arguments, object);
  uint64_t bytes = 0;
  bool large = false;
  if (!read_size(env, arguments.values[0], &bytes) || !read_bool(env, arguments.values[1], &large)) return nullptr;
  return boolean(env, object->engine_->arena()->grow(bytes, large));
}

// release(address, byteLength): void
napi_value EngineObject::release(napi_env env, napi_callback_info info) {
  MILLET_METHOD(arguments, object);
  uint64_t address = 0;
  uint64_t length = 0;
  if (!read_size(env, arguments.values[0], &address) || !read_size(env, arguments.values[1], &length)) return nullptr;
  object->engine_->arena()->release(address, length);
  return nullptr;
}

// map(file, address, byteLength): boolean
napi_value EngineObject::map(napi_env env, napi_callback_info info) {
  MILLET_METHOD(arguments, object);
  uint64_t file = 0;
  uint64_t address = 0;
  uint64_t length = 0;
  if (!read_size(env, arguments.values[0], &file) || !read_size(env, arguments.values[1], &address) ||
      !read_size(env, arguments.values[2], &length)) {
    return nullptr;
  }
  if (object->running_ != nullptr) return fail(env, "ERR_BUSY", "a call is running");
  return boolean(env, object->engine_->arena()->map(static_cast<int>(file), address, length));
}

// unmap(address, byteLength): boolean
napi_value EngineObject::unmap(napi_env env, napi_callback_info info) {
  MILLET_METHOD(arguments, object);
  uint64_t address = 0;
  uint64_t length = 0;
  if (!read_size(env, arguments.values[0], &address) || !read_size(env, arguments.values[1], &length)) return nullptr;
  if (object->running_ != nullptr) return fail(env, "ERR_BUSY", "a call is running");
  return boolean(env, object->engine_->arena()->unmap(address, length));
}

// view(address, byteLength): ArrayBuffer | undefined
napi_value EngineObject::view(napi_env env, napi_callback_info info) {
  MILLET_METHOD(arguments, object);
  uint64_t address = 0;
  uint64_t length = 0;
  if (!read_size(env, arguments.values[0], &address) || !read_size(env, arguments.values[1], &length)) return nullptr;
  const std::shared_ptr<Arena>& arena = object->engine_->arena();
  if (!within(*arena, address, length)) return fail(env, "ERR_OUT_OF_RANGE", "the view lies outside of the memory");
  auto* owner = new std::shared_ptr<Arena>(arena);
  napi_value buffer = nullptr;
  const napi_status status =
      napi_create_external_arraybuffer(env, arena->base() + address, length, drop_arena, owner, &buffer);
  if (status == napi_ok) return buffer;
  // Builds of V8 with a sandbox allow no memory of others; the host then copies.
  delete owner;
  napi_get_undefined(env, &buffer);
  return buffer;
}

// write(address, bytes): void
napi_value EngineObject::write(napi_env env, napi_callback_info info) {
  MILLET_METHOD(arguments, object);
  uint64_t address = 0;
  Bytes source;
  if (!read_size(env, arguments.values[0], &address) || !read_bytes(env, arguments.values[1], &source)) return nullptr;
  Arena& arena = *object->engine_->arena();
  if (!within(arena, address, source.length)) return fail(env, "ERR_OUT_OF_RANGE", "the bytes do not fit");
  uint8_t* target = arena.base() + address;
  if (source.length != 0 && source.data != target)
    memmove(target, source.data, source.length);  // a view is there already
  return nullptr;
}

// read(address, into): void
napi_value EngineObject::read(napi_env env, napi_callback_info info) {
  MILLET_METHOD(arguments, object);
  uint64_t address = 0;
  Bytes target;
  if (!read_size(env, arguments.values[0], &address) || !read_bytes(env, arguments.values[1], &target)) return nullptr;
  Arena& arena = *object->engine_->arena();
  if (!within(arena, address, target.length)) return fail(env, "ERR_OUT_OF_RANGE", "the bytes are not there");
  if (target.length != 0) memmove(target.data, arena.base() + address, target.length);
  return nullptr;
}

// run(program): Promise<number>, an Outcome
napi_value EngineObject::run(napi_env env, napi_callback_info info) {
  MILLET_METHOD(arguments, object);
  uint64_t program = 0;
  if (!read_size(env, arguments.values[0], &program)) return nullptr;
  if (object->running_ != nullptr) return fail(env, "ERR_BUSY", "a call is running");
  Engine& engine = *object->engine_;
  if (engine.absent()) return fail(env, "ERR_FORKED", "the process was forked; the engine's threads stayed behind");
  if (!valid_program(*engine.arena(), engine.level(), program)) {
    return fail(env, "ERR_PROGRAM", "no valid program lies there");
  }
  napi_value promise = nullptr;
  if (napi_create_promise(env, &object->running_, &promise) != napi_ok) {
    return fail(env, "ERR_ENGINE", "no promise could be made");
  }
  napi_ref_threadsafe_function(env, object->completions_);
  engine.start(program, [completions = object->completions_](Outcome outcome) {
    void* data = reinterpret_cast<void*>(static_cast<uintptr_t>(outcome));
    napi_call_threadsafe_function(completions, data, napi_tsfn_nonblocking);
  });
  return promise;
}

// On the JavaScript thread, after the last compute thread has finished. `env` is null while the environment ends.
void EngineObject::on_finished(napi_env env, napi_value, void* self, void* outcome) {
  if (env == nullptr) return;
  auto* object = static_cast<EngineObject*>(self);
  const napi_deferred deferred = object->running_;
  object->running_ = nullptr;
  napi_unref_threadsafe_function(env, object->completions_);
  napi_resolve_deferred(env, deferred, number(env, static_cast<double>(reinterpret_cast<uintptr_t>(outcome))));
}

// abort(): void
napi_value EngineObject::abort(napi_env env, napi_callback_info info) {
  MILLET_METHOD(arguments, object);
  object->engine_->abort();
  return nullptr;
}

// dispose(): void
napi_value EngineObject::dispose(napi_env env, napi_callback_info info) {
  Arguments arguments;
  EngineObject* object = nullptr;
  if (!take(env, info, &arguments)) return nullptr;
  if (napi_unwrap(env, arguments.self, reinterpret_cast<void**>(&object)) != napi_ok) {
    return fail(env, "ERR_INVALID_THIS", "not a NativeEngine");
  }
  object->stop();
  return nullptr;
}

}  // namespace millet
