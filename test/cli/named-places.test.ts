import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import { openLayout } from '../../src/content/index.ts'
import { placeFault } from '../../src/errors/index.ts'
import { caShow } from '../../src/transfer/ca/show.ts'
import { channelInit } from '../../src/transfer/channel/init.ts'
import { trustStoreRemove } from '../../src/transfer/trust/store.ts'
import { fault } from '../fault.ts'
import { policyFolder, rootOf, VENDOR } from '../transfer/policies.ts'
import { documentIn, sallyport } from './program.ts'

const NOBODY = 65_534

/** Runs `work` as one to whom rights apply: to root they do not. */
async function asNobody<T>(work: () => T | Promise<T>): Promise<T> {
  const root = process.getuid?.() === 0
  if (root) process.seteuid?.(NOBODY)
  try {
    return await work()
  } finally {
    if (root) process.seteuid?.(0)
  }
}

describe('cli/named places', () => {
  let dir: string
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'sallyport-places-'))
    chmodSync(dir, 0o755)
    writeFileSync(join(dir, 'file'), 'not a folder\n')
    writeFileSync(join(dir, 'pw'), 'places\n')
  })
  after(() => rmSync(dir, { recursive: true, force: true }))

  const shut = (name: string, mode: number): string => {
    const path = join(dir, name)
    mkdirSync(path, { recursive: true })
    chmodSync(path, mode)
    return path
  }

  it('takes an empty variable of the user for none', async () => {
    const home = shut('home', 0o755)
    const made = ['state', 'init', '--site', 'site-a', '--reason', 'test', '--json']
    const run = await sallyport(made, { cwd: dir, env: { HOME: home, XDG_STATE_HOME: '' } })
    const { report } = documentIn(run.stdout)
    assert.equal((report as { state: string }).state, join(home, '.local/state/sallyport'))
    assert.deepEqual(
      [existsSync(join(home, '.local/state/sallyport')), existsSync(join(dir, 'sallyport'))],
      [true, false],
    )
  })

  const init = ['channel', 'init', 'zz', '--for', 'content', '--solo', '--passphrase-file', 'pw', '--dir']
  for (const [args, status, code] of [
    [['ca', 'show', '--dir', 'file'], 2, 'FILE_UNREADABLE'],
    [['ca', 'crl', '--dir', 'file'], 2, 'FILE_UNREADABLE'],
    [['ca', 'issue', 'x', '--dir', 'file'], 2, 'FILE_UNREADABLE'],
    [['ca', 'revoke', 'x', '--reason', 'superseded', '--dir', 'file'], 2, 'FILE_UNREADABLE'],
    [['ca', 'init', '--preset', 'team', '--dir', 'file'], 22, 'OUTPUT_FAILED'],
    [[...init, 'file'], 22, 'OUTPUT_FAILED'],
    [[...init, 'file/keys'], 22, 'OUTPUT_FAILED'],
  ] as const)
    it(`ends with ${status} for ${args.slice(0, 2).join(' ')} at ${args.at(-1)}, which is no folder`, async () => {
      const run = await sallyport([...args, '--json'], { cwd: dir })
      const { error } = documentIn(run.stdout)
      assert.deepEqual([run.status, error.code, error.subject], [status, code, args.at(-1)])
    })

  it('refuses a folder that it may not look into or write into', async () => {
    const [closed, full] = [shut('closed', 0o100), shut('full', 0o555)]
    const options = { channel: 'zz', purpose: 'content', people: ['ann'], threshold: 1, kind: 'ed25519' } as const
    const keys = join(full, 'keys')
    const passphrase = (): Promise<Buffer> => Promise.resolve(Buffer.from('places'))
    await asNobody(async () => {
      await assert.rejects(async () => caShow({ dir: closed, now: new Date() }), fault('FILE_UNREADABLE', closed))
      const made = channelInit({ ...options, dir: keys, rootDays: 30, passphrase, now: new Date() })
      await assert.rejects(made, fault('OUTPUT_FAILED', keys))
    })
  })

  for (const folder of ['blobs', 'blobs/sha256'])
    it(`refuses a layout whose ${folder} may not be entered`, async () => {
      const layout = join(dir, folder.replace('/', '-'))
      await buildDemoLayout(layout)
      chmodSync(join(layout, folder), 0o600)
      const read = async (): Promise<void> => {
        const opened = await openLayout(layout)
        for (const name of opened.repositories())
          for (const tag of await opened.source(name).tags()) {
            const found = await opened.source(name).resolve(tag)
            if (found !== undefined) await opened.source(name).manifest(found)
          }
      }
      await asNobody(() => assert.rejects(read, fault('FILE_UNREADABLE')))
    })

  it('keeps an anchor that it may not take out', async () => {
    const policy = policyFolder(join(dir, 'policy'))
    const store = join(policy, 'truststore/x509/ca/vendor')
    const terms = { policy, kind: 'ca', name: 'vendor', fingerprint: `sha256:${rootOf(VENDOR).sha256}` }
    shut('policy/truststore/x509/ca/vendor', 0o555)
    const file = join(store, 'root.crt')
    await asNobody(() => assert.throws(() => trustStoreRemove(terms), fault('OUTPUT_FAILED', file)))
    assert.ok(existsSync(file))
  })

  it('takes what the system says of a named path for no fault of its own, and anything else for one', () => {
    const said = (code: string, syscall: string, path?: string): Error =>
      Object.assign(new Error(code), { code, syscall, path })
    assert.ok(fault('FILE_UNREADABLE', 'x')(placeFault(said('EACCES', 'lstat', 'x'))))
    assert.ok(fault('OUTPUT_FAILED', 'x')(placeFault(said('EROFS', 'mkdir', 'x'))))
    for (const ours of [said('EBADF', 'fstat'), said('EBADF', 'open', 'x'), new TypeError('x')])
      assert.equal(placeFault(ours), ours)
  })
})
