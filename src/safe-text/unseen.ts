/**
 * Characters that a person does not see but a terminal, a log viewer or a browser obeys, or that hide something: control
 * characters (C0, DEL, C1), line and paragraph separators, format characters (bidirectional controls, tags, zero-width
 * characters), all others that Unicode calls default ignorable, lone surrogates, and noncharacters.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/gu;

/** The text with each unseen character as `toShown` gives it. Nearly all text has none and comes back as it is. */
export function replaceUnseen(text: string, toShown: (character: string) => string): string {
  return hasUnseen(text) ? text.replace(UNSEEN, toShown) : text;
}

export function hasUnseen(text: string): boolean {
  return text.search(UNSEEN) !== -1;
}

/** A character as a JSON string has it: `\n`, `\u001b`, and two of the latter beyond U+FFFF. */
export function escapeAsJson(character: string): string {
  const short = SHORT.get(character);
  if (short !== undefined) return short;
  return character.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);
