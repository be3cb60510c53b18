package org.millet.devicefacts;

import com.facebook.react.BaseReactPackage;
import com.facebook.react.bridge.NativeModule;
import com.facebook.react.bridge.ReactApplicationContext;
import com.facebook.react.module.model.ReactModuleInfo;
import com.facebook.react.module.model.ReactModuleInfoProvider;
import java.util.Collections;

/** Found by autolinking. The module has no code of its own for the new architecture and goes through its interop layer. */
public final class DeviceFactsPackage extends BaseReactPackage {
  private static final String NAME = "DeviceFacts";

  @Override
  public NativeModule getModule(String name, ReactApplicationContext context) {
    return name.equals(NAME) ? new DeviceFactsModule(context) : null;
  }

  @Override
  public ReactModuleInfoProvider getReactModuleInfoProvider() {
    ReactModuleInfo info =
        new ReactModuleInfo(NAME, DeviceFactsModule.class.getName(), false, false, false, false);
    return () -> Collections.singletonMap(NAME, info);
  }
}
