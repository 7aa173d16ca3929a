/** Bundles that carry revocation lists, killed while they are written: one sequence is given to one bundle, whatever died. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { timeText } from '../../src/transfer/run/run.ts'
import { verifyBundle } from '../../src/transfer/index.ts'
import { SITE, type RevocationWorld } from '../transfer/revocation-world.ts'
import type { Job } from './campaign.ts'
import { cheapenKeys } from './cheap-keys.ts'
import { journal } from './site.ts'

interface Work {
  dir: string
  keys: string
  output: string
  finished: boolean
  /** The id that the number was given to when the run died. */
  given: string | undefined
  journal: Buffer
}

export interface CarryingTerms {
  name: string
  /** The channel's folder, which never wrote a bundle. */
  keys: string
  /** `export`, or `revocation collect`. */
  verb: readonly string[]
  plan: object
  /** The lists come from a folder, so that every run is given the same; a responder's answers are never the same twice. */
  stable: boolean
  /** A stopped run is not gone on with before its bundle has a name: what it would carry is newer, and has a number of its own. */
  anew: boolean
}

interface Row {
  kind: string
  sequence?: number
  id?: string
}

function rowsIn(keys: string): Row[] {
  const whole = journal(keys)
  const lines = whole.subarray(0, whole.lastIndexOf(0x0a) + 1).toString()
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)
}

export function carryingJob(root: string, world: RevocationWorld, terms: CarryingTerms): Job<Work> {
  const { name, verb, stable, anew } = terms
  const plan = join(root, `${name}.yaml`)
  const passphrase = join(root, 'passphrase')
  writeFileSync(plan, JSON.stringify(terms.plan))
  writeFileSync(passphrase, 'only for tests\n')
  cheapenKeys(terms.keys, 'only for tests')
  const fixed = ['--for-site', SITE, '--created', timeText(world.now), '--valid-days', '100']
  const rootFile = join(terms.keys, 'root.json')
  const fingerprint = `sha256:${createHash('sha256').update(readFileSync(rootFile)).digest('hex')}`
  let reference: Buffer | undefined
  return {
    name,
    prepare(work) {
      const dir = join(root, 'work', `${name}-${work}`)
      rmSync(dir, { recursive: true, force: true })
      mkdirSync(join(dir, 'out'), { recursive: true })
      const keys = join(dir, 'keys')
      cpSync(terms.keys, keys, { recursive: true, preserveTimestamps: true })
      const output = join(dir, 'out', 'june.tar')
      return Promise.resolve({ dir, keys, output, finished: false, given: undefined, journal: Buffer.alloc(0) })
    },
    args: ({ keys, output }) => {
      const options = ['-f', plan, '--keys', keys, '-o', output, '--passphrase-file', passphrase, ...fixed]
      return [...verb, ...options, ...(stable ? [] : ['--allow-private'])]
    },
    async atKill(work) {
      work.finished = existsSync(work.output) && !existsSync(`${work.output}.part.json`)
      work.journal = journal(work.keys)
      work.given = rowsIn(work.keys).find(({ kind }) => kind === 'sequence')?.id
      if (existsSync(work.output)) await whole(work.output)
    },
    async after(work, rerun) {
      if (work.finished) assert.equal(rerun.out.error?.code, 'OUTPUT_EXISTS')
      else assert.equal(rerun.status, 0)
      assert.deepEqual(readdirSync(join(work.dir, 'out')), ['june.tar'])
      const id = await whole(work.output)
      const rows = rowsIn(work.keys)
      const given = rows.filter(({ kind }) => kind === 'sequence')
      assert.deepEqual(
        given.map(({ sequence }) => sequence),
        given.map((_, i) => i + 1),
        'a number went to another bundle',
      )
      assert.equal(given.at(-1)?.id, id)
      assert.ok(anew || given.length === 1, `${given.length} numbers were taken`)
      assert.ok(rows.some(({ kind, id: done }) => kind === 'exported' && done === id))
      assert.ok(work.given === undefined || work.given === given[0]?.id, 'a number went to another bundle')
      const kept = work.journal.subarray(0, work.journal.lastIndexOf(0x0a) + 1)
      assert.ok(journal(work.keys).subarray(0, kept.length).equals(kept), 'journal rows are gone')
      const bundle = readFileSync(work.output)
      reference ??= bundle
      if (stable) assert.ok(bundle.equals(reference), 'the bundle differs from that of the undisturbed run')
    },
  }

  async function whole(file: string): Promise<string> {
    const { id } = await verifyBundle({
      input: { file },
      root: { file: rootFile, fingerprint },
      site: SITE,
      now: new Date(),
    })
    return id
  }
}
