/** Generates on the server, with the engine that the address names, and looks for a GPU. */
import { join } from "node:path";
import { findGpu, generate } from "../../generate.js";

export async function GET(request) {
  const engine = new URL(request.url).searchParams.get("engine");
  const report = await generate(join(process.cwd(), "public/model.gguf"), { engine });
  return Response.json({ ...report, gpu: await findGpu() });
}
