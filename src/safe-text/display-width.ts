import { eastAsianWidth } from 'get-east-asian-width';

const ONE_EACH = /^[\x20-\x7e]*$/;
/** Marks that stand on the character before them. */
const NO_WIDTH = /[\p{Mn}\p{Me}]/u;

/** The columns of a terminal that a text without unseen characters takes: East Asian wide characters take two, marks none. */
export function displayWidth(text: string): number {
  if (ONE_EACH.test(text)) return text.length;
  let width = 0;
  for (const character of text) {
    if (!NO_WIDTH.test(character)) width += eastAsianWidth(character.codePointAt(0) ?? 0);
  }
  return width;
}
