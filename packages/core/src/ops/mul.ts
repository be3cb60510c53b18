/** mul: the elementwise product of two f32[T, N]. */
import { binary } from "./elementwise.js";

export const mul = binary("mul", (x, y) => x * y);
