/** The independent judge: a Go program on notation-go and notation-core-go, one process for any number of questions. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { needPeers, ownProgram } from './setup/run.ts'
import { need } from '../need.ts'

export type Place =
  | { readonly layout: string }
  /** `host:port/name`, over plain HTTP. */
  | { readonly repository: string; readonly username?: string; readonly password?: string }

export const MEDIA_TYPES = { jws: 'application/jose+json', cose: 'application/cose' } as const
export type EnvelopeMediaType = (typeof MEDIA_TYPES)[keyof typeof MEDIA_TYPES]

export interface StampTerms {
  readonly url: string
  /** A file of PEM certificates. */
  readonly roots: string
}

export type VerifyTerms = Place & {
  /** `scope@digest`; for a layout the scope is any, as `local/name`. */
  readonly reference: string
  /** A folder with `trustpolicy.json` and `truststore/`. */
  readonly configDir: string
  readonly maxSignatures?: number
  readonly userMetadata?: Readonly<Record<string, string>>
  readonly crlCache?: string
}

export interface NotationCheck {
  readonly type: 'integrity' | 'authenticity' | 'authenticTimestamp' | 'expiry' | 'revocation'
  readonly action: 'enforce' | 'log' | 'skip'
  readonly error?: string
}

export interface NotationOutcome {
  readonly level: string
  readonly checks: readonly NotationCheck[]
  readonly error?: string
}

export interface NotationVerdict {
  readonly ok: boolean
  /** One for each signature that was looked at, up to the first that passed. */
  readonly outcomes: readonly NotationOutcome[]
  readonly error?: string
}

export type SignTerms = Place & {
  readonly reference: string
  readonly key: string
  readonly chain: string
  readonly mediaType: EnvelopeMediaType
  readonly expirySeconds?: number
  readonly userMetadata?: Readonly<Record<string, string>>
  readonly timestamp?: StampTerms
}

export interface Signed {
  readonly ok: boolean
  readonly digest?: string
  /** Digest of the signature manifest. */
  readonly manifest?: string
  readonly error?: string
}

export interface SignBlobTerms {
  /** Files. */
  readonly file: string
  readonly key: string
  readonly chain: string
  /** Of the envelope. */
  readonly mediaType: EnvelopeMediaType
  /** Of the file. */
  readonly contentType: string
  readonly expirySeconds?: number
  readonly userMetadata?: Readonly<Record<string, string>>
  readonly timestamp?: StampTerms
}

export interface VerifyBlobTerms {
  readonly file: string
  readonly signature: string
  /** What the file must have been signed as; anything by default. */
  readonly contentType?: string
  /** A statement by its name; the global one by default. */
  readonly policyName?: string
  /** A folder with `trustpolicy.blob.json` and `truststore/`. */
  readonly configDir: string
  readonly userMetadata?: Readonly<Record<string, string>>
  readonly crlCache?: string
}

export interface OpenedEnvelope {
  readonly ok: boolean
  readonly contentType?: string
  readonly payload?: Buffer
  readonly scheme?: string
  readonly signingTime?: string
  readonly expiry?: string
  /** Signed attributes beyond the specified ones, and whether each is critical. */
  readonly attributes?: Readonly<Record<string, boolean>>
  readonly signingAgent?: string
  readonly timestamp?: Buffer
  readonly signature?: Buffer
  readonly thumbprints?: readonly string[]
  readonly error?: string
}

export interface SealTerms {
  readonly mediaType: EnvelopeMediaType
  readonly key: string
  readonly chain: string
  readonly payload: Uint8Array
  readonly contentType?: string
  readonly scheme?: string
  readonly signingTime?: Date
  readonly expiry?: Date
  readonly attributes?: readonly { readonly key: string; readonly critical: boolean; readonly value: unknown }[]
  readonly agent?: string
  readonly timestamp?: StampTerms
}

