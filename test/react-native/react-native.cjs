/** Stands for React Native: the one native module that onnxruntime-react-native asks for installs what the test provides. */
module.exports = {
  NativeModules: {
    Onnxruntime: {
      install() {
        globalThis.OrtApi = globalThis.milletTestOrtApi;
      },
    },
  },
};
