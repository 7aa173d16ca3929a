/** Export and approval under kill: what is promised of them. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { thorough, type Job } from './campaign.ts'
import type { Ended } from './program.ts'
import { journal, type Site } from './site.ts'

interface ExportWork {
  dir: string
  keys: string
  output: string
  /** At the kill: the bundle had its name and the record of the run was gone. */
  finished: boolean
  /** Blobs that were not both whole in the part file and noted as such. */
  missing: number
  journal: Buffer
  fixed: boolean
  thorough: boolean
}

interface Reference {
  bundle: Buffer
  approved: Buffer
  blobs: Map<string, { at: number; size: number }>
  fetches: boolean
  /** Signatures: every run reads them first, for their certificates; to fetch them is to ask once more. */
  read: Set<string>
}

/** Offset and size of every blob in a bundle. */
function blobsIn(bundle: Buffer): Reference['blobs'] {
  const blobs: Reference['blobs'] = new Map()
  for (let at = 0; bundle[at] !== 0;) {
    const name = bundle.toString('latin1', at, bundle.indexOf(0, at))
    const size = Number.parseInt(bundle.toString('latin1', at + 124, at + 135), 8)
    const digest = /^blobs\/(\w+)\/([0-9a-f]+)$/.exec(name)
    if (digest !== null) blobs.set(`${digest[1]}:${digest[2]}`, { at: at + 512, size })
    at += 512 + Math.ceil(size / 512) * 512
  }
  return blobs
}

