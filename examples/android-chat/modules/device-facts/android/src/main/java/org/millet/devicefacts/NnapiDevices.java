package org.millet.devicefacts;

/** NNAPI's drivers, by the C library that nnapi-devices.cpp becomes. */
final class NnapiDevices {
  private NnapiDevices() {}

  /**
   * Lines of name, version, type and feature level between tabs.
   *
   * @throws IllegalStateException where NNAPI cannot list them
   * @throws UnsatisfiedLinkError where the app was built without the library
   */
  static String[] read() {
    System.loadLibrary("devicefacts");
    return list();
  }

  private static native String[] list();
}
