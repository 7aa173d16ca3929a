/** One side of the gap: a folder, a network, and what an operator or a stock tool does there. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { documentIn, MAIN, type JsonResult } from '../cli/program.ts'
import { judgeProgram, type NotationVerdict, type VerifyTerms } from '../peers/notation.ts'
import { imagesLayout } from '../peers/setup/images.ts'
import { notationConfig, trustPolicy, type PolicyStatement } from '../peers/setup/signed-layout.ts'
import type { Hands } from './hands.ts'

/** A program's own words: its exit status and its one JSON document. */
export interface Said {
  readonly status: number
  readonly document: JsonResult
}

/** One who signs: a folder of `sallyport ca`, and the anchor that others are told to believe. */
export interface House {
  /** As policies and stores call it. */
  readonly name: string
  readonly folder: string
  /** The subject without its common name. */
  readonly identity: string
  readonly anchor: Anchor
}

/** A certificate that a person vouches for: the file may come by any way, the fingerprint must not come with it. */
export interface Anchor {
  /** Inside the side's folder; carried over, it has the same name. */
  readonly file: string
  readonly fingerprint: string
}

interface Certificate {
  readonly name: string
  readonly fingerprint: string
}

export interface HouseTerms {
  readonly preset?: 'hobbyist' | 'team' | 'vendor'
  readonly algorithm?: string
  /** Where its revocation lists will lie; without it, no certificate names one. */
  readonly crlUrl?: string
}

export interface BeliefTerms {
  readonly scopes: readonly string[]
  /** Unless told, the house's own subject without its common name. */
  readonly identity?: string
  readonly level?: 'strict' | 'audit'
  /** Skipped unless told: most scenarios have no lists. */
  readonly revocation?: 'enforce' | 'skip'
  /** Of the statement and the store, unless told the house's. */
  readonly name?: string
  /** Beside the house's own, as `tsa:acme-tsa`. */
  readonly stores?: readonly string[]
}

export interface SignTerms {
  readonly format?: 'jws' | 'cose'
  /** Of the house's certificates, the one to sign with. */
  readonly with?: string
  readonly options?: readonly string[]
}

interface Report {
  readonly code?: string
  readonly verdict?: string
  readonly artifacts?: readonly Report[] | null
  readonly rejudged?: Report | null
}

/** Every code with which a run refused something: of its error, and of the verdicts in its report. */
export function codesOf({ document }: Said): string[] {
  const error = document.error?.code
  const { code, artifacts, rejudged } = (document.report ?? {}) as Report
  const judged = [code, ...[artifacts, rejudged?.artifacts].flatMap((all) => (all ?? []).map((one) => one.code))]
  return [...new Set([error, ...judged].filter((one) => one !== undefined))]
}

const PASSPHRASE = ['--passphrase-file', 'passphrase']

export class Side {
  readonly dir: string
  readonly hands: Hands
  #count = 0

  constructor(dir: string, hands: Hands) {
    this.dir = dir
    this.hands = hands
    mkdirSync(dir)
    this.write('passphrase', 'only for this scenario\n')
  }

  path(name: string): string {
    return join(this.dir, name)
  }

  write(name: string, text: string | Uint8Array): string {
    mkdirSync(dirname(this.path(name)), { recursive: true })
    writeFileSync(this.path(name), text)
    return name
  }

  read(name: string): Buffer {
    return readFileSync(this.path(name))
  }

  /** Runs the program; words of the line are its arguments, `more` are arguments that may hold spaces. */
  async sallyport(line: string, ...more: readonly string[]): Promise<Said> {
    const args = [MAIN, ...line.split(' '), ...more, '--json']
    const { status, stdout, stderr } = await this.hands.run({ program: process.execPath, args, cwd: this.dir })
    assert.notEqual(stdout, '', `${line}\n${stderr}`)
    return { status, document: documentIn(stdout) }
  }

  async done(line: string, ...more: readonly string[]): Promise<Record<string, unknown>> {
    const { status, document } = await this.sallyport(line, ...more)
    assert.equal(status, 0, `${line} ${more.join(' ')}\n${JSON.stringify(document, undefined, 2)}`)
    return document.report
  }

