import { escapeAsJson, replaceUnseen } from './unseen.ts';

/**
 * Foreign text (labels, names, answers of servers) as a part of one line: of a terminal, a log, a table or a page. What is
 * unseen shows as in a JSON string, line breaks too, so that nothing looks like a line of its own or like our colours.
 */
export function oneLine(text: string): string {
  return replaceUnseen(text, escapeAsJson);
}
