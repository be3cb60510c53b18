/**
 * Finds tokens that are written out in text: at each place the longest one, from left to right. A trie
 * behind an expression of the possible first characters, so plain text is skipped at native speed; the
 * work is O(text x longest token) at worst. Tokens longer than MAX_LENGTH are never found.
 */

const MAX_LENGTH = 512;

interface TrieNode {
  readonly next: Map<number, TrieNode>;
  id: number;
}

export interface SpecialMatch {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

export class SpecialMatcher {
  private readonly root: TrieNode = { next: new Map(), id: -1 };
  private readonly firsts: RegExp | undefined;

  /** @param entries text and id of each token; empty texts are left out, of equal texts the last counts */
  constructor(entries: Iterable<readonly [text: string, id: number]>) {
    for (const [text, id] of entries) {
      if (text.length === 0 || text.length > MAX_LENGTH) continue;
      let node = this.root;
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        let child = node.next.get(code);
        if (child === undefined) node.next.set(code, (child = { next: new Map(), id: -1 }));
        node = child;
      }
      node.id = id;
    }
    const codes = [...this.root.next.keys()].map((code) => `\\u${code.toString(16).padStart(4, "0")}`);
    if (codes.length > 0) this.firsts = new RegExp(`[${codes.join("")}]`, "g");
  }

  /** The first match at or after `from` that `allows` accepts; a refused one gives way to a shorter one. */
  find(
    text: string,
    from: number,
    allows?: (id: number, start: number, end: number) => boolean,
  ): SpecialMatch | undefined {
    if (this.firsts === undefined) return undefined;
    this.firsts.lastIndex = from;
    while (this.firsts.test(text)) {
      const start = this.firsts.lastIndex - 1;
      let best: SpecialMatch | undefined;
      let node = this.root.next.get(text.charCodeAt(start));
      for (let end = start + 1; node !== undefined; end++) {
        if (node.id >= 0 && (allows === undefined || allows(node.id, start, end)))
          best = { id: node.id, start, end };
        node = end < text.length ? node.next.get(text.charCodeAt(end)) : undefined;
      }
      if (best !== undefined) return best;
    }
    return undefined;
  }
}
