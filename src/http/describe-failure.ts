import { HttpError } from '../errors.ts';
import { type HttpOrigin, hostHeader } from './address.ts';

/** How far a request had come. */
export type RequestPhase =
  | 'queued' // all connections to the host are in use
  | 'connecting' // DNS and TCP
  | 'proxy' // connecting to the proxy, and its answer to CONNECT
  | 'tls' // TLS handshake
  | 'waiting' // sent; no answer yet
  | 'body'; // status and headers are here

/**
 * An error of Node's sockets, TLS or HTTP parser in the words that people of the field use for it, with what can be done
 * about it. `HttpError` passes through. Anything unknown keeps its own message under the code `REQUEST_FAILED`.
 */
export function describeFailure(failure: unknown, origin: HttpOrigin, phase: RequestPhase): HttpError {
  if (failure instanceof HttpError) return failure;
  const error = rootOf(failure);
  const found =
    connectFailure(error, origin, phase) ??
    tlsFailure(error, origin) ??
    protocolFailure(error, origin) ??
    lossFailure(error, origin, phase);
  if (found) return new HttpError(found.code, found.message, { hint: found.hint, cause: failure });
  return new HttpError('REQUEST_FAILED', error.message || error.code || 'request failed', { cause: failure });
}

/** True where the connection broke: what happens to an idle connection that the other end closes as we use it. */
export function isConnectionLoss(failure: unknown): boolean {
  const { code } = rootOf(failure);
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

interface Finding {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

interface RawError {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly reason: string;
  /** The bytes that were not HTTP. */
  readonly data: string;
  readonly altNames: string;
}

/** Reads what an error object may hold. Happy Eyeballs puts one error for each address into an AggregateError. */
function rootOf(failure: unknown): RawError {
  const inner = failure instanceof AggregateError && failure.errors.length > 0 ? failure.errors.at(-1) : failure;
  const text = (name: string): string => {
    if (typeof inner !== 'object' || inner === null) return '';
    const value: unknown = Reflect.get(inner, name);
    return typeof value === 'string' ? value : '';
  };
  const cert: unknown = typeof inner === 'object' && inner !== null ? Reflect.get(inner, 'cert') : undefined;
  const altNames: unknown = typeof cert === 'object' && cert !== null ? Reflect.get(cert, 'subjectaltname') : undefined;
  return {
    name: text('name'),
    code: text('code'),
    message: inner instanceof Error ? inner.message : String(inner),
    reason: text('reason'),
    data: text('data'),
    altNames: typeof altNames === 'string' ? altNames : '',
  };
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  EHOSTDOWN: 'host is down',
  ENETDOWN: 'network is down',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted, as by a firewall on this machine',
};

function connectFailure({ code }: RawError, origin: HttpOrigin, phase: RequestPhase): Finding | undefined {
  const socketFinding = origin.socketPath === undefined ? undefined : socketFailure(code, origin.socketPath);
  if (socketFinding) return socketFinding;
  switch (code) {
    case 'ECONNREFUSED':
      return {
        code: 'CONNECTION_REFUSED',
        message: 'connection refused',
        hint: `nothing listens on port ${origin.port}`,
      };
    case 'ENOTFOUND':
      return { code: 'NO_SUCH_HOST', message: `no such host: ${origin.hostname}` };
    case 'EAI_AGAIN':
    case 'ESERVFAIL':
      return {
        code: 'DNS_FAILED',
        message: `DNS lookup of ${origin.hostname} failed: name server gave no answer (${code})`,
      };
    case 'ETIMEDOUT':
      return {
        code: 'TIMEOUT',
        message: `timeout of the operating system${phase === 'connecting' ? ' while connecting' : ': the other end is gone'}`,
      };
    case 'EMFILE':
    case 'ENFILE':
      return {
        code: 'TOO_MANY_OPEN_FILES',
        message: 'too many open files',
        hint: 'raise the limit of open files (ulimit -n) above the number of instances',
      };
    default: {
      const message = UNREACHABLE[code];
      return message ? { code: 'UNREACHABLE', message } : undefined;
    }
  }
}

/** Errors of connecting to a unix socket. */
function socketFailure(code: string, path: string): Finding | undefined {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return {
        code: 'NO_SUCH_SOCKET',
        message: `no such socket: ${path}`,
        hint: 'start the program that makes it, or check the path',
      };
    case 'ECONNREFUSED':
      return {
        code: 'CONNECTION_REFUSED',
        message: `connection refused by ${path}`,
        hint: 'no program listens on that socket; it may be left over from one that has ended',
      };
    case 'EACCES':
    case 'EPERM':
      return {
        code: 'SOCKET_FORBIDDEN',
        message: `permission denied: ${path}`,
        hint: 'run pyro-pull as a user who may write to the socket and enter its directory',
      };
    case 'ENOTSOCK':
    case 'EPROTOTYPE':
      return { code: 'NO_SUCH_SOCKET', message: `${path} is no stream socket`, hint: 'check the path' };
    case 'EAGAIN':
      return { code: 'CONNECTION_REFUSED', message: `${path} has no room for another connection` };
    default:
      return undefined;
  }
}

const ADD_CA = 'put the certificate of its CA into tls-config.ca-file';

/** Codes of OpenSSL's verification (X509_V_ERR_*) and of its SSL library, as Node spells them. */
const CERTIFICATE: Readonly<Record<string, readonly [message: string, hint?: string]>> = {
  CERT_HAS_EXPIRED: ['certificate has expired', 'renew the certificate of the target'],
  CERT_NOT_YET_VALID: ['certificate is not valid yet', 'check the clocks of both machines'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['self-signed certificate', 'put that certificate into tls-config.ca-file'],
  SELF_SIGNED_CERT_IN_CHAIN: ['certificate signed by unknown authority', ADD_CA],
  UNABLE_TO_GET_ISSUER_CERT: ['certificate signed by unknown authority', ADD_CA],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['certificate signed by unknown authority', ADD_CA],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['certificate signed by unknown authority', ADD_CA],
  CERT_SIGNATURE_FAILURE: ['certificate has a wrong signature', ADD_CA],
  CERT_REVOKED: ['certificate is revoked'],
  INVALID_CA: ['certificate signed by something that is no CA', ADD_CA],
  INVALID_PURPOSE: ['certificate is not meant for servers'],
};

const CLIENT_CERTIFICATE_ALERT =
  /ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_UNKNOWN|ACCESS_DENIED)|HANDSHAKE_FAILURE/;

function tlsFailure({ code, message, reason, altNames }: RawError, origin: HttpOrigin): Finding | undefined {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = altNames.replaceAll(/\b(DNS|IP Address):/g, '') || 'another host';
    return {
      code: 'TLS_CERTIFICATE',
      message: `TLS: certificate is for ${names}, not for ${hostHeader(origin)}`,
      hint: 'set tls-config.server-name to a name that the certificate holds',
    };
  }
  const certificate = CERTIFICATE[code];
  if (certificate) {
    const [text, hint] = certificate;
    return { code: 'TLS_CERTIFICATE', message: `TLS: ${text}`, ...(hint === undefined ? {} : { hint }) };
  }
  if (!code.startsWith('ERR_SSL_') && !code.startsWith('ERR_TLS_') && code !== 'EPROTO') return undefined;
  // OpenSSL reads the "HTTP/1.1 400" of a plain server as a record of an impossible version or length.
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_LAYER_FAILURE|HTTP_REQUEST/.test(code)) {
    return { code: 'TLS_NOT_SPOKEN', message: 'the port does not speak TLS', hint: 'set scheme: http' };
  }
  if (CLIENT_CERTIFICATE_ALERT.test(code)) {
    return {
      code: 'TLS_HANDSHAKE',
      message: `TLS: refused by the target (${plainReason(reason, message)})`,
      hint: 'if the target asks for a client certificate, set tls-config.cert-file and key-file',
    };
  }
  if (/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS/.test(code)) {
    return {
      code: 'TLS_HANDSHAKE',
      message: 'TLS: no protocol version in common',
      hint: 'see tls-config.min-version and max-version',
    };
  }
  return { code: 'TLS_HANDSHAKE', message: `TLS: ${plainReason(reason, message)}` };
}

