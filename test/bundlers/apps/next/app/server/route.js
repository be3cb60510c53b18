/** Generates on the server, with the engine that the address names. */
import { join } from "node:path";
import { generate } from "../../generate.js";

export async function GET(request) {
  const engine = new URL(request.url).searchParams.get("engine");
  return Response.json(await generate(join(process.cwd(), "public/model.gguf"), { engine }));
}
