/**
 * Models are large and can be had again, and conversations are nobody else's: nothing of the app goes into backups or to
 * another phone. `allowBackup` alone does not keep Android 12 and later from moving files to a new phone.
 */
const { mkdirSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { AndroidConfig, withAndroidManifest, withDangerousMod } = require("expo/config-plugins");

const FILE = "millet_data_extraction_rules";
const DOMAINS = ["root", "file", "database", "sharedpref", "external"];

const excluded = DOMAINS.map((domain) => `    <exclude domain="${domain}" path="." />`).join("\n");
const rules = `<?xml version="1.0" encoding="utf-8"?>
<data-extraction-rules>
  <cloud-backup>
${excluded}
  </cloud-backup>
  <device-transfer>
${excluded}
  </device-transfer>
</data-extraction-rules>
`;

const withRules = (config) =>
  withDangerousMod(config, [
    "android",
    (mod) => {
      const folder = join(mod.modRequest.platformProjectRoot, "app/src/main/res/xml");
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `${FILE}.xml`), rules);
      return mod;
    },
  ]);

module.exports = (config) =>
  withAndroidManifest(withRules(config), (manifest) => {
    const application = AndroidConfig.Manifest.getMainApplicationOrThrow(manifest.modResults);
    application.$["android:dataExtractionRules"] = `@xml/${FILE}`;
    return manifest;
  });
