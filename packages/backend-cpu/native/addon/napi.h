// The few helpers that the addon needs over Node-API: checked arguments, thrown errors.
#pragma once

#define NAPI_VERSION 8
#include <node_api.h>

#include <cstdint>
#include <string>

namespace millet {

// Throws a JavaScript Error with a code, unless one is pending. Returns null, for `return fail(...)`.
inline napi_value fail(napi_env env, const char* code, const char* message) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_error(env, code, message);
  return nullptr;
}

// Reads a non-negative integer below 2^53. False, with an exception pending, for anything else.
inline bool read_size(napi_env env, napi_value value, uint64_t* result) {
  double number = -1;
  if (napi_get_value_double(env, value, &number) == napi_ok && number >= 0 && number < 9007199254740992.0 &&
      number == static_cast<double>(static_cast<uint64_t>(number))) {
    *result = static_cast<uint64_t>(number);
    return true;
  }
  fail(env, "ERR_INVALID_ARG_VALUE", "expected a non-negative integer");
  return false;
}

inline bool read_bool(napi_env env, napi_value value, bool* result) {
  if (napi_get_value_bool(env, value, result) == napi_ok) return true;
  fail(env, "ERR_INVALID_ARG_VALUE", "expected true or false");
  return false;
}

inline bool read_string(napi_env env, napi_value value, std::string* result) {
  char text[64];
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, text, sizeof text, &length) == napi_ok) {
    *result = std::string(text, length);
    return true;
  }
  fail(env, "ERR_INVALID_ARG_TYPE", "expected a string");
  return false;
}

struct Bytes {
  uint8_t* data;
  size_t length;
};

// Reads a Uint8Array.
inline bool read_bytes(napi_env env, napi_value value, Bytes* result) {
  napi_typedarray_type type;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &result->length, &data, nullptr, nullptr) == napi_ok &&
      type == napi_uint8_array) {
    result->data = static_cast<uint8_t*>(data);
    return true;
  }
  fail(env, "ERR_INVALID_ARG_TYPE", "expected a Uint8Array");
  return false;
}

inline napi_value number(napi_env env, double value) {
  napi_value result = nullptr;
  napi_create_double(env, value, &result);
  return result;
}

inline napi_value boolean(napi_env env, bool value) {
  napi_value result = nullptr;
  napi_get_boolean(env, value, &result);
  return result;
}

inline napi_value string(napi_env env, std::string_view value) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, value.data(), value.size(), &result);
  return result;
}

}  // namespace millet
