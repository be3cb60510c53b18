// Lists NNAPI's drivers by the C API of the Android NDK (NeuralNetworks.h, API level 29). The library is opened at run time:
// it is deprecated, and a later Android may lack it. Nothing is compiled or run on a driver.
#include <dlfcn.h>
#include <jni.h>

#include <cstdint>
#include <cstdio>

namespace {

struct Device;  // ANeuralNetworksDevice, opaque
constexpr int kNoError = 0;

using GetDeviceCount = int (*)(uint32_t*);
using GetDevice = int (*)(uint32_t, Device**);
using GetText = int (*)(const Device*, const char**);
using GetType = int (*)(const Device*, int32_t*);
using GetLevel = int (*)(const Device*, int64_t*);

struct Nnapi {
  void* library = nullptr;
  GetDeviceCount count = nullptr;
  GetDevice device = nullptr;
  GetText name = nullptr;
  GetText version = nullptr;
  GetType type = nullptr;
  GetLevel level = nullptr;

  template <typename Function>
  bool find(Function& function, const char* symbol) {
    function = reinterpret_cast<Function>(dlsym(library, symbol));
    return function != nullptr;
  }

  // Never closed: drivers may keep threads in it.
  bool open() {
    library = dlopen("libneuralnetworks.so", RTLD_NOW | RTLD_LOCAL);
    return library != nullptr && find(count, "ANeuralNetworks_getDeviceCount") &&
           find(device, "ANeuralNetworks_getDevice") && find(name, "ANeuralNetworksDevice_getName") &&
           find(version, "ANeuralNetworksDevice_getVersion") && find(type, "ANeuralNetworksDevice_getType") &&
           find(level, "ANeuralNetworksDevice_getFeatureLevel");
  }
};

jobjectArray fail(JNIEnv* env, const char* message) {
  jclass type = env->FindClass("java/lang/IllegalStateException");
  if (type != nullptr) env->ThrowNew(type, message);
  return nullptr;
}

}  // namespace

// Lines "name\tversion\ttype\tfeature level"; throws IllegalStateException where they cannot be had.
extern "C" JNIEXPORT jobjectArray JNICALL
Java_org_millet_devicefacts_NnapiDevices_list(JNIEnv* env, jclass) {
  Nnapi nnapi;
  if (!nnapi.open()) return fail(env, "this Android has no list of NNAPI drivers");
  uint32_t count = 0;
  if (nnapi.count(&count) != kNoError) return fail(env, "NNAPI did not count its drivers");
  jclass stringType = env->FindClass("java/lang/String");
  if (stringType == nullptr) return nullptr;
  jobjectArray lines = env->NewObjectArray(static_cast<jsize>(count), stringType, nullptr);
  if (lines == nullptr) return nullptr;
  for (uint32_t i = 0; i < count; i++) {
    Device* device = nullptr;
    const char* name = nullptr;
    const char* version = nullptr;
    int32_t type = 0;
    int64_t level = 0;
    if (nnapi.device(i, &device) != kNoError || nnapi.name(device, &name) != kNoError ||
        nnapi.version(device, &version) != kNoError || nnapi.type(device, &type) != kNoError ||
        nnapi.level(device, &level) != kNoError)
      return fail(env, "NNAPI did not describe a driver");
    char line[512];
    snprintf(line, sizeof line, "%s\t%s\t%d\t%lld", name, version, static_cast<int>(type),
             static_cast<long long>(level));
    jstring text = env->NewStringUTF(line);
    if (text == nullptr) return nullptr;
    env->SetObjectArrayElement(lines, static_cast<jsize>(i), text);
    env->DeleteLocalRef(text);
  }
  return lines;
}