/** How often each blob was asked for. */
function gets({ steps }: Ended): Map<string, number> {
  const asked = new Map<string, number>()
  for (const { kind, subject } of steps)
    if (kind === 'http-request' && /^GET \S+\/blobs\//.test(subject)) asked.set(subject, (asked.get(subject) ?? 0) + 1)
  return asked
}

function stillMissing({ output }: ExportWork, { bundle, blobs }: Reference): number {
  if (existsSync(output)) return 0
  const [part, log] = [`${output}.part`, `${output}.part.log`]
  if (![part, log, `${output}.part.json`].every((file) => existsSync(file))) return blobs.size
  const claims = new Set(readFileSync(log, 'utf8').split('\n'))
  const bytes = readFileSync(part)
  return [...blobs].filter(([digest, { at, size }]) => {
    const whole = bytes.subarray(at, at + size).equals(bundle.subarray(at, at + size))
    return !whole || !claims.has(`${digest} ${size}`)
  }).length
}

/**
 * An export to a file. Half of the works name the sequence: then even a run that died between taking the number and
 * the first byte of the bundle must not stand in the way of the next.
 */
export function exportJob(site: Site, name: string, plan: string): Job<ExportWork> {
  let reference: Reference | undefined
  return {
    name,
    async prepare(work) {
      const dir = site.work(`${name}-${work}`)
      const fixed = Number(/\d*$/.exec(work)?.[0]) % 2 === 1
      mkdirSync(join(dir, 'out'))
      const output = join(dir, 'out', 'june.tar')
      return {
        dir,
        keys: site.copy('keys', dir),
        output,
        finished: false,
        missing: 0,
        journal: Buffer.alloc(0),
        fixed,
        thorough: thorough(work),
      }
    },
    args: ({ keys, output, fixed }) => [...site.exportArgs(plan, keys, output), ...(fixed ? ['--sequence', '1'] : [])],
    async atKill(work, died) {
      assert.ok(reference)
      const there = existsSync(work.output)
      if (there) assert.ok(readFileSync(work.output).equals(reference.bundle), 'a bundle with its name is not whole')
      work.finished = there && !existsSync(`${work.output}.part.json`)
      assert.ok(!work.finished || died?.kind !== 'http-request', 'a source was asked when nothing was left to do')
      work.missing = stillMissing(work, reference)
      work.journal = journal(work.keys)
    },
    async after(work, rerun) {
      // With its bundle and its record done, the run had nothing left but to give its lock back.
      if (work.finished) assert.equal(rerun.out.error?.code, 'OUTPUT_EXISTS')
      else assert.equal(rerun.status, 0)
      const bundle = readFileSync(work.output)
      assert.deepEqual(readdirSync(join(work.dir, 'out')), ['june.tar'])
      const rows = journal(work.keys)
      const kept = work.journal.subarray(0, work.journal.lastIndexOf(0x0a) + 1)
      assert.ok(rows.subarray(0, kept.length).equals(kept), 'journal rows are gone')
      assert.match(rows.toString(), /"kind":"exported"/)
      if (work.thorough || reference === undefined) {
        await site.approve(work.output)
        const approved = readFileSync(work.output)
        const asked = [...gets(rerun)]
        const read = new Set(asked.filter(([, count]) => count > 1).map(([subject]) => subject))
        reference ??= { bundle, approved, blobs: blobsIn(bundle), fetches: asked.length > 0, read }
        assert.ok(approved.equals(reference.approved), 'the approved bundle differs')
      }
      assert.ok(bundle.equals(reference.bundle), 'the bundle differs from that of the undisturbed run')
      assert.deepEqual(readdirSync(join(work.dir, 'out')), ['june.tar'])
      if (work.journal.length === 0 || !reference.fetches) return
      const { read } = reference
      const fetched = [...gets(rerun)].filter(([subject, count]) => count > (read.has(subject) ? 1 : 0)).length
      assert.ok(fetched <= work.missing, `${fetched} blobs fetched, ${work.missing} were missing`)
    },
  }
}

/** An export to a pipe, behind its approved head: nothing is kept of what came out, so the same bytes must come again. */
export function pipeExportJob(site: Site, plan: string): Job<{ dir: string; keys: string; file: string }> {
  let reference: Buffer | undefined
  const head = site.at('june.head')
  const approved = async (): Promise<string> => {
    const keys = site.copy('keys', site.work('head'))
    await site.program.must(site.exportArgs(plan, keys, head).map((arg) => (arg === '-o' ? '--head' : arg)))
    await site.approve(head)
    return keys
  }
  let numbered: Promise<string> | undefined
  return {
    name: 'export-pipe',
    async prepare(work) {
      numbered ??= approved()
      const dir = site.work(`export-pipe-${work}`)
      const keys = join(dir, 'keys')
      cpSync(await numbered, keys, { recursive: true, preserveTimestamps: true })
      return { dir, keys, file: site.at(`pipe-${work}.tar`) }
    },
    args: ({ keys }) => [...site.exportArgs(plan, keys, '-'), '--approved', head],
    run: ({ file }) => ({ stdout: file }),
    async atKill() {
      // Whoever reads the pipe sees that it broke off.
    },
    async after({ file }, rerun) {
      assert.equal(rerun.status, 0)
      const bundle = readFileSync(file)
      reference ??= bundle
      assert.ok(bundle.equals(reference), 'the bundle differs from that of the undisturbed run')
    },
  }
}

/** An approval, in place: the bundle keeps every byte outside of the slot, and has the signature after the next run. */
export function approveJob(site: Site, unapproved: Buffer): Job<{ dir: string; file: string }> {
  let reference: Buffer | undefined
  return {
    name: 'approve',
    async prepare(work) {
      const dir = site.work(`approve-${work}`)
      const file = join(dir, 'june.tar')
      writeFileSync(file, unapproved)
      return { dir, file }
    },
    args: ({ file }) => site.approveArgs(file),
    async atKill({ dir, file }) {
      const bytes = readFileSync(file)
      const names = readdirSync(dir)
      if (names.includes('june.tar.approving')) return
      assert.ok(reference)
      assert.ok(bytes.equals(unapproved) || bytes.equals(reference), 'half a signature and no record of it')
    },
    async after({ dir, file }, rerun) {
      assert.equal(rerun.status, 0)
      reference ??= readFileSync(file)
      assert.ok(readFileSync(file).equals(reference))
      assert.deepEqual(readdirSync(dir), ['june.tar'])
    },
  }
}