  /** Runs the program, which must refuse with this status and, of all codes, this one alone. */
  async refused(status: number, code: string, line: string, ...more: readonly string[]): Promise<JsonResult> {
    const said = await this.sallyport(line, ...more)
    const told = `${line} ${more.join(' ')}\n${JSON.stringify(said.document, undefined, 2)}`
    assert.deepEqual([said.status, codesOf(said)], [status, [code]], told)
    return said.document
  }

  /** Runs a stock tool, which must succeed. */
  async tool(program: string, line: string, ...more: readonly string[]): Promise<string> {
    const args = [...line.split(' '), ...more]
    const { status, stdout, stderr } = await this.hands.run({ program, args, cwd: this.dir })
    assert.equal(status, 0, `${program} ${args.join(' ')}\n${stderr}${stdout}`)
    return stdout.trim()
  }

  /** Digest of a reference, as crane sees it. */
  digest(reference: string): Promise<string> {
    return this.tool('crane', `digest ${reference}`)
  }

  /** Whether crane can pull this. */
  async pulls(reference: string): Promise<boolean> {
    const args = ['pull', '--format=oci', reference, this.path(`pulled-${(this.#count += 1)}`)]
    const { status, stderr } = await this.hands.run({ program: 'crane', args, cwd: this.dir })
    assert.ok(status === 0 || /MANIFEST_UNKNOWN|NAME_UNKNOWN|NOT_FOUND/.test(stderr), stderr)
    return status === 0
  }

  /** Puts one of the real images into a registry, by skopeo; the answer is its digest. */
  async image(reference: string, name = 'porter-amd64'): Promise<string> {
    const from = `oci:${await imagesLayout()}:${name}`
    await this.tool('skopeo', `copy --quiet --all --dest-tls-verify=false ${from} docker://${reference}`)
    return this.digest(reference)
  }

  /** Attaches a small artifact to another one in a registry, by oras; the answer is its digest. */
  attach(reference: string, type: string, content: string | Uint8Array, layer = type): Promise<string> {
    const file = this.write(`attached-${(this.#count += 1)}`, content)
    const line = `attach --plain-http --artifact-type ${type} --format go-template={{.digest}} ${reference}`
    return this.tool('oras', line, `${file}:${layer}`)
  }

  /** Pushes an artifact that differs from every other by its text, by oras; the answer is its digest. */
  async artifact(reference: string, text: string): Promise<string> {
    const file = this.write(`pushed-${(this.#count += 1)}`, text)
    const line = `push --plain-http --artifact-type application/vnd.example.cargo ${reference}`
    await this.tool('oras', line, `${file}:text/plain`)
    return this.digest(reference)
  }

  /** Copies an artifact, its tag and all that refers to it, by oras. */
  async copy(from: string, to: string): Promise<void> {
    await this.tool('oras', `cp -r --from-plain-http --to-plain-http ${from} ${to}`)
  }

  /** Makes keys and certificates of a house, named like its folder. */
  async house(name: string, organization: string, terms: HouseTerms = {}): Promise<House> {
    const { preset = 'team', algorithm = 'ES384', crlUrl } = terms
    const subject = `C=US,ST=WA,O=${organization}`
    const line = `ca init --preset ${preset} --dir ${name} --algorithm ${algorithm}`
    const lists = crlUrl === undefined ? [] : ['--crl-url', crlUrl]
    const own = preset === 'hobbyist' ? `${subject},CN=${name}` : subject
    const { certificates } = await this.done(line, '--subject', own, ...lists, ...PASSPHRASE)
    const top = (certificates as Certificate[])[0]
    assert.ok(top)
    const anchor = { file: `${name}/${top.name}/certificate.crt`, fingerprint: top.fingerprint }
    return { name, folder: name, identity: subject, anchor }
  }

