/**
 * Makes the C++ header of the Program format from the enums of assembly/*.ts, so that each list exists once, and a
 * fingerprint by which the host tells an addon that was built from another format.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { programFingerprint } from "../../src/native/fingerprint.ts";

/** Files of assembly/ whose enums the native engine shares. */
const FILES = ["opcodes.ts", "activations.ts"];
/** Enums that are values in C++; the others are places in a step or sizes, and convert to integers. */
const SCOPED = new Set(["StepFlag", "Opcode", "PackedType", "Sharing", "KvType"]);

type Enums = Record<string, Record<string, number>>;

/** The enums of a source text: `export enum Name { Member = 1, ... }`, comments allowed. */
export function parseEnums(source: string): Enums {
  const bare = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
  const enums = [...bare.matchAll(/export enum (\w+) \{([^}]*)\}/g)];
  return Object.fromEntries(enums.map(([, name, body]) => [name!, parseMembers(name!, body!)]));
}

function parseMembers(name: string, body: string): Record<string, number> {
  const members = body
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "");
  return Object.fromEntries(
    members.map((text) => {
      const [, member, value] = text.match(/^(\w+) = (\d+)$/) ?? [];
      if (member === undefined)
        throw new Error(`enum ${name}: cannot read "${text}"; write "Member = number"`);
      return [member, Number(value)];
    }),
  );
}

/** @param assembly the folder with the enums */
export function programHeader(assembly: string): string {
  const [opcodes, ...rest] = FILES.map((file) => parseEnums(readFileSync(join(assembly, file), "utf8")));
  const all = Object.assign({}, opcodes, ...rest) as Enums;
  return [
    "// Made by tools/program-header.ts from ../assembly: the Program format.\n#pragma once\n\n#include <cstdint>\n",
    "namespace millet {\n",
    `constexpr uint32_t kProgramFormat = ${programFingerprint(opcodes!)}u;\n`,
    ...Object.entries(all).map(([name, members]) => declaration(name, members)),
    "}  // namespace millet\n",
  ].join("\n");
}

function declaration(name: string, members: Record<string, number>): string {
  const lines = Object.entries(members).map(([member, value]) => `  ${member} = ${value},`);
  if (SCOPED.has(name)) return `enum class ${name} : uint32_t {\n${lines.join("\n")}\n};\n`;
  return `struct ${name} {\n  enum : int32_t {\n  ${lines.join("\n  ")}\n  };\n};\n`;
}
