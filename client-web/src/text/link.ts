// Addresses in a text: which may be opened, how they may be shown, and whether a label poses as another one.

/** What may be opened. */
const SCHEMES = ["https://", "http://", "mailto:"];
/** The longest address, in characters; a longer one is text. */
const LONGEST = 2048;
/** The longest host. */
const LONGEST_HOST = 253;

/** Something that may be opened. */
export interface Address {
  /** In full, ASCII alone. */
  readonly target: string;
  /** The host that it leads to, or the person. */
  readonly leadsTo: string;
  /** Whether it may be shown as it was typed: nothing in it looks like something else. */
  readonly honest: boolean;
}

/** Scripts that are written without blanks have no words to tell apart. */
const UNSPACED =
  /^[\u{e00}-\u{eff}\u{1000}-\u{109f}\u{1100}-\u{11ff}\u{1780}-\u{17ff}\u{3040}-\u{30ff}\u{3400}-\u{9fff}\u{ac00}-\u{d7ff}\u{f900}-\u{faff}\u{20000}-\u{3ffff}]$/u;

/** Whether a word begins at a place of a line. */
export function beginsWord(line: readonly string[], at: number): boolean {
  const before = line[at - 1];
  if (before === undefined) return true;
  return before !== "/" && before !== "@" && (!/^[\p{Alphabetic}\p{N}]$/u.test(before) || UNSPACED.test(before));
}

const ENDS = /^[\p{White_Space}\p{Cc}<>"`[\]|。，、！？；：「」『』【】《》（）]$/u;

/** Where what may be an address ends that begins here; here, if it is none. */
export function addressEnd(line: readonly string[], at: number): number {
  const start = line.slice(at, at + 8).join("").toLowerCase();
  const scheme = SCHEMES.find((scheme) => start.startsWith(scheme));
  if (!scheme) return at;
  let end = at + scheme.length;
  while (end < line.length && !ENDS.test(line[end] ?? "")) end += 1;
  return end;
}

/** The same without what belongs to the sentence around it: its last signs, and a bracket that was opened before. */
export function trimmed(line: readonly string[], begin: number, end: number): number {
  let open = 0;
  for (const c of line.slice(begin, end)) open += c === "(" ? 1 : c === ")" ? -1 : 0;
  for (; end > begin; end -= 1) {
    const last = line[end - 1] ?? "";
    if (last === ")" && open < 0) open += 1;
    else if (!".,;:!?'*_~".includes(last)) break;
  }
  return end;
}

/** An address in parentheses, and where what follows it begins. */
export function inParentheses(line: readonly string[], at: number): { address: Address; end: number } | undefined {
  if (line[at] !== "(") return undefined;
  const begin = at + 1;
  const most = addressEnd(line, begin);
  let depth = 0;
  for (let index = begin; index <= most && index < line.length; index++) {
    if (line[index] === "(") depth += 1;
    if (line[index] !== ")") continue;
    if (depth === 0) {
      const found = address(line.slice(begin, index).join(""));
      return found && { address: found, end: index + 1 };
    }
    depth -= 1;
  }
  return undefined;
}

/** What was typed as something to open; none if it may not be. */
export function address(typed: string): Address | undefined {
  if (Array.from(typed).length > LONGEST) return undefined;
  const [, scheme, rest = ""] = /^(https?|mailto):(.*)$/isu.exec(typed) ?? [];
  if (!scheme) return undefined;
  const web = scheme.toLowerCase() !== "mailto";
  const host = typedHost(rest);
  // A name before the host is there to be taken for it.
  if (web && (host.includes("@") || Array.from(host).length > LONGEST_HOST)) return undefined;
  const url = parsed(typed);
  if (!url) return undefined;
  const leadsTo = web ? url.hostname : url.pathname;
  if (web ? leadsTo === "" : !/^[^@]+@./s.test(leadsTo)) return undefined;
  const harmless = /^[\0-\x7f\p{Alphabetic}\p{N}]*$/u;
  const honest = web ? isHonestHost(host, leadsTo) && harmless.test(typed) : isAscii(typed);
  return { target: url.href, leadsTo, honest };
}

function parsed(typed: string): URL | undefined {
  try {
    return new URL(typed);
  } catch {
    return undefined;
  }
}

const isAscii = (text: string) => /^[\0-\x7f]*$/.test(text);

/** The host as it was typed, with what stands before an `@`. */
function typedHost(rest: string): string {
  const [host = ""] = rest.replace(/^[/\\]+/, "").split(/[/\\?#]/, 1);
  return host.replace(/:[0-9]*$/, "");
}

/**
 * Whether a host may be shown as it was typed: as what it is, or in a script of its own. What is not known to be harmless is shown
 * as what it is in ASCII.
 */
function isHonestHost(host: string, real: string): boolean {
  if (isAscii(host)) return host.toLowerCase() === real.toLowerCase();
  return !host.includes("%") && host.split(".").every((part) => isAscii(part) || isHonestPart(part.toLowerCase()));
}

/** Letters of one script each. Without a dotless i and others that are mostly taken for another letter, or for a slash. */
const SCRIPTS: readonly RegExp[] = [
  /^[a-zß-öø-ÿā-ž]+$/u,
  /^[α-ωά-ώ]+$/u,
  /^[а-џґ]+$/u,
  /^[ぁ-ゖァ-ヺー々㐀-䶿一-鿿]+$/u,
  /^[가-힣]+$/u,
];
const POSING = /[ıĸŉノ丿]/u;
/** Letters that can pose as Latin ones. */
const ALIKE = /^[αγεηικνορτυχωасеіјорѕухъьһпгтмкв]+$/u;

/** Letters of one script, and where its letters can pose as Latin ones, not of those alone. */
function isHonestPart(part: string): boolean {
  const letters = part.replace(/[0-9-]/g, "");
  return SCRIPTS.some((script) => script.test(letters)) && !POSING.test(letters) && !ALIKE.test(letters);
}

/** What is to be shown behind a label: where it really leads, if it looks like an address and leads elsewhere. */
export function reveal(label: string, { leadsTo }: Address): string | undefined {
  const bare = (host: string) => host.replace(/^www\./, "");
  const real = bare(leadsTo.toLowerCase());
  const words = label.split(/\p{White_Space}+/u).map(posed);
  return words.some((host) => host !== undefined && bare(host) !== real) ? leadsTo : undefined;
}

/** The host or the person that a word of a label looks like. */
function posed(typed: string): string | undefined {
  const word = typed.replace(/[。．｡․]/gu, ".").replace(/^[^\p{Alphabetic}\p{N}]+|[^\p{Alphabetic}\p{N}]+$/gu, "");
  const scheme = word.indexOf("://");
  const host = typedHost(scheme < 0 ? word : word.slice(scheme + 3));
  const name = host.slice(host.lastIndexOf("@") + 1);
  const dotless = name.replace(/\.+$/, "");
  const dot = dotless.lastIndexOf(".");
  const [before, last] = [dotless.slice(0, dot), dotless.slice(dot + 1)];
  // 1.25 is a number; 10.0.0.25 is a host.
  const numbers = /^[0-9.]+$/.test(name);
  if (dot < 1 || !(numbers ? before.split(".").length === 3 : /^[\p{Alphabetic}\p{N}-]{2,}$/u.test(last))) return undefined;
  if (host.includes("@")) return host.toLowerCase();
  return parsed(`http://${name}/`)?.hostname || name.toLowerCase();
}
