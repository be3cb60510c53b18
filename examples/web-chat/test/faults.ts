/** What can happen to a page's workers, made to happen. To be called before the page loads a model. */
import type { Page } from "playwright-core";

/** Adds an element "#lose" that is not seen: a click on it ends the worker that was started last. */
export async function addLoseButton(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.Worker = class extends Worker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        super(...args);
        document.getElementById("lose")?.remove();
        const button = Object.assign(document.createElement("i"), { id: "lose", hidden: true });
        // null is no message of the protocol: the worker's handler throws.
        button.addEventListener("click", () => this.postMessage(null));
        document.body.append(button);
      }
    };
  });
}

/** The page's next worker does not start; the ones after it do. */
export async function failFirstWorker(page: Page): Promise<void> {
  await page.evaluate(() => {
    const { Worker: Working } = window;
    window.Worker = class extends Working {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        window.Worker = Working;
        super(...args);
        throw new Error("injected");
      }
    };
  });
}
