// The addon's exports: which levels exist and run here, the fingerprint of the Program format, and the class
// NativeEngine.
#include "engine-object.h"
#include "opcodes.h"

namespace millet {
namespace {

// { avx512vnni: true, avx2: true, ... }: levels of this build, best first, and whether the processor runs them.
napi_value levels(napi_env env) {
  napi_value result = nullptr;
  napi_create_object(env, &result);
  for (const Level& level : all_levels()) {
    napi_value supported = nullptr;
    napi_get_boolean(env, level.supported(), &supported);
    napi_set_property(env, result, string(env, level.name), supported);
  }
  return result;
}

}  // namespace
}  // namespace millet

NAPI_MODULE_INIT() {
  napi_set_named_property(env, exports, "levels", millet::levels(env));
  napi_set_named_property(env, exports, "programFormat", millet::number(env, millet::kProgramFormat));
  if (!millet::EngineObject::define(env, exports)) return nullptr;
  return exports;
}
