/**
 * Where the threads of a program must meet: before a step that touches bytes which another thread may have written, or
 * may still be reading, since they last met (read after write, write after read, write after write).
 */
import type { Access, Sharing, Step } from "./step.js";

/** For each step, whether a barrier stands before it. */
export function placeBarriers(steps: readonly Step[]): boolean[] {
  let sinceBarrier: Access[] = [];
  return steps.map(({ accesses }) => {
    const barrier = accesses.some((access) => sinceBarrier.some((earlier) => conflict(earlier, access)));
    sinceBarrier = barrier ? [...accesses] : [...sinceBarrier, ...accesses];
    return barrier;
  });
}

function conflict(a: Access, b: Access): boolean {
  if (!a.write && !b.write) return false;
  if (a.space !== b.space || a.end <= b.start || b.end <= a.start) return false;
  return !ownPart(a, b);
}

/** Whether each thread touches the same part of the bytes in both. */
function ownPart(a: Access, b: Access): boolean {
  return a.start === b.start && a.end === b.end && sameSharing(a.sharing, b.sharing);
}

function sameSharing(a: Sharing, b: Sharing): boolean {
  if (a.by === "features") return b.by === "features" && a.groups === b.groups;
  if (a.by === "rows") return b.by === "rows" && a.count === b.count;
  return a.by === "private" && b.by === "private";
}
