package org.millet.devicefacts;

import android.app.ActivityManager;
import android.content.Context;
import android.os.Build;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What Android says of the phone. Needs no permission, and holds nothing that tells one phone from its siblings. */
final class DeviceFacts {
  private DeviceFacts() {}

  static Map<String, Object> read(Context context) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("manufacturer", Build.MANUFACTURER);
    facts.put("model", Build.MODEL);
    boolean saysSoc = Build.VERSION.SDK_INT >= Build.VERSION_CODES.S;
    facts.put("socManufacturer", saysSoc ? Build.SOC_MANUFACTURER : "");
    facts.put("socModel", saysSoc ? Build.SOC_MODEL : "");
    facts.put("board", Build.BOARD);
    facts.put("hardware", Build.HARDWARE);
    facts.put("androidVersion", Build.VERSION.RELEASE);
    facts.put("apiLevel", Build.VERSION.SDK_INT);
    facts.put("securityPatch", Build.VERSION.SECURITY_PATCH);
    facts.put("fingerprint", Build.FINGERPRINT);
    List<String> abis = new ArrayList<>(Arrays.asList(Build.SUPPORTED_ABIS));
    facts.put("abis", abis);
    facts.put("cores", Runtime.getRuntime().availableProcessors());
    facts.put("heapLimitBytes", (double) Runtime.getRuntime().maxMemory());
    addMemory(context, facts);
    return facts;
  }

  private static void addMemory(Context context, Map<String, Object> facts) {
    ActivityManager.MemoryInfo memory = new ActivityManager.MemoryInfo();
    ActivityManager manager = (ActivityManager) context.getSystemService(Context.ACTIVITY_SERVICE);
    if (manager != null) manager.getMemoryInfo(memory);
    facts.put("totalMemoryBytes", (double) memory.totalMem);
    facts.put("availableMemoryBytes", (double) memory.availMem);
    facts.put("isLowOnMemory", memory.lowMemory);
  }
}
