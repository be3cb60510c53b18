/** Chunks of a download pass through Java arrays on their way to the disk, while the interface has its own: a large heap. */
const { AndroidConfig, withAndroidManifest } = require("expo/config-plugins");

module.exports = (config) =>
  withAndroidManifest(config, (manifest) => {
    const application = AndroidConfig.Manifest.getMainApplicationOrThrow(manifest.modResults);
    application.$["android:largeHeap"] = "true";
    return manifest;
  });
