/**
 * Finds a Chrome or Chromium for the tests: the one MILLET_CHROME names, else the one that
 * `npm run install-browser` put into this folder, else the system's. Starts and installs nothing.
 */
import { accessSync, constants, globSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where `npm run install-browser` installs; ignored by git, survives `npm ci`. */
export const LOCAL_BROWSERS = fileURLToPath(new URL("../.cache/browsers", import.meta.url));

export const HOW_TO_GET_A_BROWSER =
  'run "npm run install-browser", install Chrome or Chromium, or set MILLET_CHROME to one';

const COMMANDS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC_PROGRAMS = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];
const LOCAL_PATTERNS = [
  "chromium-*/*/chrome",
  "chromium-*/*/chrome.exe",
  "chromium-*/*/*.app/Contents/MacOS/*Chrom*",
];

/**
 * The path of the browser's program, or undefined where there is none.
 * Throws Error if MILLET_CHROME names something that cannot be run.
 */
export function findBrowser(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env.MILLET_CHROME;
  if (named !== undefined && named !== "") {
    if (!isProgram(named))
      throw new Error(`MILLET_CHROME is ${named}, which is not a program that can be run.`);
    return named;
  }
  return [...localPrograms(), ...systemPrograms(env)].find(isProgram);
}

function localPrograms(): string[] {
  return globSync(LOCAL_PATTERNS, { cwd: LOCAL_BROWSERS }).map((path) => join(LOCAL_BROWSERS, path));
}

function systemPrograms(env: NodeJS.ProcessEnv): string[] {
  if (process.platform === "darwin") return MAC_PROGRAMS;
  if (process.platform === "win32") {
    const roots = [env.ProgramFiles, env["ProgramFiles(x86)"], env.LOCALAPPDATA];
    return roots.flatMap((root) =>
      root ? [join(root, "Google", "Chrome", "Application", "chrome.exe")] : [],
    );
  }
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.flatMap((folder) => COMMANDS.map((command) => join(folder, command)));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}

if (import.meta.main) {
  const browser = findBrowser();
  console.log(browser ?? `No browser found: ${HOW_TO_GET_A_BROWSER}.`);
  process.exitCode = browser === undefined ? 1 : 0;
}
