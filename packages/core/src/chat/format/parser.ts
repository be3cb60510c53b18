/**
 * Takes an answer apart while it streams: thoughts, text, calls. A small state machine over the table of syntax.ts; time
 * and memory are linear in the answer, whatever it says.
 */
import { AnswerText } from "./answer-text.js";
import type { CallSyntax, FamilySyntax, RawCall } from "./family-syntax.js";
import { JsonScanner } from "./json-scanner.js";
import { readCalls } from "./read-calls.js";
import type { AnswerDelta, AnswerParser, ParsedAnswer, ParsedToolCall } from "./types.js";

const THINK = "<think>";
const THINK_END = "</think>";
/** Longest text between a call's opener and its JSON. */
const MAX_PRELUDE = 512;
const MAX_NOTES = 16;

type Mode = "start" | "thinking" | "content" | "prelude" | "json" | "raw" | "closing";

export class StreamingAnswerParser implements AnswerParser {
  readonly #syntax: FamilySyntax;
  readonly #markers: readonly string[];
  readonly #firstCall: number;
  readonly #calls: ParsedToolCall[] = [];
  readonly #notes: string[] = [];
  #deltas: AnswerDelta[] = [];
  readonly #reasoning = new AnswerText((text) => this.#deltas.push({ type: "reasoning", text }), true);
  readonly #content = new AnswerText((text) => this.#deltas.push({ type: "content", text }), false);
  #mode: Mode;
  #pending = "";
  #isFinal = false;
  /** The call that is being read: its syntax, its text so far in pieces, its name, and where its JSON ends. */
  #call: CallSyntax | undefined;
  #pieces: string[] = [];
  #name: string | undefined;
  #scanner = new JsonScanner();
  #closers: readonly string[] = [];

  constructor(syntax: FamilySyntax, startsThinking: boolean, firstCall: number) {
    this.#syntax = syntax;
    this.#markers = [...syntax.calls.map(({ opener }) => opener).filter(Boolean), ...syntax.noise];
    this.#firstCall = firstCall;
    this.#mode = startsThinking ? "thinking" : "start";
  }

  push(text: string): readonly AnswerDelta[] {
    if (this.#isFinal) return [];
    this.#pending += text;
    return this.#run();
  }

  finish(): readonly AnswerDelta[] {
    if (this.#isFinal) return [];
    this.#isFinal = true;
    this.#run();
    this.#reasoning.finish(false);
    this.#content.finish(this.#calls.length === 0);
    return this.#takeDeltas();
  }

  get answer(): ParsedAnswer {
    return {
      content: this.#content.text,
      toolCalls: [...this.#calls],
      reasoning: this.#reasoning.isEmpty ? undefined : this.#reasoning.text,
      notes: [...this.#notes],
    };
  }

  #run(): readonly AnswerDelta[] {
    while (this.#step());
    return this.#isFinal ? [] : this.#takeDeltas();
  }

  #takeDeltas(): readonly AnswerDelta[] {
    const deltas = this.#deltas;
    this.#deltas = [];
    return deltas;
  }

  /** Goes on as far as the pending text says; false if it takes more. */
  #step(): boolean {
    switch (this.#mode) {
      case "start":
        return this.#start();
      case "thinking":
        return this.#think();
      case "content":
        return this.#readContent();
      case "prelude":
        return this.#readPrelude();
      case "json":
        return this.#readJson();
      case "raw":
        return this.#readRaw();
      case "closing":
        return this.#close();
      default:
        this.#mode satisfies never;
        return false;
    }
  }

  /** The pending text from `length` on stays. */
  #take(length: number): string {
    const taken = this.#pending.slice(0, length);
    this.#pending = this.#pending.slice(length);
    return taken;
  }

  #start(): boolean {
    this.#content.add(this.#take(this.#pending.length - this.#pending.trimStart().length));
    if (this.#pending.startsWith(THINK)) {
      this.#take(THINK.length);
      this.#content.interrupt();
      this.#mode = "thinking";
    } else if (!this.#isFinal && THINK.startsWith(this.#pending)) return false;
    else this.#mode = "content";
    return true;
  }

  #think(): boolean {
    const end = this.#pending.indexOf(THINK_END);
    if (end >= 0) {
      this.#reasoning.add(this.#take(end));
      this.#take(THINK_END.length);
      this.#content.interrupt();
      this.#mode = "content";
      return true;
    }
    const held = this.#isFinal ? 0 : heldBack(this.#pending, [THINK_END]);
    this.#reasoning.add(this.#take(this.#pending.length - held));
    return false;
  }

