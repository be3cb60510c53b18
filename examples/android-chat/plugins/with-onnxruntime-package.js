/**
 * Registers ONNX Runtime's native module. Expo links a package that carries a `unimodule.json`, as onnxruntime-react-native
 * does, as a module of its own kind: it is compiled, and nobody tells React Native of it ("Cannot read property 'install' of
 * null").
 */
const { withMainApplication } = require("expo/config-plugins");

const PACKAGE = "ai.onnxruntime.reactnative.OnnxruntimePackage";
const ANCHOR = /PackageList\(this\)\.packages\.apply \{\n/;

module.exports = (config) =>
  withMainApplication(config, (application) => {
    const { contents } = application.modResults;
    if (contents.includes(PACKAGE)) return application;
    if (!ANCHOR.test(contents))
      throw new Error(
        `with-onnxruntime-package: found no list of packages; add ${PACKAGE}() in MainApplication by hand.`,
      );
    application.modResults.contents = contents.replace(
      ANCHOR,
      (line) => `${line}          add(${PACKAGE}())\n`,
    );
    return application;
  });
