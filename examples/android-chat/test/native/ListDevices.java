package org.millet.devicefacts;

import java.util.Arrays;

/** Lists the drivers as the app does and compares the lines, or the reason why there are none, with the arguments. */
final class ListDevices {
  public static void main(String[] expected) {
    String[] found;
    try {
      found = NnapiDevices.read();
    } catch (IllegalStateException error) {
      found = new String[] {error.getMessage()};
    }
    if (!Arrays.equals(found, expected)) {
      System.err.println("found " + Arrays.toString(found) + " instead of " + Arrays.toString(expected));
      System.exit(1);
    }
    System.out.println(String.join("\n", found));
  }
}
