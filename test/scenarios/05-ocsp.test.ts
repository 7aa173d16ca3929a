/**
 * Scenario #5 with a responder: the signer's certificate names a responder and no list. Its answer crosses with the image
 * and is judged where nobody can be asked; the next bundle brings other content, and an answer that says revoked. The twin:
 * the same image without an answer.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import type { Certificate } from '../../src/signature/index.ts'
import { stockNotation } from '../peers/notation.ts'
import { Authority, responders, type Revoked } from '../revocation/authority.ts'
import { stockWord } from './outside.ts'
import { opensslHouse } from './openssl-house.ts'
import { judgedArtifacts } from './rejudged.ts'
import type { House } from './side.ts'
import { FAR, Stage } from './stage.ts'

const NAME = 'wabbit/net-monitor'
const NEXT = 'wabbit/net-planner'

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

/** The responder of openssl, which knows the certificates, and which of them are revoked. */
class Responder {
  readonly #authority: Authority
  readonly #port: number
  readonly #about: readonly Certificate[]
  #child: ChildProcess | undefined

  constructor(authority: Authority, port: number, about: readonly Certificate[]) {
    this.#authority = authority
    this.#port = port
    this.#about = about
  }

  async start(revoked: readonly Revoked[] = []): Promise<void> {
    const options = this.#authority.prepare({ about: this.#about, revoked })
    const args = ['ocsp', ...options, '-port', `${this.#port}`, '-ndays', '2']
    const child = spawn('openssl', args, { cwd: this.#authority.dir })
    this.#child = child
    // It says so itself: a connection that asks for nothing would keep it from the next one.
    await new Promise<void>((resolve, reject) => {
      let said = ''
      const look = (text: Buffer): void => {
        said += text.toString()
        if (said.includes('ACCEPT')) resolve()
      }
      child.stdout.on('data', look)
      child.stderr.on('data', look)
      child.on('exit', () => reject(new Error(`the responder ended: ${said}`)))
    })
  }

  async stop(): Promise<void> {
    if (this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill()
    await ended
  }
}

describe('scenarios/#5: validate within restricted networks, by a responder alone', function () {
  this.timeout(120_000)
  let stage: Stage
  let notation: string
  let authority: Authority
  let responder: Responder | undefined
  let wabbit: House
  let signer: Certificate
  let digest: string
  let next: string

  before(async function () {
    stage = Stage.raise(this)
    notation = stockNotation(this)
    const { near, far } = stage
    const port = await freePort()
    const url = `http://127.0.0.1:${port}/`
    authority = new Authority('wabbit root')
    signer = authority.issue('signer', [responders(url)])
    const other = authority.issue('other', [responders(url)])
    responder = new Responder(authority, port, [signer, other])
    wabbit = await opensslHouse(near, authority, 'wabbit', 'signer')
    await opensslHouse(near, authority, 'wabbit', 'other')
    const registry = await near.hands.registry()
    const image = `${registry}/${NAME}`
    digest = await near.image(`${image}:1.0`)
    await near.sign(`${image}:1.0`, wabbit, { format: 'cose' })
    next = await near.artifact(`${registry}/${NEXT}:1.0`, 'the plan')
    await near.sign(`${registry}/${NEXT}:1.0`, wabbit, { with: 'other' })
    const content = await stage.channel('wabbit')
    const plan = (name: string, more: string): string =>
      `artifacts: [{ref: "${registry}/${name}:1.0"}]\nrevocation:\n  collect: network\n  allowPrivate: true\n${more}`

    near.write('blind.yaml', plan(NAME, `  accept: ['${url}']\n`))
    await stage.pack('blind.tar', '-f', 'blind.yaml')
    near.write('plan.yaml', plan(NAME, ''))
    await responder.start()
    await stage.pack('cargo.tar', '-f', 'plan.yaml')
    await responder.stop()
    await responder.start([{ serial: signer.serial, why: 'keyCompromise' }])
    near.write('next.yaml', plan(NEXT, `  chains: [wabbit/signer/chain.crt]\n`))
    await stage.pack('next.tar', '-f', 'next.yaml')
    await responder.stop()

    const files = ['keys/root.json', wabbit.anchor.file, 'wabbit/signer/certificate.crt']
    await stage.cross(registry, 'blind.tar', 'cargo.tar', 'next.tar', ...files)
    await stage.found('wabbit', content)
    await far.believe('policy', wabbit, { scopes: [`${FAR}/${NAME}`, `${FAR}/${NEXT}`], revocation: 'enforce' })
    far.write('policy/policy.yaml', 'version: 1\nrevocation: {measure: retag}\n')
  })
  after(async () => {
    await responder?.stop()
    authority?.remove()
    await stage?.lower()
  })

  /** What openssl makes of the answer on the signer that lies in the far registry. */
  async function openssl(): Promise<string> {
    const { far } = stage
    const repository = `${FAR}/sallyport/revocation/wabbit`
    const tags = (await far.tool('crane', `ls ${repository}`)).split('\n').filter((tag) => tag.startsWith('answer-'))
    const args = [
      '-CAfile',
      wabbit.anchor.file,
      '-issuer',
      wabbit.anchor.file,
      '-cert',
      'wabbit/signer/certificate.crt',
    ]
    const words: string[] = []
    for (const tag of tags) {
      await far.tool('oras', `pull --plain-http -o pulled ${repository}:${tag}`)
      const asked = ['ocsp', '-no_nonce', '-respin', `pulled/${tag}.ocsp`, ...args]
      const { stdout, stderr } = await far.hands.run({ program: 'openssl', args: asked, cwd: far.dir })
      assert.match(stdout + stderr, /Response verify OK/)
      const word = /certificate\.crt: (\w+)/.exec(stdout + stderr)?.[1]
      // There is an answer on the other signer too.
      if (word !== undefined && word !== 'ERROR') words.push(word)
    }
    return words.join()
  }

  const stock = (): Promise<string> => stockWord(stage.far, notation, `${FAR}/${NAME}@${digest}`)

  it('refuses the image whose answer was left out: REVOCATION_UNKNOWN', async () => {
    const { far } = stage
    await far.refused(16, 'REVOCATION_UNKNOWN', `import blind.tar --to ${FAR} --state state --policy policy`)
    assert.equal(await far.tool('crane', `catalog ${FAR}`), '')
  })

  it('validates the image inside, by the answer that came with it', async () => {
    const { far } = stage
    await far.done(`import cargo.tar --to ${FAR} --state state --policy policy`)
    await far.done(`check ${FAR}/${NAME}:1.0 --policy policy --state state`)
    assert.equal(await openssl(), 'good')
    // Who has no answers at hand knows nothing of it: notation keeps lists alone.
    await far.refused(16, 'REVOCATION_UNKNOWN', `check ${FAR}/${NAME}:1.0 --policy policy`)
    await far.done('revocation seed --notation --policy policy --state state')
    assert.equal(await stock(), 'unknown')
  })

  it('judges it again by the answer in the next bundle, and lets in what that brings', async () => {
    const { far } = stage
    const line = `import next.tar --to ${FAR} --state state --policy policy`
    const result = await far.refused(14, 'CERTIFICATE_REVOKED', line)
    assert.deepEqual(judgedArtifacts(result), [[NAME, digest, 'rejected', 'done']])
    assert.equal(await far.digest(`${FAR}/${NEXT}:1.0`), next)
    assert.notEqual(await far.digest(`${FAR}/${NAME}:1.0`), digest)
    assert.equal(await openssl(), 'revoked')
    await far.done(`check ${FAR}/${NEXT}:1.0 --policy policy --state state`)
    await far.refused(14, 'CERTIFICATE_REVOKED', `check ${FAR}/${NAME}@${digest} --policy policy --state state`)
  })
})