export interface CraftTerms {
  readonly mediaType: EnvelopeMediaType
  readonly key: string
  readonly chain: readonly Uint8Array[]
  /** The protected header's bytes as they shall stand in the envelope: JSON, or CBOR without the string's own head. */
  readonly protected: Uint8Array
  readonly payload: Uint8Array
  readonly hash: 'sha256' | 'sha384' | 'sha512'
  readonly saltLength?: number
  readonly pkcs1?: boolean
  readonly timestamp?: Uint8Array
}

export interface BenchTimes {
  readonly ok: boolean
  readonly seconds: readonly number[]
  readonly count: number
}

export interface GoListEntry {
  /** Hex. */
  readonly serial: string
  readonly revoked: Date
  /** 0 for none. */
  readonly reason: number
  readonly invalidity?: Date
}

export interface GoListTerms {
  /** Files of PEM: certificate and PKCS#8 key. */
  readonly issuer: string
  readonly key: string
  /** Decimal, as {@link deltaBase}. */
  readonly number: string
  readonly deltaBase?: string
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly entries: readonly GoListEntry[]
  readonly pss?: boolean
}

export interface GoList {
  readonly ok: boolean
  readonly error?: string
  readonly number?: string
  /** Empty for none. */
  readonly deltaBase?: string
  readonly thisUpdate?: string
  readonly nextUpdate?: string
  readonly entries?: readonly { serial: string; revoked: string; reason: number; invalidity?: string }[]
}

export const PAYLOAD_TYPE = 'application/vnd.cncf.notary.payload.v1+json'
const SOURCES = fileURLToPath(new URL('notation/', import.meta.url))

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

interface Sealed {
  readonly ok: boolean
  readonly envelope?: string
  readonly error?: string
}

function sealedIn({ ok, envelope, error }: Sealed): Buffer {
  if (!ok || envelope === undefined) throw new Error(error)
  return Buffer.from(envelope, 'base64')
}

/** The program of these very sources, or undefined when it was not built. It reads a question a line. */
export function judgeProgram(): string | undefined {
  const programs = readdirSync(SOURCES).filter((name) => name.endsWith('.go'))
  return ownProgram('notation-judge', SOURCES, ['go.mod', 'go.sum', ...programs.toSorted()])
}

/** Notation's own command line. For a `before` hook, as {@link NotationJudge.start}. */
export function stockNotation(context: Mocha.Context): string {
  const path = ownProgram('notation', fileURLToPath(new URL('notation-cli/', import.meta.url)), ['go.mod', 'go.sum'])
  need(context, path !== undefined, "notation's own command line is missing: run scripts/peers.sh")
  return path
}

function program(context: Mocha.Context): string {
  needPeers(context)
  const path = judgeProgram()
  const lacking = 'the judge on notation-go is missing or not of these sources: run scripts/peers.sh'
  need(context, path !== undefined, lacking)
  return path
}

type Waiting = (line: string) => void

export class NotationJudge {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting: Waiting[] = []
  #complaints = ''

  /** For a `before` hook: skips where nobody installed the counterparts, fails where CI must have them. */
  static start(context: Mocha.Context): NotationJudge {
    return new NotationJudge(program(context))
  }

