/** add: the elementwise sum of two f32[T, N]. */
import { binary } from "./elementwise.js";

export const add = binary("add", (x, y) => x + y);
