/**
 * Pins ONNX Runtime's Android library to the version of the JavaScript package: that package's own Gradle file asks for the
 * newest one there is, so that the same app built a month later would have another runtime.
 */
const { withProjectBuildGradle } = require("expo/config-plugins");
const { version } = require("onnxruntime-react-native/package.json");

const MARK = "// Millet: one version of ONNX Runtime";

/** The lines for the root build.gradle. */
const rule = `
${MARK}
allprojects {
  configurations.configureEach {
    resolutionStrategy.eachDependency { details ->
      def isRuntime = details.requested.name in ["onnxruntime-android", "onnxruntime-android-qnn"]
      if (details.requested.group == "com.microsoft.onnxruntime" && isRuntime) {
        details.useVersion("${version}")
        details.because("the package onnxruntime-react-native is ${version}")
      }
    }
  }
}
`;

module.exports = (config) =>
  withProjectBuildGradle(config, (gradle) => {
    if (gradle.modResults.language !== "groovy")
      throw new Error(
        "with-onnxruntime-version: the root build.gradle is not Groovy; pin the library there by hand.",
      );
    if (!gradle.modResults.contents.includes(MARK)) gradle.modResults.contents += rule;
    return gradle;
  });
