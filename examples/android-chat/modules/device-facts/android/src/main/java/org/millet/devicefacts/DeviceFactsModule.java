package org.millet.devicefacts;

import com.facebook.react.bridge.Arguments;
import com.facebook.react.bridge.Promise;
import com.facebook.react.bridge.ReactApplicationContext;
import com.facebook.react.bridge.ReactContextBaseJavaModule;
import com.facebook.react.bridge.ReactMethod;

/** NativeModules.DeviceFacts in JavaScript: two reads, both off the interface's thread. */
public final class DeviceFactsModule extends ReactContextBaseJavaModule {
  public DeviceFactsModule(ReactApplicationContext context) {
    super(context);
  }

  @Override
  public String getName() {
    return "DeviceFacts";
  }

  @ReactMethod
  public void read(Promise promise) {
    promise.resolve(Arguments.makeNativeMap(DeviceFacts.read(getReactApplicationContext())));
  }

  @ReactMethod
  public void listNnapiDevices(Promise promise) {
    try {
      promise.resolve(Arguments.fromArray(NnapiDevices.read()));
    } catch (IllegalStateException | UnsatisfiedLinkError error) {
      promise.reject("NNAPI_DEVICES", error.getMessage(), error);
    }
  }
}
