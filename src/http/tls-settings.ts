import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Secret, TlsConfig } from '../config/http-client-config.ts';
import { HttpError } from '../errors.ts';
import type { SecretFiles } from './secret-files.ts';

/** What TLS connections are made with. Immutable: a changed file makes another one. */
export class TlsSettings {
  readonly serverName: string | undefined;
  readonly rejectUnauthorized: boolean;
  readonly #config: TlsConfig | undefined;
  readonly #material: TlsMaterial;
  #secureContext: SecureContext | undefined;

  constructor(config: TlsConfig | undefined, material: TlsMaterial) {
    this.#config = config;
    this.#material = material;
    this.serverName = config?.serverName;
    this.rejectUnauthorized = config?.insecureSkipVerify !== true;
  }

  /** Built on the first TLS connection and shared by all. Throws HttpError `TLS_CONFIG`. */
  get secureContext(): SecureContext {
    this.#secureContext ??= this.#build();
    return this.#secureContext;
  }

  isMadeOf({ ca, cert, key }: TlsMaterial): boolean {
    return ca === this.#material.ca && cert === this.#material.cert && key === this.#material.key;
  }

  #build(): SecureContext {
    const { ca, cert, key } = this.#material;
    // Node takes a CA text without any certificate in it for an empty list, and then trusts nobody.
    if (ca !== undefined) checkCertificates(ca, `tls-config.ca${named(this.#config?.ca)}`);
    if (cert !== undefined) checkCertificates(cert, `tls-config.cert${named(this.#config?.cert)}`);
    const { minVersion, maxVersion } = this.#config ?? {};
    try {
      return createSecureContext({
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        ...(minVersion ? { minVersion } : {}),
        ...(maxVersion ? { maxVersion } : {}),
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message.replace(/^.*routines::/, '') : String(error);
      throw new HttpError('TLS_CONFIG', `client certificate and key can't be used: ${reason}`, {
        hint: `check tls-config.cert${named(this.#config?.cert)} and key${named(this.#config?.key)}`,
        cause: error,
      });
    }
  }
}

/** PEM texts. */
export interface TlsMaterial {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** Gives the settings of a `tls-config`, anew when the content of one of its files has changed. */
export class TlsSource {
  readonly #config: TlsConfig | undefined;
  readonly #files: SecretFiles;
  #settings: TlsSettings | undefined;

  constructor(config: TlsConfig | undefined, files: SecretFiles) {
    this.#config = config;
    this.#files = files;
  }

  /** Rejects with HttpError where a file can't be read. */
  async current(): Promise<TlsSettings> {
    const { ca, cert, key } = this.#config ?? {};
    const isFixed = ![ca, cert, key].some((secret) => secret && 'file' in secret);
    if (this.#settings && isFixed) return this.#settings;
    const material = {
      ca: ca && (await this.#files.reveal(ca, 'tls-config.ca-file')),
      cert: cert && (await this.#files.reveal(cert, 'tls-config.cert-file')),
      key: key && (await this.#files.reveal(key, 'tls-config.key-file')),
    };
    if (!this.#settings?.isMadeOf(material)) this.#settings = new TlsSettings(this.#config, material);
    return this.#settings;
  }
}

function named(secret: Secret | undefined): string {
  return secret && 'file' in secret ? `-file ${secret.file}` : '';
}

const CERTIFICATE_MARK = /-----(BEGIN|END) (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** The certificates of a PEM text, each with the lines that mark its begin and end. */
function certificateBlocks(pem: string): string[] {
  const blocks: string[] = [];
  let start: number | undefined;
  for (const { 0: mark, 1: side, index } of pem.matchAll(CERTIFICATE_MARK)) {
    if (side === 'BEGIN') start ??= index;
    else if (start !== undefined) {
      blocks.push(pem.slice(start, index + mark.length));
      start = undefined;
    }
  }
  return blocks;
}

function checkCertificates(pem: string, where: string): void {
  const blocks = certificateBlocks(pem);
  if (blocks.length === 0) {
    throw new HttpError('TLS_CONFIG', `${where} holds no certificate`, {
      hint: 'PEM is expected: -----BEGIN CERTIFICATE-----',
    });
  }
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch (error) {
    throw new HttpError('TLS_CONFIG', `${where} holds a certificate that can't be read`, { cause: error });
  }
}
