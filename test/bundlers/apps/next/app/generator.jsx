"use client";
/** A client component, which Next also renders on the server: importing Millet there must do nothing. */
import { useEffect, useState } from "react";
import { findGpu, generate } from "../generate.js";

export function Generator() {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    window.findGpu = findGpu;
    window.generate = () => generate(new URL("/model.gguf", location.href).href);
    setReady(true);
  }, []);
  return <p>{ready ? "ready" : "loading"}</p>;
}
