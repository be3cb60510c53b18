/** What is on the page: turns, notes, errors, the bar of a load. Text only ever enters as text, never as HTML. */
import { isMilletError, type LoadModelProgress } from "@millet/core";

export interface Action {
  readonly label: string;
  readonly run: () => void;
}

/** A question with the answer that grows below it. */
export interface Turn {
  append(text: string): void;
  /** The line below the answer. */
  describe(text: string): void;
  /** Greys the turn, which is not part of the conversation. */
  fail(): void;
}

const log = element("log", HTMLElement);
const bar = element("progress", HTMLProgressElement);
const loading = element("loading", HTMLElement);
const barLabel = element("progress-label", HTMLElement);

/** The page's element with this id, of this class. */
export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`index.html has no ${type.name} with the id ${id}.`);
}

/** One radio button per label. @returns a function that marks one of them, without calling `onChoice` */
export function showChoices(
  labels: readonly string[],
  onChoice: (index: number) => void,
): (index: number) => void {
  const inputs = labels.map((text, index) => {
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "backend" });
    input.addEventListener("change", () => onChoice(index));
    const label = document.createElement("label");
    label.append(input, text);
    element("backends", HTMLElement).append(label);
    return input;
  });
  return (index) => inputs.forEach((input, i) => (input.checked = i === index));
}

export function showTurn(question: string): Turn {
  const turn = make("article", "turn", "");
  turn.append(make("p", "question", question));
  const answer = turn.appendChild(make("p", "answer", ""));
  const note = turn.appendChild(make("p", "note", "…"));
  log.append(turn);
  log.scrollTop = log.scrollHeight;
  return {
    append: (text) => keepInView(() => answer.append(text)),
    describe: (text) => keepInView(() => note.replaceChildren(text)),
    fail: () => turn.classList.add("failed"),
  };
}

/** A line between turns, with buttons if there is something to do. */
export function showNote(text: string, actions: readonly Action[] = [], kind = "note"): HTMLElement {
  const note = make("div", kind, "");
  note.append(make("p", "", text));
  for (const { label, run } of actions) {
    const button = make("button", "", label);
    button.addEventListener("click", run);
    note.append(button);
  }
  keepInView(() => log.append(note));
  return note;
}

/** What failed, with what can be done about it. Messages of MilletErrors name the next step themselves. */
export function showError(error: unknown, actions: readonly Action[]): void {
  if (!isMilletError(error)) console.error(error); // a mistake of this page's own
  const text = error instanceof Error ? error.message : String(error);
  const note = showNote(text, actions, "error");
  note.role = "alert";
  if (isMilletError(error))
    keepInView(() => note.firstElementChild?.append(" ", make("code", "", error.code)));
}

/** Takes away errors that something new makes old. */
export function clearErrors(): void {
  for (const note of log.querySelectorAll(".error")) note.remove();
}

/** Shows how far a load is, or that none runs. */
export function showProgress(
  progress: (Omit<LoadModelProgress, "phase"> & { readonly phase?: LoadModelProgress["phase"] }) | undefined,
): void {
  keepInView(() => (loading.hidden = progress === undefined));
  if (!progress) return;
  const { loadedBytes, phase, totalBytes } = progress;
  const verb = phase === "download" ? "Downloading" : "Loading";
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
  if (totalBytes === 0) bar.removeAttribute("value");
  else bar.value = loadedBytes / totalBytes;
  barLabel.textContent =
    totalBytes === 0
      ? "Opening the model"
      : `${verb}: ${megabytes(loadedBytes)} of ${megabytes(totalBytes)} MB`;
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, text: string) {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  made.textContent = text;
  return made;
}

/** Changes the log and follows its end, unless the reader has scrolled away from there. */
function keepInView(change: () => void): void {
  const wasAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  change();
  if (wasAtEnd) log.scrollTop = log.scrollHeight;
}
