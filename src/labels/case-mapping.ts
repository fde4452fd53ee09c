/**
 * Maps one code point at a time with Unicode's simple case mapping, as Go's `strings.ToLower` does. JavaScript's own
 * method uses the full mapping, where a final sigma changes its shape and `İ` becomes two code points.
 */
export function toSimpleLowerCase(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  return mapCodePoints(text, (char) => String.fromCodePoint(char.toLowerCase().codePointAt(0)!));
}

/** The upper-case counterpart, where the full mapping makes `SS` of `ß` and the simple one leaves it alone. */
export function toSimpleUpperCase(text: string): string {
  if (isAscii(text)) return text.toUpperCase();
  return mapCodePoints(text, (char) => {
    const upper = char.toUpperCase();
    return upper.length === String.fromCodePoint(upper.codePointAt(0)!).length ? upper : simpleUpperOf(char);
  });
}

function mapCodePoints(text: string, map: (char: string) => string): string {
  let mapped = '';
  for (const char of text) mapped += map(char);
  return mapped;
}

/** Characters whose full upper case is longer than one code point. Only Greek letters with iota subscript have a simple one too. */
function simpleUpperOf(char: string): string {
  const code = char.codePointAt(0)!;
  if (code >= 0x1f80 && code <= 0x1faf && (code & 0x8) === 0) return String.fromCodePoint(code + 8);
  if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCodePoint(code + 9);
  return char;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