  /** Delegates within a house; the answer is the name of the new certificate. */
  async issue({ folder }: House, commonName: string, from: string, kind: 'signer' | 'ca' = 'signer'): Promise<string> {
    const line = `ca issue --dir ${folder} --from ${from} --kind ${kind} ${PASSPHRASE.join(' ')}`
    const { certificate } = await this.done(line, '--new-passphrase-file', 'passphrase', commonName)
    return (certificate as Certificate).name
  }

  /** Signs the next list of an authority, as `FOLDER/AUTHORITY.crl`. */
  async list(house: House, authority: string, folder = 'crls', ...more: readonly string[]): Promise<void> {
    mkdirSync(this.path(folder), { recursive: true })
    const line = `ca crl --dir ${house.folder} --from ${authority} -o ${folder}/${authority}.crl`
    await this.done(line, ...more, ...PASSPHRASE)
  }

  /** Signs by the house's certificate of this name. The answer is the signature's digest. */
  async sign(reference: string, { folder }: House, terms: SignTerms = {}): Promise<string> {
    const { format = 'jws', with: signer = 'signer', options = [] } = terms
    const key = ['--key', `${folder}/${signer}/key.pem`, '--chain', `${folder}/${signer}/chain.crt`, ...PASSPHRASE]
    const { signature } = await this.done(`sign ${reference} --format ${format}`, ...key, ...options)
    return signature as string
  }

  /** Adds an anchor to a store, `ca:acme`, against the fingerprint. */
  async anchor(policy: string, store: string, { file, fingerprint }: Anchor): Promise<void> {
    const [type, name] = store.split(':')
    await this.done(`trust store add ${type} ${name} ${file} --fingerprint ${fingerprint} --policy ${policy}`)
  }

  /** Writes into a policy folder whom to believe, where; by the commands that an operator has for it. */
  async believe(policy: string, house: House, terms: BeliefTerms): Promise<void> {
    const { scopes, identity = house.identity, level = 'strict', name = house.name, stores = [] } = terms
    const { revocation = 'skip' } = terms
    await this.anchor(policy, `ca:${name}`, house.anchor)
    const where = scopes.flatMap((scope) => ['--scope', scope])
    const whom = [`ca:${name}`, ...stores].flatMap((store) => ['--store', store])
    const line = `trust policy add ${name} --level ${level} --revocation ${revocation} --policy ${policy}`
    await this.done(line, ...where, ...whom, '--identity', identity)
  }

  /** What notation says of `scope@digest` in a registry or a layout, by a folder of trust. */
  async notation(terms: VerifyTerms): Promise<NotationVerdict> {
    const program = judgeProgram()
    assert.ok(program)
    const input = `${JSON.stringify({ verify: { maxSignatures: 100, ...terms } })}\n`
    const { stdout, stderr } = await this.hands.run({ program, args: [], cwd: this.dir, input })
    const answer = JSON.parse(stdout || '{"fault":"no answer"}') as NotationVerdict & { fault?: string }
    assert.equal(answer.fault, undefined, stderr)
    return answer
  }

  /** A folder for stock notation that believes this anchor alone, for all scopes. */
  trusting(anchor: Anchor, statement: PolicyStatement = {}): string {
    return notationConfig(this.dir, trustPolicy([statement]), { 'ca:acme': [this.path(anchor.file)] })
  }
}

/**
 * Notation's verdict in a word: `trusted`, `unsigned`, the enforced checks that failed, or `target` for what it compares last and
 * under none of them: what is signed, and the metadata that was asked for.
 */
export function wordOf({ ok, outcomes }: NotationVerdict): string {
  if (ok) return 'trusted'
  const failed = outcomes.flatMap(({ checks }) =>
    checks.filter(({ error, action }) => error !== undefined && action === 'enforce'),
  )
  if (outcomes.length === 0) return 'unsigned'
  return failed.length === 0 ? 'target' : [...new Set(failed.map(({ type }) => type))].join(' ')
}

/** `host/repository` of a reference, and the whole of it by digest, as notation wants it. */
export function inRegistry(repository: string, digest: string): { repository: string; reference: string } {
  return { repository, reference: `${repository}@${digest}` }
}
