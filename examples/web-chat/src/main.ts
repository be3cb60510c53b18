/** The page: choose a backend, load the model on it, ask, read, stop; switch backends whenever you like. */
import { isMilletError, type MilletErrorCode, type RecoveryProgress } from "@millet/core";
import { BACKENDS, type BackendChoice } from "./backends.js";
import { Conversation } from "./conversation.js";
import { clearErrors, element, showChoices, showError, showNote, showProgress, showTurn } from "./page.js";
import { pageModel } from "./source.js";

const model = pageModel();
const conversation = new Conversation(model.source);
const message = element("message", HTMLTextAreaElement);
const send = element("send", HTMLButtonElement);
const stop = element("stop", HTMLButtonElement);

/** Where the model runs, or will. */
let backend: BackendChoice = BACKENDS[0];

/** What runs: one load or one answer at a time. A new one stops the one before, and begins when that has ended. */
let current = new AbortController();
let ended: Promise<void> = Promise.resolve();

function start(job: (signal: AbortSignal) => Promise<void>): void {
  current.abort();
  const mine = new AbortController();
  current = mine;
  clearErrors();
  send.hidden = true;
  stop.hidden = false;
  ended = ended.then(async () => {
    await job(mine.signal);
    if (current === mine) [send.hidden, stop.hidden] = [false, true];
  });
}

/** @returns whether the model is there; if not, the page has told why */
async function load(choice: BackendChoice, signal: AbortSignal): Promise<boolean> {
  markChoice(BACKENDS.indexOf(choice));
  startPanel.hidden = true;
  try {
    const {
      backend: serving,
      info,
      loadMs,
    } = await conversation.load({
      backend: choice.create(),
      signal,
      onProgress: showProgress,
      onRecovery: showRecovery,
    });
    backend = choice;
    const { description, limitations } = serving.capabilities;
    const seconds = (loadMs / 1000).toFixed(1);
    const loaded = `${choice.label}: ${info.name} loaded in ${seconds} s. ${description}.`;
    showNote([loaded, ...limitations].join(" "));
    return true;
  } catch (error) {
    if (isAbort(error)) startPanel.hidden = conversation.isLoaded;
    else showError(error, reloads());
    return false;
  } finally {
    showProgress(undefined);
    markChoice(BACKENDS.indexOf(backend));
  }
}

/** A backend that is lost in the middle of an answer is replaced without the page's doing, which tells of the pause. */
function showRecovery({ phase, reason, loadedBytes, totalBytes }: RecoveryProgress): void {
  const isOver = phase === "ready" || phase === "failed";
  showProgress(isOver ? undefined : { loadedBytes, totalBytes });
  if (phase === "ready")
    showNote(`${backend.label}: lost (${reason.code}) and loaded again; the answer goes on.`);
}

async function answer(question: string, signal: AbortSignal): Promise<void> {
  const turn = showTurn(question);
  const undo = () => {
    turn.fail();
    message.value ||= question;
  };
  try {
    let tokens = 0;
    let firstAt = 0;
    const stream = conversation.send(question, signal);
    for await (const { text, tokenIds } of stream.chunks()) {
      if (tokens === 0) firstAt = performance.now();
      tokens += tokenIds.length;
      turn.append(text);
      turn.describe(summary(tokens, (1000 * (tokens - 1)) / (performance.now() - firstAt)));
    }
    const result = await stream.result;
    const stopped = result.finishReason === "aborted" ? "Stopped. " : "";
    const { prefillTokens, decodeTokensPerSecond } = result.timings;
    const written = summary(result.tokenIds.length, decodeTokensPerSecond);
    turn.describe(`${stopped}${written}, after reading ${prefillTokens}`);
    if (stopped && result.text === "") undo();
  } catch (error) {
    undo();
    showError(error, isMilletError(error) && LOAD_AGAIN.includes(error.code) ? reloads() : []);
  }
}

function summary(tokens: number, tokensPerSecond: number): string {
  const rate = tokens > 1 ? `, ${tokensPerSecond.toFixed(1)} tokens/s` : "";
  return `${backend.label}: ${tokens} tokens${rate}`;
}

function isAbort(error: unknown): boolean {
  return isMilletError(error) && error.code === "ABORTED";
}

/** Failures of an answer after which only a loaded model answers again. */
const LOAD_AGAIN: readonly MilletErrorCode[] = ["BACKEND_LOST", "BACKEND_FAILED", "OUT_OF_MEMORY"];

function reloads() {
  return BACKENDS.map((choice) => ({ label: `Load on ${choice.label}`, run: () => startLoad(choice) }));
}

function startLoad(choice: BackendChoice): void {
  start(async (signal) => void (await load(choice, signal)));
}

function submit(): void {
  const question = message.value.trim();
  if (question === "" || send.hidden) return;
  message.value = "";
  message.focus();
  start(async (signal) => {
    if (conversation.isLoaded || (await load(backend, signal))) await answer(question, signal);
    else message.value ||= question;
  });
}

const markChoice = showChoices(
  BACKENDS.map(({ label }) => label),
  (index) => {
    const choice = BACKENDS[index]!;
    // Before the first load a choice is only a choice.
    if (conversation.isLoaded || send.hidden) startLoad(choice);
    else backend = choice;
  },
);
markChoice(0);
const startPanel = showNote(
  `${model.name}: ${model.origin}. It runs in this page; what you write stays here.`,
  [{ label: "Load", run: () => startLoad(backend) }],
);

element("composer", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
message.addEventListener("keydown", (event) => {
  // An input method's Enter chooses a word; Shift and Enter begin a new line.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
stop.addEventListener("click", () => current.abort());
document.addEventListener("keydown", (event) => event.key === "Escape" && current.abort());
