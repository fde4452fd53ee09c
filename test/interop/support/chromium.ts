import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { needCommand } from './debian.ts';

/** Fonts too: without any, headless Chromium measures text as nothing. */
export async function needChromium(): Promise<string> {
  return needCommand('chromium', 'chromium');
}

/** As root there is no sandbox; the rest keeps the browser from calling its maker. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface Browser {
  /** A window with cookies and settings of its own. */
  window(options?: { readonly colorScheme?: 'light' | 'dark'; readonly width?: number }): Promise<BrowserContext>;
  close(): Promise<void>;
}

/** Debian's Chromium without a window, with a profile of its own. */
export async function startChromium(): Promise<Browser> {
  const executablePath = await needChromium();
  const home = mkdtempSync(join(tmpdir(), 'pyro-pull-chromium-'));
  const browser = await chromium.launch({ executablePath, args: FLAGS, env: { ...environment(), HOME: home } });
  return {
    window: ({ colorScheme = 'light', width = 1280 } = {}) =>
      browser.newContext({ colorScheme, viewport: { width, height: 900 }, locale: 'en-GB' }),
    close: async () => {
      await browser.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
