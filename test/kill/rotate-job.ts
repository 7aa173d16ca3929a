/** A rotation under kill: at every moment one root is in force with all of its keys, and the next run ends it. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openChannelFolder, presentKeys } from '../../src/transfer/channel/folder.ts'
import { judgeRoots } from '../../src/tuf/index.ts'
import type { Job } from './campaign.ts'
import type { Site } from './site.ts'

interface RotateWork {
  dir: string
  keys: string
  /** At the kill: all was done but to give the lock back and to remove an empty folder. */
  done: boolean
}

export function rotateJob(site: Site): Job<RotateWork> {
  const inForce = (keys: string): number => {
    const folder = openChannelFolder(keys)
    for (const role of ['targets', 'root', 'snapshot', 'timestamp'] as const)
      assert.equal(presentKeys(folder, role).length, folder.root.roles[role].keys.size, `keys of role ${role}`)
    return folder.root.version
  }
  return {
    name: 'rotate',
    async prepare(work) {
      const dir = site.work(`rotate-${work}`)
      return { dir, keys: site.copy('keys', dir), done: false }
    },
    args: ({ keys }) => [
      'channel',
      'rotate',
      '--dir',
      keys,
      '--replace',
      'host,alice',
      '--new-passphrase-file',
      site.at('passphrase'),
      ...site.pass,
    ],
    async atKill(work) {
      const version = inForce(work.keys)
      assert.ok(version === 1 || version === 2)
      work.done = version === 2 && !existsSync(join(work.keys, 'next', 'rotation.json'))
    },
    async after({ keys, done }, rerun) {
      assert.equal(rerun.status, 0)
      // Behind the last step that counts, the same words begin another rotation.
      const version = done ? 3 : 2
      assert.equal(inForce(keys), version)
      const roots = Array.from({ length: version }, (_, i) => readFileSync(join(keys, `${i + 1}.root.json`)))
      const verdict = judgeRoots({
        channel: 'vendor-a',
        purpose: 'content',
        trusted: { rootBytes: roots[0] ?? Buffer.alloc(0), version: 1 },
        roots: new Map(roots.map((bytes, i) => [i + 1, bytes])),
      })
      assert.deepEqual([verdict.root.version, verdict.reset?.rootVersion], [version, version])
      assert.ok(readFileSync(join(keys, 'root.json')).equals(roots.at(-1) ?? Buffer.alloc(0)))
      const left = readdirSync(keys).filter((name) => /^(?!journal\.).*new$|^next$|lock$/.test(name))
      assert.deepEqual(left, [])
    },
  }
}
