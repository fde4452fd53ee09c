import { escapeAsJson, replaceUnseen } from './unseen.ts';

/**
 * Text that is laid out already, as plain text or JSON leaves us: line breaks and tabs stay, all else that is unseen shows as
 * in a JSON string. JSON, and YAML in double quotes, mean the same afterwards.
 */
export function plainText(text: string): string {
  return replaceUnseen(text, (character) =>
    character === '\n' || character === '\t' ? character : escapeAsJson(character),
  );
}

/** The same for a terminal, where the colours that we write stay too. */
export function terminalText(text: string): string {
  const [first = '', ...others] = text.split(ESCAPE);
  return plainText(first) + others.map(afterEscape).join('');
}

const ESCAPE = '\u001b';
/** Bold, dim, red, yellow and their ends, as chalk writes them: no other style is in use. */
const OUR_COLOUR = /^\[(?:1|2|22|31|33|39)m/;

function afterEscape(text: string): string {
  const colour = OUR_COLOUR.exec(text)?.[0];
  return colour === undefined ? plainText(ESCAPE + text) : ESCAPE + colour + plainText(text.slice(colour.length));
}