  #readContent(): boolean {
    const bare = this.#bareCall();
    if (bare !== undefined) {
      this.#begin(bare, "");
      return true;
    }
    const [at, marker] = earliest(this.#pending, this.#markers);
    if (marker === undefined) {
      const held = this.#isFinal ? 0 : heldBack(this.#pending, this.#markers);
      this.#content.add(this.#take(this.#pending.length - held));
      return false;
    }
    this.#content.add(this.#take(at));
    this.#take(marker.length);
    const call = this.#syntax.calls.find(({ opener }) => opener === marker);
    if (call === undefined) this.#content.interrupt();
    else this.#begin(call, marker);
    return true;
  }

  /** The call that needs no opener, if the answer so far is blank and it can start here. */
  #bareCall(): CallSyntax | undefined {
    const bare = this.#syntax.calls.find(({ opener }) => opener === "");
    if (bare === undefined || !this.#content.isEmpty) return undefined;
    this.#content.add(this.#take(this.#pending.length - this.#pending.trimStart().length));
    return bare.first.test(this.#pending.slice(0, 1)) ? bare : undefined;
  }

  #begin(call: CallSyntax, opener: string): void {
    this.#call = call;
    this.#pieces = [opener];
    this.#mode = "prelude";
  }

  #readPrelude(): boolean {
    const { first, json, prelude, raw } = this.#call!;
    const head = this.#pending.slice(0, MAX_PRELUDE);
    const begin = head.trimStart().slice(0, 1);
    if (begin !== "" && !first.test(begin)) {
      if (raw === undefined) return this.#refuse("a mark of a call without a call");
      this.#mode = "raw";
      return true;
    }
    const found = json.exec(head);
    if (found === null) {
      const isOver = this.#isFinal || head.length === MAX_PRELUDE;
      return isOver && this.#refuse("a mark of a call without a call");
    }
    const before = this.#take(found[0].length - 1);
    this.#pieces.push(before);
    const parts = prelude.exec(before);
    if (parts === null) return this.#refuse("a call without a name");
    this.#name = parts.groups?.name;
    this.#pieces = [this.#pieces.join("")];
    this.#scanner = new JsonScanner();
    this.#mode = "json";
    return true;
  }

  #readJson(): boolean {
    const { state, used } = this.#scanner.scan(this.#pending);
    this.#pieces.push(this.#take(used));
    if (state === "more") return this.#isFinal && this.#refuse("the answer ends within a call");
    if (state === "bad") return this.#refuse("a call that is not JSON");
    const json = this.#pieces.slice(1).join("");
    const calls = readCalls(json, this.#name, this.#call!.needsArguments === true);
    if (typeof calls === "string") return this.#refuse(calls);
    this.#emit(calls);
    this.#closers = this.#call!.closers;
    this.#mode = "closing";
    return true;
  }

  #readRaw(): boolean {
    this.#pieces.push(this.#take(this.#pending.length));
    if (!this.#isFinal) return false;
    this.#emit([this.#call!.raw!(this.#pieces.slice(1).join(""))]);
    this.#mode = "content";
    return true;
  }

  #emit(calls: readonly RawCall[]): void {
    this.#content.interrupt();
    for (const { name, arguments: args } of calls) {
      if (this.#syntax.noTool.includes(name)) continue;
      const id = `call${String(this.#firstCall + this.#calls.length).padStart(5, "0")}`;
      const call = { id, type: "function", function: { name, arguments: JSON.stringify(args) } } as const;
      this.#calls.push(call);
      this.#deltas.push({ type: "tool-call", call });
    }
  }

  /** Skips the marks behind a call, each of which may be missing. */
  #close(): boolean {
    this.#pending = this.#pending.trimStart();
    const [closer, ...later] = this.#closers;
    if (closer === undefined) {
      this.#mode = "content";
      return true;
    }
    if (this.#pending.startsWith(closer)) this.#take(closer.length);
    else if (!this.#isFinal && closer.startsWith(this.#pending)) return false;
    this.#closers = later;
    return true;
  }

  /** What was read as a call is content after all. */
  #refuse(note: string): true {
    if (this.#notes.length < MAX_NOTES) this.#notes.push(note);
    this.#content.add(this.#pieces.join(""));
    this.#mode = "content";
    return true;
  }
}

function earliest(
  text: string,
  markers: readonly string[],
): readonly [at: number, marker: string | undefined] {
  let at = text.length;
  let first: string | undefined;
  for (const marker of markers) {
    const found = text.indexOf(marker);
    if (found >= 0 && found < at) [at, first] = [found, marker];
  }
  return [at, first];
}

/** Length of the longest end of the text that may become a marker. */
function heldBack(text: string, markers: readonly string[]): number {
  let held = 0;
  for (const marker of markers) {
    for (let length = Math.min(marker.length - 1, text.length); length > held; length--) {
      if (text.endsWith(marker.slice(0, length))) held = length;
    }
  }
  return held;
}
