/**
 * The app as a user's copy of it: strict types, Metro's bundle for Android, Hermes' bytecode of that, and the Android project
 * that Expo writes. No APK is built: that takes Android's SDK.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, readManifest } from "../../../scripts/workspaces.js";
import { androidApp, describeWith } from "../../../test/support/availability.js";
import { createApp, EXAMPLE } from "./support/workspace.js";

const ENVIRONMENT = { ...process.env, CI: "1", EXPO_NO_TELEMETRY: "1", EXPO_OFFLINE: "1", NO_COLOR: "1" };

describeWith(androidApp(), "android-chat", (installed) => {
  let folder: string;
  const node = (...args: string[]) =>
    execFileSync(process.execPath, args, { cwd: folder, env: ENVIRONMENT, stdio: "pipe" }).toString();
  const expo = (...args: string[]) => node("node_modules/expo/bin/cli", ...args);
  const text = (path: string) => readFileSync(join(folder, path), "utf8");

  beforeAll(() => {
    folder = createApp(installed);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("is tested with the versions that it names", () => {
    const { dependencies = {}, devDependencies = {} } = readManifest(EXAMPLE);
    const tested = readManifest(installed).dependencies;
    const isOurs = (name: string) => name.startsWith("@millet/") || name === "device-facts";
    const named = Object.entries({ ...dependencies, ...devDependencies }).filter(([name]) => !isOurs(name));
    const { typescript, ...rest } = Object.fromEntries(named);
    expect(rest).toEqual(tested);
    expect(typescript).toBe(readManifest(ROOT).devDependencies?.typescript);
  });

  test("passes strict TypeScript", () => {
    node(join(ROOT, "node_modules/typescript/bin/tsc"), "--project", ".");
  });

  test("is bundled for Android, and compiles to Hermes' bytecode", () => {
    const bundle = join(folder, "out/index.js");
    const assets = ["--assets-dest", join(folder, "out")];
    const what = [
      "--platform",
      "android",
      "--dev",
      "false",
      "--minify",
      "false",
      "--entry-file",
      "src/index.ts",
    ];
    expo("export:embed", ...what, "--bundle-output", bundle, ...assets);
    expect(statSync(bundle).size).toBeGreaterThan(1e6);
    const compiler = join(folder, "node_modules/hermes-compiler/hermesc/linux64-bin/hermesc");
    execFileSync(compiler, ["-emit-binary", "-w", "-O0", "-out", `${bundle}.hbc`, bundle], { stdio: "pipe" });
    expect(statSync(`${bundle}.hbc`).size).toBeGreaterThan(1e6);
  });

  test("becomes an Android project with one ONNX Runtime, two ABIs, one permission and nothing in backups", () => {
    expo("prebuild", "--platform", "android", "--no-install");
    const { version } = readManifest(join(installed, "node_modules/onnxruntime-react-native"));
    const gradle = text("android/build.gradle");
    expect(gradle).toContain(`details.useVersion("${version}")`);
    expect(gradle.match(/one version of ONNX Runtime/g)).toHaveLength(1);
    const properties = text("android/gradle.properties");
    expect(properties).toMatch(/^reactNativeArchitectures=arm64-v8a,x86_64$/m);
    expect(properties).toMatch(/^android\.minSdkVersion=27$/m);
    expect(properties).toMatch(/^android\.enableMinifyInReleaseBuilds=true$/m);
    expect(properties).toMatch(/^hermesEnabled=true$/m);
    expect(text("android/app/proguard-rules.pro")).toContain("-keep class ai.onnxruntime.** { *; }");
    const manifest = text("android/app/src/main/AndroidManifest.xml");
    expect(manifest).toContain('android:largeHeap="true"');
    expect(manifest).toContain('android:allowBackup="false"');
    expect(manifest).toContain('android:dataExtractionRules="@xml/millet_data_extraction_rules"');
    expect(existsSync(join(folder, "android/app/src/main/res/xml/millet_data_extraction_rules.xml"))).toBe(
      true,
    );
    const granted = [
      ...manifest.matchAll(/<uses-permission android:name="([^"]+)"(?![^>]*tools:node="remove")/g),
    ];
    expect(granted.map(([, name]) => name)).toEqual(["android.permission.INTERNET"]);
  });

  test("has both native modules", () => {
    // Expo compiles ONNX Runtime's and does not register it: our plugin does, in the project written above.
    const application = text("android/app/src/main/java/org/millet/chat/MainApplication.kt");
    expect(application).toMatch(
      /packages\.apply \{\s+add\(ai\.onnxruntime\.reactnative\.OnnxruntimePackage\(\)\)/,
    );
    expect(text("android/app/build.gradle")).toContain("implementation project(':onnxruntime-react-native')");
    const linker = "node_modules/expo-modules-autolinking/bin/expo-modules-autolinking.js";
    const { dependencies } = JSON.parse(
      node(linker, "react-native-config", "--platform", "android", "--json"),
    );
    expect(dependencies["device-facts"].platforms.android.packageInstance).toContain("DeviceFactsPackage");
    expect(dependencies["onnxruntime-react-native"]).toBeUndefined(); // else it would be there twice
  });
});
