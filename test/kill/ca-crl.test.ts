import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseList } from '../../src/revocation/index.ts'
import { MAIN } from '../cli/program.ts'
import { CA_PASSPHRASE, Certificates } from '../transfer/ca/certificates.ts'
import { needStrace } from '../need.ts'

const CALLS = ['fsync', 'rename', 'unlink']

describe('ca crl, killed', function () {
  this.timeout(300_000)
  let ca: Certificates
  let dir: string
  let args: string[]
  before(async function () {
    needStrace(this)
    ca = new Certificates()
    dir = ca.path('ca')
    await ca.init({ dir, preset: 'team', now: new Date() })
    writeFileSync(join(dir, 'pw'), CA_PASSPHRASE)
    args = ['ca', 'crl', '--dir', dir, '--passphrase-file', join(dir, 'pw'), '-o', join(dir, 'out.crl'), '--json']
  })
  after(() => ca?.close())

  /** Every list that anybody could have seen by now, by its number. */
  const seen = new Map<string, string>()

  function look(): void {
    const lists = join(dir, 'root/lists')
    const kept = existsSync(lists) ? readdirSync(lists).filter((name) => name.endsWith('.crl')) : []
    const files = [...kept.map((name) => join(lists, name)), join(dir, 'out.crl')].filter(existsSync)
    for (const file of files) {
      const { number, sha256 } = parseList(readFileSync(file))
      assert.equal(seen.get(number) ?? sha256, sha256, `two lists are number ${number}`)
      seen.set(number, sha256)
    }
  }

  function under(strace: readonly string[]): { signal: NodeJS.Signals | null; status: number | null } {
    // Without a cache of compiled sources, whose own renames would be met.
    const env = { PATH: process.env['PATH'], HOME: '/nonexistent' }
    return spawnSync('strace', ['-f', '-qq', ...strace, process.execPath, MAIN, ...args], { env })
  }

  it('gives no number to two lists, wherever it is stopped, and the next run makes a list', async () => {
    const log = join(dir, 'log')
    assert.equal(under(['-o', log, '-e', `trace=${CALLS.join(',')}`]).status, 0)
    look()
    const counts = CALLS.map((name) => [name, readFileSync(log, 'latin1').split(`${name}(`).length - 1] as const)
    let killed = 0
    for (const [name, count] of counts)
      for (let when = 1; when <= count; when++) {
        const inject = `inject=${name}:signal=KILL:when=${when}`
        const { signal, status } = under(['-o', '/dev/null', '-e', `trace=${name}`, '-e', inject])
        if (signal === 'SIGKILL' || status === 137) killed++
        look()
        await ca.crl({ dir, from: 'root', output: join(dir, 'out.crl'), now: new Date() })
        look()
      }
    console.log(
      `      killed ${killed} times before ${counts.map(([name, count]) => `${count} ${name}`).join(', ')}; ${seen.size} lists`,
    )
    assert.ok(killed > 8)
    const numbers = [...seen.keys()].map((hex) => Number.parseInt(hex, 16))
    assert.equal(parseList(readFileSync(join(dir, 'out.crl'))).number, Math.max(...numbers).toString(16))
  })
})
