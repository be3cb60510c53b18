/** Holds a device and tells how it was lost; then opens another. */
import { openDevice } from "../../src/device/open-device.js";

/** What the page saw. */
export interface Loss {
  readonly code: string;
  readonly message: string;
  readonly reason: unknown;
  /** The device that it could open afterwards. */
  readonly next: string;
}

declare global {
  interface Window {
    /** Settles once a device is open; `loss` when it has gone. */
    hold(): Promise<string>;
    loss: Promise<Loss>;
  }
}

window.hold = async () => {
  const device = await openDevice();
  window.loss = device.lost.then(async ({ code, message, details }) => {
    const next = await openDevice();
    return { code, message, reason: details.reason, next: next.description };
  });
  return device.description;
};
