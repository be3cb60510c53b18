// The JavaScript class NativeEngine: one engine, its completions delivered on the JavaScript thread. Its methods are
// declared in ../src/native/addon.ts. It stops with its environment (a worker thread may load the addon too).
#pragma once

#include <memory>

#include "../engine/engine.h"
#include "napi.h"

namespace millet {

class EngineObject {
 public:
  // Adds the class to the addon's exports.
  static bool define(napi_env env, napi_value exports);

 private:
  explicit EngineObject(napi_env env) : env_(env) {}
  ~EngineObject() { stop(); }

  static napi_value construct(napi_env env, napi_callback_info info);
  static napi_value threads(napi_env env, napi_callback_info info);
  static napi_value grow(napi_env env, napi_callback_info info);
  static napi_value release(napi_env env, napi_callback_info info);
  static napi_value map(napi_env env, napi_callback_info info);
  static napi_value unmap(napi_env env, napi_callback_info info);
  static napi_value view(napi_env env, napi_callback_info info);
  static napi_value write(napi_env env, napi_callback_info info);
  static napi_value read(napi_env env, napi_callback_info info);
  static napi_value run(napi_env env, napi_callback_info info);
  static napi_value abort(napi_env env, napi_callback_info info);
  static napi_value dispose(napi_env env, napi_callback_info info);

  static void on_environment_end(void* self);
  static void on_collected(napi_env env, void* self, void* hint);
  static void on_finished(napi_env env, napi_value callback, void* self, void* outcome);

  bool open(const Level& level, int threads, uint64_t reserved_bytes);
  void stop();

  napi_env env_;
  std::unique_ptr<Engine> engine_;
  napi_threadsafe_function completions_ = nullptr;
  napi_deferred running_ = nullptr;  // the promise of the running call
};

}  // namespace millet