/** OpenSSL's own phrase without its error number and source line. */
function plainReason(reason: string, message: string): string {
  return reason || message.split(':').findLast((part) => /[a-z]{3}/i.test(part) && !/\.c$/.test(part)) || message;
}

function protocolFailure({ name, code, message, data }: RawError, origin: HttpOrigin): Finding | undefined {
  if (code === 'HPE_HEADER_OVERFLOW' || code === 'UND_ERR_HEADERS_OVERFLOW') {
    return { code: 'INVALID_RESPONSE', message: 'response headers are over 16KiB' };
  }
  if (name === 'HTTPParserError') {
    // A TLS server answers plain HTTP with an alert record: type 21, version 3.x.
    if (origin.scheme === 'http' && data.startsWith('\u0015\u0003')) return TLS_EXPECTED;
    return {
      code: 'INVALID_RESPONSE',
      message: 'the answer is not HTTP/1',
      hint: `check what listens on port ${origin.port}`,
    };
  }
  if (code === 'UND_ERR_INVALID_ARG') {
    const header = /invalid (\S+) header/.exec(message)?.[1];
    return header
      ? {
          code: 'INVALID_HEADER',
          message: `the value of header ${header} holds a character that no header may hold`,
          hint: 'look for a line break inside the configured value or file',
        }
      : { code: 'INVALID_REQUEST', message };
  }
  return undefined;
}

const TLS_EXPECTED: Finding = { code: 'TLS_EXPECTED', message: 'the port speaks TLS', hint: 'set scheme: https' };

function lossFailure({ code, message }: RawError, origin: HttpOrigin, phase: RequestPhase): Finding | undefined {
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
    return { code: 'CONNECTION_CLOSED', message: 'body ends early: the connection was closed in the middle of it' };
  }
  if (code !== 'UND_ERR_SOCKET' && code !== 'ECONNRESET' && code !== 'EPIPE') return undefined;
  const isReset = code !== 'UND_ERR_SOCKET' && !/disconnected|hang up/.test(message);
  const what = isReset ? 'connection reset' : 'connection closed';
  const finding = { code: isReset ? 'CONNECTION_RESET' : 'CONNECTION_CLOSED' };
  switch (phase) {
    case 'tls':
      return {
        ...finding,
        message: `${what} during the TLS handshake`,
        hint: 'if the target speaks plain HTTP, set scheme: http',
      };
    case 'body':
      return { ...finding, message: `body ends early: ${what} in the middle of it` };
    default:
      return {
        ...finding,
        message: `${what} without an answer`,
        // etcd and others close a plain connection to their TLS port without a word; and with TLS 1.3 a client
        // certificate is missed only after the handshake.
        hint:
          origin.scheme === 'http'
            ? 'if the target speaks TLS, set scheme: https'
            : 'if the target asks for a client certificate, set tls-config.cert-file and key-file',
      };
  }
}
