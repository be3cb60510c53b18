/** What React Native adds to Hermes, as poor as it is there: signals without reasons, a clock. No TextDecoder, no crypto. */
{
  class Signal {
    aborted = false;
    #listeners = new Set();
    addEventListener(_, listener) {
      this.#listeners.add(listener);
    }
    removeEventListener(_, listener) {
      this.#listeners.delete(listener);
    }
    fire() {
      if (this.aborted) return;
      this.aborted = true;
      for (const listener of [...this.#listeners]) listener({ type: "abort" });
    }
  }
  globalThis.AbortController ??= class {
    signal = new Signal();
    abort() {
      this.signal.fire();
    }
  };
  globalThis.performance ??= { now: () => Date.now() };
  globalThis.print ??= (text) => console.log(text);
}