  private constructor(path: string) {
    // No proxy, no home: what it reads is what a question names.
    this.#child = spawn(path, { env: {} })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-4000)
    })
    this.#child.stdin.on('error', () => undefined)
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#waiting.shift()?.(line))
    this.#child.on('close', () => {
      const fault = JSON.stringify({ fault: `the judge ended\n${this.#complaints}` })
      for (const waiting of this.#waiting.splice(0)) waiting(fault)
    })
  }

  stop(): void {
    this.#child.stdin.end()
    this.#child.kill('SIGKILL')
  }

  verify(terms: VerifyTerms): Promise<NotationVerdict> {
    return this.#ask<NotationVerdict>({ verify: { maxSignatures: 100, ...terms } })
  }

  sign(terms: SignTerms): Promise<Signed> {
    return this.#ask<Signed>({ sign: terms })
  }

  /** The signature of a plain file, as notation's own signer makes it; throws what it refuses to sign. */
  async signBlob(terms: SignBlobTerms): Promise<Buffer> {
    return sealedIn(await this.#ask<Sealed>({ signBlob: terms }))
  }

  verifyBlob(terms: VerifyBlobTerms): Promise<NotationVerdict> {
    return this.#ask<NotationVerdict>({ verifyBlob: terms })
  }

  /** Form, signature and chain rules of one envelope: no trust, no clock. */
  async verifyEnvelope(mediaType: string, bytes: Uint8Array): Promise<OpenedEnvelope> {
    interface Wire extends Omit<OpenedEnvelope, 'payload' | 'timestamp' | 'signature'> {
      readonly payload?: string
      readonly timestamp?: string
      readonly signature?: string
    }
    const request = { verifyEnvelope: { mediaType, bytes: base64(bytes) } }
    const { payload, timestamp, signature, ...rest } = await this.#ask<Wire>(request)
    return {
      ...rest,
      ...(payload !== undefined && { payload: Buffer.from(payload, 'base64') }),
      ...(timestamp !== undefined && { timestamp: Buffer.from(timestamp, 'base64') }),
      ...(signature !== undefined && { signature: Buffer.from(signature, 'base64') }),
    }
  }

  /** Whether notation takes every file of a named store for a trust anchor. */
  readStore(configDir: string, type: string, name: string): Promise<{ ok: boolean; error?: string }> {
    return this.#ask<{ ok: boolean; error?: string }>({ readStore: { configDir, type, name } })
  }

  /** An envelope as notation-core-go makes it; throws what it refuses to make. */
  async seal(terms: SealTerms): Promise<Buffer> {
    const { payload, ...rest } = terms
    const defaults = { contentType: PAYLOAD_TYPE, scheme: 'notary.x509', signingTime: new Date() }
    return sealedIn(await this.#ask<Sealed>({ seal: { ...defaults, ...rest, payload: base64(payload) } }))
  }

  /** An envelope with any header and chain, properly signed, otherwise unchecked. */
  async craft(terms: CraftTerms): Promise<Buffer> {
    const answer = await this.#ask<{ envelope: string }>({
      craft: {
        ...terms,
        chain: terms.chain.map(base64),
        protected: base64(terms.protected),
        payload: base64(terms.payload),
        ...(terms.timestamp && { timestamp: base64(terms.timestamp) }),
      },
    })
    return Buffer.from(answer.envelope, 'base64')
  }

  /** A revocation list as Go's crypto/x509 makes it; throws what it refuses to make. */
  async makeList(terms: GoListTerms): Promise<Buffer> {
    return Buffer.from((await this.#ask<{ list: string }>({ makeList: terms })).list, 'base64')
  }

  /** What Go's crypto/x509 reads in a list, and whether it takes it for the issuer's (a file of PEM). */
  readList(list: Uint8Array, issuer: string): Promise<GoList> {
    return this.#ask<GoList>({ readList: { issuer, list: base64(list) } })
  }

  /** Seconds that a loop over notation.Verify takes; every reference must pass. */
  bench(terms: Place & { references: readonly string[]; configDir: string; repeat: number }): Promise<BenchTimes> {
    return this.#ask<BenchTimes>({ bench: terms })
  }

  async #ask<Answer>(request: object): Promise<Answer> {
    const line = await new Promise<string>((resolve) => {
      this.#waiting.push(resolve)
      this.#child.stdin.write(`${JSON.stringify(request)}\n`)
    })
    const answer = JSON.parse(line) as Answer & { fault?: string }
    if (answer.fault !== undefined) throw new Error(`notation: ${answer.fault}`)
    return answer
  }
}
