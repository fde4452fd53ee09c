import assert from 'node:assert/strict';

/**
 * What a stranger may put into a name, a label or an answer: it colours, sets the title, beeps, turns the direction of writing,
 * hides, and forges a line of a log.
 */
export const HOSTILE =
  'evil\u001b[31mred\u001b]0;pwn\u0007\u009b5m\u202egnp.exe\u2066\u200b\u00ad\u3164\u{e0041}\u{e0101}\u2028x\u2029y\u0085z\u007f\ufeff\r\nwarning: forged\tend';

/** The part of it that HTTP lets into a header or a status text. */
export const HOSTILE_HEADER = '\u001b[31mred\u001b]0;pwn\u0007\u009b5m';

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

const OUR_COLOURS = [1, 2, 22, 31, 33, 39].map((code) => `\u001b[${code}m`);

/** Nothing of it came through: only line breaks are there, and none of them is a stranger's. */
export function assertSafe(text: string, where: string, { hasColours = false } = {}): void {
  const plain = hasColours ? OUR_COLOURS.reduce((rest, colour) => rest.replaceAll(colour, ''), text) : text;
  const unseen = [...plain.matchAll(UNSEEN)].find(([character]) => character !== '\n');
  const context = JSON.stringify(plain.slice(Math.max(0, (unseen?.index ?? 0) - 80), (unseen?.index ?? 0) + 20));
  assert.equal(unseen, undefined, `${where}: …${context}`);
  assert.doesNotMatch(text, /^\s*warning: forged/m, `${where} has a forged line`);
}
