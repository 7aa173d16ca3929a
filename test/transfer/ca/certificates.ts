/** A folder of certificates and the verbs on it, for the tests of `ca`. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isFault, type Code } from '../../../src/errors/index.ts'
import {
  caCrl,
  caInit,
  caIssue,
  caRevoke,
  caShow,
  type CaCrlOptions,
  type CaCrlReport,
  type CaInitOptions,
  type CaInitReport,
  type CaIssueOptions,
  type CaIssueReport,
  type CaRevokeOptions,
  type CaRevokeReport,
  type CaShowReport,
} from '../../../src/transfer/index.ts'
import { NOW } from '../stage.ts'

/** Opens every key that `ca init` makes here. */
export const CA_PASSPHRASE = 'only for the authorities'
/** Opens every key that `ca issue` makes here. */
export const NEW_PASSPHRASE = 'only for the new ones'
export const ACME = { country: 'CH', state: 'Bern', organization: 'Acme' } as const

export function says(passphrase: string): () => Promise<Buffer> {
  return () => Promise.resolve(Buffer.from(passphrase))
}

/** For assert.rejects: a fault with this code whose text holds no passphrase. */
export function fault(code: Code): (error: unknown) => boolean {
  return (error) =>
    isFault(error, code) && ![CA_PASSPHRASE, NEW_PASSPHRASE].some((word) => error.message.includes(word))
}

export class Certificates {
  readonly dir: string
  private count = 0

  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), 'sallyport-ca-'))
  }

  /** A fresh path. */
  path(name: string): string {
    return join(this.dir, `${++this.count}-${name}`)
  }

  /** A copy of the folder, to be changed at will. */
  fork(folder: string): string {
    const dir = this.path('fork')
    cpSync(folder, dir, { recursive: true })
    return dir
  }

  init(options: Partial<CaInitOptions> & { dir: string }): Promise<CaInitReport> {
    const passphrase = says(CA_PASSPHRASE)
    return caInit({ preset: 'vendor', subject: ACME, algorithm: 'ES256', passphrase, now: NOW, ...options })
  }

  issue(options: Partial<CaIssueOptions> & { dir: string; commonName: string }): Promise<CaIssueReport> {
    const [passphrase, newPassphrase] = [says(CA_PASSPHRASE), says(NEW_PASSPHRASE)]
    return caIssue({ kind: 'signer', passphrase, newPassphrase, now: NOW, ...options })
  }

  revoke(options: Partial<CaRevokeOptions> & { dir: string }): Promise<CaRevokeReport> {
    return caRevoke({ certificate: 'signer', reason: 'keyCompromise', now: NOW, ...options })
  }

  crl(options: Partial<CaCrlOptions> & { dir: string }): Promise<CaCrlReport> {
    return caCrl({ from: 'issuing', passphrase: says(CA_PASSPHRASE), now: NOW, ...options })
  }

  show(dir: string, now: Date = NOW): Promise<CaShowReport> {
    return caShow({ dir, now })
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}
