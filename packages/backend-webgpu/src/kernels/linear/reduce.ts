/**
 * Sums of the invocations of a workgroup, vec4 by vec4, in an order that never changes. "plain" goes through workgroup
 * memory in two stages; "subgroups" adds within each subgroup first, whatever its size, and relies on invocations of a
 * subgroup being neighbours in order, which the self-test at load proves on a device.
 */

export interface Reduction {
  readonly declarations: string;
  /** Further parameters of `main`. */
  readonly parameters: string;
  /** Statements that reduce `sums` variables, named by `name`. */
  statements(name: (v: number) => string): string;
  /** Statement `let <name>`: the sum of variable number `v`, after the statements. */
  total(name: string, v: string): string;
}

/** The least size of a subgroup (WGSL, section 17.12). */
const LEAST_SUBGROUP = 4;

export function reducePlain(lanes: number, sums: number): Reduction {
  const parts = 2 ** Math.round(Math.log2(lanes) / 2);
  return {
    declarations: `
var<workgroup> partial: array<vec4<f32>, ${lanes * sums}>;
var<workgroup> stage: array<vec4<f32>, ${parts * sums}>;`,
    parameters: "",
    statements: (name) => `${stores(sums, "lane", name)}
  workgroupBarrier();
  for (var i = lane; i < ${parts * sums}u; i += ${lanes}u) {
    var sum = vec4<f32>(0);
    for (var t = 0u; t < ${lanes / parts}u; t++) { sum += partial[(i / ${sums}u * ${lanes / parts}u + t) * ${sums}u + i % ${sums}u]; }
    stage[i] = sum;
  }
  workgroupBarrier();`,
    total: (name, v) => `var ${name} = vec4<f32>(0);
    for (var t = 0u; t < ${parts}u; t++) { ${name} += stage[t * ${sums}u + ${v}]; }`,
  };
}

export function reduceSubgroups(lanes: number, sums: number): Reduction {
  return {
    declarations: `
var<workgroup> partial: array<vec4<f32>, ${(lanes / LEAST_SUBGROUP) * sums}>;`,
    parameters: ", @builtin(subgroup_invocation_id) sub_lane: u32, @builtin(subgroup_size) sub_size: u32",
    statements: (
      name,
    ) => `${Array.from({ length: sums }, (_, v) => `let all_${v} = subgroupAdd(${name(v)});`).join("\n  ")}
  if (sub_lane == 0u) {
    let team = lane / sub_size;
    ${stores(sums, "team", (v) => `all_${v}`)}
  }
  let teams = (${lanes}u + sub_size - 1u) / sub_size;
  workgroupBarrier();`,
    total: (name, v) => `var ${name} = vec4<f32>(0);
    for (var t = 0u; t < teams; t++) { ${name} += partial[t * ${sums}u + ${v}]; }`,
  };
}

function stores(sums: number, slot: string, name: (v: number) => string): string {
  return Array.from({ length: sums }, (_, v) => `partial[${slot} * ${sums}u + ${v}u] = ${name(v)};`).join(
    "\n  ",
  );
}
