// A library with the functions of NNAPI that list drivers, and two drivers.
#include <cstdint>

namespace {
struct Device {
  const char* name;
  const char* version;
  int32_t type;
};
const Device kDevices[] = {{"maker-npu", "1.2.3", 4}, {"nnapi-reference", "UNKNOWN", 2}};
}  // namespace

extern "C" {
int ANeuralNetworks_getDeviceCount(uint32_t* count) {
  *count = 2;
  return 0;
}
int ANeuralNetworks_getDevice(uint32_t index, const Device** device) {
  if (index >= 2) return 4;
  *device = &kDevices[index];
  return 0;
}
int ANeuralNetworksDevice_getName(const Device* device, const char** name) {
  *name = device->name;
  return 0;
}
int ANeuralNetworksDevice_getVersion(const Device* device, const char** version) {
  *version = device->version;
  return 0;
}
int ANeuralNetworksDevice_getType(const Device* device, int32_t* type) {
  *type = device->type;
  return 0;
}
int ANeuralNetworksDevice_getFeatureLevel(const Device*, int64_t* level) {
  *level = 31;
  return 0;
}
}
